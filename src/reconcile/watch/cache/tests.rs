//! What a cache shows after the events of a watch.

use super::{
    super::{super::key::ArchitectureKey, object::LenientObject, watcher::EventSink},
    *,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

impl<K> Cache<K>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// A cache of these objects.
    pub(in crate::reconcile) fn holding(objects: impl IntoIterator<Item = K>) -> Arc<Self> {
        let cache = Arc::<Self>::default();
        let mut feed = CacheFeed::new(&cache, |_| {});
        for object in objects {
            feed.apply_event(Event::Apply(LenientObject(Ok(object))));
        }
        cache
    }
}

fn object(name: &str, version: u32, data: Value) -> LenientObject<ConfigMap> {
    let metadata = json!({
        "name": name, "namespace": "default", "resourceVersion": version.to_string(),
        "labels": {"maquette.dev/architecture": "shop"},
    });
    serde_json::from_value(json!({"metadata": metadata, "data": data})).unwrap()
}

fn key() -> ArchitectureKey {
    ArchitectureKey { namespace: "default".to_owned(), name: "shop".to_owned() }
}

fn names(cache: &Cache<ConfigMap>) -> Vec<String> {
    cache.objects_of(&key()).iter().filter_map(|object| object.metadata.name.clone()).collect()
}

#[test]
fn an_unreadable_object_is_named_and_hides_no_other() {
    let cache = Arc::<Cache<ConfigMap>>::default();
    let mut feed = CacheFeed::new(&cache, |_| {});
    feed.apply_event(Event::Init);
    feed.apply_event(Event::InitApply(object("good", 1, json!({"a": "b"}))));
    feed.apply_event(Event::InitApply(object("bad", 2, json!("no map"))));
    assert_eq!(feed.apply_event(Event::InitDone), [key()]);
    assert_eq!(names(&cache), ["good"]);
    let unreadable = cache.unreadable_objects(&key());
    assert!(unreadable[0].starts_with("ConfigMap bad: "), "{unreadable:?}");
    // A readable object becomes unreadable, and the reverse.
    assert_eq!(feed.apply_event(Event::Apply(object("good", 3, json!(5)))), [key()]);
    assert_eq!(feed.apply_event(Event::Apply(object("bad", 4, json!({})))), [key()]);
    assert_eq!(names(&cache), ["bad"]);
    assert_eq!(cache.get(&key(), "good"), None);
    assert_eq!(feed.apply_event(Event::Delete(object("good", 5, json!(5)))), [key()]);
    assert_eq!(cache.unreadable_objects(&key()), [""; 0]);
}

#[test]
fn an_object_is_unpacked_once_while_it_is_in_use() {
    let cache = Arc::<Cache<ConfigMap>>::default();
    let mut feed = CacheFeed::new(&cache, |object| object.metadata.generation = None);
    feed.apply_event(Event::Apply(object("a", 1, json!({"a": "b"}))));
    let read = || cache.get(&key(), "a").unwrap();
    assert!(!Arc::ptr_eq(&read(), &read()));
    cache.set_in_use(&key(), true);
    let first = read();
    assert!(Arc::ptr_eq(&first, &cache.objects_of(&key())[0]));
    feed.apply_event(Event::Apply(object("a", 2, json!({"a": "c"}))));
    assert_ne!(first, read(), "an event replaces it");
    cache.set_in_use(&key(), false);
    assert!(!Arc::ptr_eq(&read(), &read()));
}

#[test]
fn what_was_found_of_an_object_holds_until_its_next_event() {
    let cache = Arc::<Cache<ConfigMap>>::default();
    let mut feed = CacheFeed::new(&cache, |_| {});
    feed.apply_event(Event::Apply(object("a", 1, json!({"a": "b"}))));
    let first = cache.get(&key(), "a").unwrap();
    assert!(!cache.is_confirmed(&key(), "a", 5));
    cache.confirm(&key(), &first.metadata, 5);
    assert!(cache.is_confirmed(&key(), "a", 5));
    assert!(!cache.is_confirmed(&key(), "a", 6), "other content");
    feed.apply_event(Event::Apply(object("a", 2, json!({"a": "c"}))));
    assert!(!cache.is_confirmed(&key(), "a", 5), "it changed");
    cache.confirm(&key(), &first.metadata, 5);
    assert!(!cache.is_confirmed(&key(), "a", 5), "an earlier version was found so");
}

#[test]
fn a_complete_list_passes_the_fences_of_what_it_shows() {
    let cache = Arc::<Cache<ConfigMap>>::default();
    let mut feed = CacheFeed::new(&cache, |_| {});
    feed.apply_event(Event::Init);
    let written = object("a", 7, json!({}));
    let fence = cache.write_fence(written.meta());
    feed.apply_event(Event::InitApply(written));
    assert!(!fence.is_passed(), "the list is not complete");
    feed.apply_event(Event::InitDone);
    assert!(fence.is_passed());
    let later = cache.write_fence(object("b", 8, json!({})).meta());
    feed.apply_event(Event::Init);
    feed.apply_event(Event::InitDone);
    assert!(later.is_passed(), "a list that began after the write shows it, or it is gone");
}
