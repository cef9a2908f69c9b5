//! What must hold among the services, in CEL; `check` is the twin in Rust.
//!
//! The API server estimates what a rule may cost at most, and refuses a schema with a dear one. It
//! knows no bounds of what a function returns, such as `orValue`; hence `has`, and hence
//! `transformList` where `filter` would do.

use crate::api::rule::Rule;

// The parts of which the rules are made; `s` and `t` are services.

/// `c` is a call to no service.
macro_rules! unknown {
    () => {
        "!self.exists(t, t.name == c.service)"
    };
}
/// `c` is a call to a service that is listed above number `i`.
macro_rules! upward {
    () => {
        "self.exists(j, t, j < i && t.name == c.service)"
    };
}
/// Another service than `s` has the store that `s` names.
macro_rules! shared {
    () => {
        "!s.stateless && has(s.store) && has(s.store.name) && self.exists(t, t.name != s.name \
         && !t.stateless && (has(t.store) && has(t.store.name) ? t.store.name == s.store.name \
         : t.name + '-data' == s.store.name))"
    };
}
/// Another service than `s` owns `k`.
macro_rules! contested {
    () => {
        "self.exists(t, t.name != s.name && !t.stateless \
         && (has(t.owns) ? k in t.owns : k == t.name))"
    };
}
/// Some store is named as the service `t` is.
macro_rules! doubled {
    () => {
        "self.exists(s, !s.stateless && (has(s.store) && has(s.store.name) \
         ? t.name == s.store.name : t.name == s.name + '-data'))"
    };
}
/// `k` is a collection, or stands for the rest.
macro_rules! collection {
    () => {
        "k == '*' || k.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')"
    };
}

/// On a service.
pub(super) const SELF_CALL: Rule = Rule {
    cel: "!has(self.calls) || !self.calls.exists(c, c.service == self.name)",
    message: "service '{}' calls itself: drop that call",
    values: &["self.name"],
    blame: "calls",
};
/// On a service.
pub(super) const STATELESS_STORE: Rule = Rule {
    cel: "!self.stateless || !has(self.store)",
    message: "service '{}' is stateless, so that it has no store: drop store or stateless",
    values: &["self.name"],
    blame: "store",
};
/// On a service.
pub(super) const STATELESS_OWNS: Rule = Rule {
    cel: "!self.stateless || !has(self.owns)",
    message: "service '{}' is stateless, so that it owns nothing: drop owns or stateless",
    values: &["self.name"],
    blame: "owns",
};
/// On a service's name.
pub(super) const TAKEN: Rule = Rule {
    cel: "!(self in ['client', 'data', 'load', 'peers']) && !self.endsWith('-headless')",
    message: "the name '{}' is taken by another component: choose another for the service",
    values: &["self"],
    blame: "",
};
/// On a store's name.
pub(super) const STORE_TAKEN: Rule = Rule {
    cel: "!(self in ['business', 'client', 'load', 'peers']) && !self.endsWith('-headless')",
    message: "the name '{}' is taken by another component: choose another for the store",
    values: &["self"],
    blame: "",
};
/// On `owns`.
pub(super) const KIND: Rule = Rule {
    cel: concat!("self.all(k, ", collection!(), ")"),
    message: "'{}' is not a collection: write '*' for every collection that nobody else owns, or lower-case \
              letters, digits and '-', beginning with a letter and ending with a letter or digit",
    values: &[concat!("self.transformList(i, k, !(", collection!(), "), k)[0]")],
    blame: "",
};

/// On the list of services.
pub(super) const UNKNOWN_CALL: Rule = Rule {
    cel: concat!("self.all(s, !has(s.calls) || !s.calls.exists(c, ", unknown!(), "))"),
    message: "service '{}' calls '{}', which is not listed: list that service below its caller or \
              drop the call",
    values: &[
        concat!(
            "self.transformList(i, s, has(s.calls) && s.calls.exists(c, ",
            unknown!(),
            "), s.name)[0]"
        ),
        concat!(
            "self.transformList(i, s, has(s.calls) && s.calls.exists(c, ",
            unknown!(),
            "), s.calls.transformList(j, c, ",
            unknown!(),
            ", c.service)[0])[0]"
        ),
    ],
    blame: "",
};
/// On the list of services.
pub(super) const UPWARD_CALL: Rule = Rule {
    cel: concat!("self.all(i, s, !has(s.calls) || !s.calls.exists(c, ", upward!(), "))"),
    message: "service '{}' calls '{}', which is listed above it: calls go down the list only, so \
              that none comes back; move the service that is called down or drop the call",
    values: &[
        concat!(
            "self.transformList(i, s, has(s.calls) && s.calls.exists(c, ",
            upward!(),
            "), s.name)[0]"
        ),
        concat!(
            "self.transformList(i, s, has(s.calls) && s.calls.exists(c, ",
            upward!(),
            "), s.calls.transformList(k, c, ",
            upward!(),
            ", c.service)[0])[0]"
        ),
    ],
    blame: "",
};
/// On the list of services.
pub(super) const SHARED_STORE: Rule = Rule {
    cel: concat!("!self.exists(s, ", shared!(), ")"),
    message: "several services have the store '{}', but each has a store of its own: name another \
              for all but one",
    values: &[concat!("self.transformList(i, s, ", shared!(), ", s.store.name)[0]")],
    blame: "",
};
/// On the list of services.
pub(super) const CONTESTED_KIND: Rule = Rule {
    cel: concat!(
        "self.all(s, s.stateless || !has(s.owns) || !s.owns.exists(k, ",
        contested!(),
        "))"
    ),
    message: "several services own the collection '{}', but only one is responsible for it: drop it from \
              the owns of all but one",
    values: &[concat!(
        "self.transformList(i, s, !s.stateless && has(s.owns) && s.owns.exists(k, ",
        contested!(),
        "), s.owns.transformList(j, k, ",
        contested!(),
        ", k)[0])[0]"
    )],
    blame: "",
};
/// On the list of services.
pub(super) const STORE_IS_SERVICE: Rule = Rule {
    cel: concat!("!self.exists(t, ", doubled!(), ")"),
    message: "'{}' is the name of a service and of a store: choose another for one of them",
    values: &[concat!("self.transformList(i, t, ", doubled!(), ", t.name)[0]")],
    blame: "",
};
/// On the list of services.
pub(super) const NOTHING_KEPT: Rule = Rule {
    cel: "self.exists(s, !s.stateless)",
    message: "all services are stateless, so that nobody keeps the items: drop stateless from one",
    values: &[],
    blame: "",
};
