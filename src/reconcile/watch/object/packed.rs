//! A cached object as compressed JSON: a small part of the memory of the typed object, which is
//! mostly fields that are not set.
//!
//! Objects of one type differ in little more than names: the first one is the dictionary that the
//! others are compressed with.

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

/// Packs the objects of one type.
#[derive(Debug, Default)]
pub(in crate::reconcile::watch) struct Packer {
    /// The JSON of the first object.
    dictionary: OnceLock<Arc<[u8]>>,
}

impl Packer {
    /// # Errors
    /// When the object cannot be written as JSON.
    pub(in crate::reconcile::watch) fn pack<K: Serialize>(
        &self,
        object: &K,
    ) -> Result<Arc<Packed<K>>, String> {
        let json = serde_json::to_vec(object).map_err(|error| error.to_string())?;
        let dictionary = self.dictionary.get_or_init(|| json.as_slice().into());
        let compressed = compress_prepend_size_with_dict(&json, dictionary);
        Ok(Arc::new(Packed {
            compressed: compressed.into_boxed_slice(),
            dictionary: Arc::clone(dictionary),
            object_type: PhantomData,
        }))
    }
}

/// An object as compressed JSON.
pub(in crate::reconcile::watch) struct Packed<K> {
    compressed: Box<[u8]>,
    dictionary: Arc<[u8]>,
    object_type: PhantomData<fn() -> K>,
}

impl<K: DeserializeOwned> Packed<K> {
    /// The object; none only if its type does not read what it writes.
    pub(in crate::reconcile::watch) fn unpack(&self) -> Option<Arc<K>> {
        let json = decompress_size_prepended_with_dict(&self.compressed, &self.dictionary).ok()?;
        serde_json::from_slice(&json).map(Arc::new).ok()
    }
}

impl<K> fmt::Debug for Packed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.compressed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn config_map(name: &str) -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.name = Some(name.to_owned());
        let lines = (0..100).map(|line| (format!("key-{line}"), format!("the text of {line}")));
        object.data = Some(lines.collect());
        object
    }

    #[test]
    fn each_object_is_read_back_and_what_it_shares_with_the_first_costs_little() {
        let packer = Packer::default();
        for name in ["first", "second", "", "a-name-that-is-longer-than-the-others"] {
            let object = config_map(name);
            let packed = packer.pack(&object).unwrap();
            assert_eq!(packed.unpack().as_deref(), Some(&object));
            assert!(packed.compressed.len() < 200, "{name}: {packed:?}");
        }
        let empty = ConfigMap::default();
        assert_eq!(packer.pack(&empty).unwrap().unpack().as_deref(), Some(&empty));
    }
}
