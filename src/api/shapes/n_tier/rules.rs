//! Rules among the services, in CEL; `check` makes the same checks in Rust.
//!
//! The API server estimates the maximum cost of each rule and rejects a schema with a rule above
//! its limit. It assumes no bounds for the results of functions such as `orValue`; so the rules use
//! `has`, and `transformList` instead of `filter`. The schema has no defaults below lists.

use crate::api::validation::{CelRule, component_name};

// Conditions in CEL, parts of the rules below; `s` and `t` are services, `self` is the list.

/// No service has the name that call `c` calls.
const IS_UNKNOWN: &str = "!self.exists(t, t.name == c.service)";

/// A service other than `s` has the store that `s` names.
const IS_SHARED: &str = "(!has(s.stateless) || !s.stateless) && has(s.store) && has(s.store.name) \
                         && self.exists(t, t.name != s.name && (!has(t.stateless) || !t.stateless) \
                         && (has(t.store) && has(t.store.name) \
                         ? t.store.name == s.store.name : t.name + '-data' == s.store.name))";

/// A service other than `s` owns collection `k`.
const IS_CONTESTED: &str = "self.exists(t, t.name != s.name \
                            && (!has(t.stateless) || !t.stateless) \
                            && (has(t.owns) ? k in t.owns : k == t.name))";

/// A store has the name of service `t`.
const IS_STORE_NAME: &str = "self.exists(s, (!has(s.stateless) || !s.stateless) \
                             && (has(s.store) && has(s.store.name) \
                             ? t.name == s.store.name : t.name == s.name + '-data'))";

/// `k` is the name of a collection, or `*`.
fn is_collection() -> String {
    format!("k == '*' || k.matches('{}')", component_name::PATTERN)
}

// Rules on one service.

pub(super) fn self_call() -> CelRule {
    CelRule::new(
        "!has(self.calls) || !self.calls.exists(c, c.service == self.name)",
        "service '{}' calls itself: remove that call",
    )
    .with_arguments(["self.name"])
    .at_field("calls")
}

pub(super) fn stateless_with_store() -> CelRule {
    CelRule::new(
        "!has(self.stateless) || !self.stateless || !has(self.store)",
        "service '{}' is stateless and cannot have a store: remove store or stateless",
    )
    .with_arguments(["self.name"])
    .at_field("store")
}

pub(super) fn stateless_with_owns() -> CelRule {
    CelRule::new(
        "!has(self.stateless) || !self.stateless || !has(self.owns)",
        "service '{}' is stateless and cannot own collections: remove owns or stateless",
    )
    .with_arguments(["self.name"])
    .at_field("owns")
}

/// A rule on the name of a service.
pub(super) fn reserved_service_name() -> CelRule {
    CelRule::new(
        "!(self in ['client', 'data', 'load', 'peers']) && !self.endsWith('-headless')",
        "the name '{}' is reserved for another component: choose another name for the service",
    )
    .with_arguments(["self"])
}

/// A rule on the name of a store.
pub(super) fn reserved_store_name() -> CelRule {
    CelRule::new(
        "!(self in ['business', 'client', 'load', 'peers']) && !self.endsWith('-headless')",
        "the name '{}' is reserved for another component: choose another name for the store",
    )
    .with_arguments(["self"])
}

/// A rule on the list `owns`.
pub(super) fn collection_syntax() -> CelRule {
    let condition = is_collection();
    CelRule::new(
        format!("self.all(k, {condition})"),
        "'{}' is not a valid collection: use lower-case letters, digits and '-', start with a \
         letter and end with a letter or digit; or '*' for every collection that no other service \
         owns",
    )
    .with_arguments([format!("self.transformList(i, k, !({condition}), k)[0]")])
}

/// The arguments of a rule on calls: the first service with a call that is bad, and the service
/// that this call calls. `index` is a variable name that `is_bad` does not use.
fn bad_call(is_bad: &str, index: &str) -> [String; 2] {
    let first = format!("self.transformList(i, s, has(s.calls) && s.calls.exists(c, {is_bad}), ");
    let called = format!("s.calls.transformList({index}, c, {is_bad}, c.service)[0]");
    [format!("{first}s.name)[0]"), format!("{first}{called})[0]")]
}

// Rules on the list of services.

pub(super) fn unknown_call() -> CelRule {
    CelRule::new(
        format!("self.all(s, !has(s.calls) || !s.calls.exists(c, {IS_UNKNOWN}))"),
        "service '{}' calls '{}', which is not in the list: add that service, or remove the call",
    )
    .with_arguments(bad_call(IS_UNKNOWN, "j"))
}

// Rules on the shape.

pub(super) fn unknown_entry() -> CelRule {
    CelRule::new(
        "!has(self.entry) || self.services.exists(s, s.name == self.entry)",
        "the entry '{}' is not in services: name one of the services, or add it",
    )
    .with_arguments(["self.entry"])
    .at_field("entry")
}

pub(super) fn shared_store() -> CelRule {
    CelRule::new(
        format!("!self.exists(s, {IS_SHARED})"),
        "several services have the store '{}', but each service needs its own: change the store \
         name of all but one",
    )
    .with_arguments([format!("self.transformList(i, s, {IS_SHARED}, s.store.name)[0]")])
}

pub(super) fn contested_collection() -> CelRule {
    let is_bad = format!("s.owns.exists(k, {IS_CONTESTED})");
    CelRule::new(
        format!("self.all(s, has(s.stateless) && s.stateless || !has(s.owns) || !{is_bad})"),
        "several services own the collection '{}', but a collection has one owner: remove it from \
         the owns of all but one",
    )
    .with_arguments([format!(
        "self.transformList(i, s, (!has(s.stateless) || !s.stateless) && has(s.owns) \
         && {is_bad}, s.owns.transformList(j, k, {IS_CONTESTED}, k)[0])[0]"
    )])
}

pub(super) fn store_is_service() -> CelRule {
    CelRule::new(
        format!("!self.exists(t, {IS_STORE_NAME})"),
        "'{}' is the name of a service and of a store: rename one of them",
    )
    .with_arguments([format!("self.transformList(i, t, {IS_STORE_NAME}, t.name)[0]")])
}

pub(super) fn all_stateless() -> CelRule {
    CelRule::new(
        "self.exists(s, !has(s.stateless) || !s.stateless)",
        "all services are stateless, so no service stores the items: remove stateless from at \
         least one",
    )
}
