//! A cached object as JSON: a fifth of the memory of the typed object, which is mostly fields that
//! are not set.

use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData, sync::Arc};

/// An object as JSON.
pub(in crate::reconcile::watch) struct Packed<K> {
    json: Box<[u8]>,
    object_type: PhantomData<fn() -> K>,
}

impl<K: Serialize + DeserializeOwned> Packed<K> {
    /// # Errors
    /// When the object cannot be written as JSON.
    pub(in crate::reconcile::watch) fn new(object: &K) -> Result<Self, String> {
        let json = serde_json::to_vec(object).map_err(|error| error.to_string())?;
        Ok(Self { json: json.into_boxed_slice(), object_type: PhantomData })
    }

    /// The object; none only if its type does not read what it writes.
    pub(in crate::reconcile::watch) fn unpack(&self) -> Option<Arc<K>> {
        serde_json::from_slice(&self.json).map(Arc::new).ok()
    }
}

impl<K> fmt::Debug for Packed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.json))
    }
}
