//! Locks mutexes that guard plain data.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks the mutex, also if a thread panicked with the lock: the data behind the mutexes of this
/// crate is consistent after every statement.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
