//! Taking a mutex that guards plain data.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. The data behind our mutexes is whole after every statement, so a thread that died while
/// it held one leaves nothing half done.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
