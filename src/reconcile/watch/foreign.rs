//! The objects without our labels, which the caches do not hold: one of them may have a name that
//! an Architecture needs. They are listed only for an Architecture that needs a new object, and one
//! list serves all Architectures of a namespace for a moment.

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Api, Resource, api::ListParams};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a list counts. A request to create an object with a name that was taken meanwhile
/// fails.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Labels and owners of objects, by name.
type MetadataByName = BTreeMap<String, ObjectMeta>;

/// The last list of one kind of objects in one namespace; locked while it is read, so that
/// Architectures that are created together share it.
type LastList = Arc<tokio::sync::Mutex<Option<(Instant, Arc<MetadataByName>)>>>;

/// The newest lists, by namespace and kind.
#[derive(Default)]
pub(in crate::reconcile) struct ForeignObjects(Mutex<HashMap<(String, String), LastList>>);

impl ForeignObjects {
    /// The objects in `namespace` that do not match `selector`, the one of the watch, at most
    /// [`MAX_AGE`] old.
    ///
    /// # Errors
    /// When the list fails.
    pub(in crate::reconcile) async fn list<K>(
        &self,
        api: &Api<K>,
        namespace: &str,
        selector: &str,
    ) -> Result<Arc<MetadataByName>, kube::Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let last = self.last_list((namespace.to_owned(), K::kind(&()).into_owned()));
        let mut last = last.lock().await;
        if let Some((at, objects)) = &*last
            && at.elapsed() < MAX_AGE
        {
            return Ok(Arc::clone(objects));
        }
        let began = Instant::now();
        // From the API server's cache: the create request decides in the end.
        let params = ListParams::default().labels(selector).match_any();
        let found = api.list_metadata(&params).await?;
        let objects = found.items.into_iter().filter_map(|object| named_metadata(object.metadata));
        let objects = Arc::new(objects.collect());
        *last = Some((began, Arc::clone(&objects)));
        Ok(objects)
    }

    /// The last list of `key`; drops those that are too old.
    fn last_list(&self, key: (String, String)) -> LastList {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|_, list| match list.try_lock() {
            Ok(last) => last.as_ref().is_some_and(|(at, _)| at.elapsed() < MAX_AGE),
            // It is being read.
            Err(_) => true,
        });
        Arc::clone(lists.entry(key).or_default())
    }
}

/// The name, and what says whose the object is.
fn named_metadata(metadata: ObjectMeta) -> Option<(String, ObjectMeta)> {
    let ObjectMeta { name, namespace, uid, labels, owner_references, deletion_timestamp, .. } =
        metadata;
    let kept = ObjectMeta {
        namespace,
        uid,
        labels,
        owner_references,
        deletion_timestamp,
        ..ObjectMeta::default()
    };
    Some((name?, kept))
}
