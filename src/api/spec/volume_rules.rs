//! Rules on changes of a spec: a volume neither shrinks nor changes its StorageClass.
//!
//! They need the previous spec (`oldSelf`), which only the API server has, so they have no
//! counterpart in Rust. They apply to a shape that serves before and after the change: a shape that
//! does not serve has no volumes, and a volume that another shape reuses keeps its size.

use crate::api::validation::CelRule;

/// In CEL: `shape` serves before and after the change, so its volumes stay.
fn stays(shape: &str) -> String {
    format!("self.shape == '{shape}' && oldSelf.shape == '{shape}'")
}

/// `storage` is the volume's field below the spec, in the member `member` of the spec.
fn size_rule(shape: &str, member: &str, storage: &str) -> CelRule {
    let expression = format!(
        "!({stays}) || (has(self.{member}) && !isQuantity(self.{storage}.size)) \
         || (has(self.{member}) ? quantity(self.{storage}.size) : quantity('1Gi'))\
         .compareTo(has(oldSelf.{member}) ? quantity(oldSelf.{storage}.size) : quantity('1Gi')) \
         >= 0",
        stays = stays(shape),
    );
    CelRule::new(expression, "a volume cannot shrink: keep its size or increase it")
        .at_field(format!("{storage}.size"))
}

fn class_rule(shape: &str, member: &str, storage: &str) -> CelRule {
    let expression = format!(
        "!({stays}) || ((has(self.{member}) && has(self.{storage}.storageClassName)) \
         ? (has(oldSelf.{member}) && has(oldSelf.{storage}.storageClassName) \
         && self.{storage}.storageClassName == oldSelf.{storage}.storageClassName) \
         : !(has(oldSelf.{member}) && has(oldSelf.{storage}.storageClassName)))",
        stays = stays(shape),
    );
    let message = "the StorageClass of a volume cannot change: restore the old storageClassName";
    CelRule::new(expression, message).at_field(format!("{storage}.storageClassName"))
}

/// In CEL: the services `s` (after) and `t` (before) have the same store.
const SAME_STORE: &str = "(!has(s.stateless) || !s.stateless) \
                          && (!has(t.stateless) || !t.stateless) \
                          && (has(s.store) && has(s.store.name) \
                          ? (has(t.store) && has(t.store.name) ? s.store.name == t.store.name \
                          : s.store.name == t.name + '-data') \
                          : (has(t.store) && has(t.store.name) ? t.store.name == s.name + '-data' \
                          : s.name == t.name))";

/// In CEL: service `s` has a store that is also in the default services.
fn is_default_store(s: &str) -> String {
    format!(
        "(!has({s}.stateless) || !{s}.stateless) && (has({s}.store) && has({s}.store.name) \
         ? {s}.store.name in ['data', 'orders-data'] : {s}.name == 'orders')"
    )
}

/// In CEL: the size of the store of service `s`.
fn store_size(s: &str) -> String {
    format!(
        "(has({s}.store) && has({s}.store.storage) \
         && has({s}.store.storage.size) && isQuantity({s}.store.storage.size) \
         ? quantity({s}.store.storage.size) : quantity('1Gi'))"
    )
}

/// In CEL: the store of service `s` sets a StorageClass.
fn has_class(s: &str) -> String {
    format!(
        "(has({s}.store) && has({s}.store.storage) \
         && has({s}.store.storage.storageClassName))"
    )
}

/// In CEL: if the n-tier shape stays, `both` holds for each service `s` and each previous service
/// `t`; `added` for each `s` where the services were default before; `removed` for each previous
/// `t` where the services are default now.
fn n_tier_change(both: &str, added: &str, removed: &str) -> String {
    format!(
        "!({stays}) || (has(self.nTier) ? (has(oldSelf.nTier) \
         ? self.nTier.services.all(s, oldSelf.nTier.services.all(t, {both})) \
         : self.nTier.services.all(s, {added})) \
         : !has(oldSelf.nTier) || oldSelf.nTier.services.all(t, {removed}))",
        stays = stays("NTier"),
    )
}

fn n_tier_size_rule() -> CelRule {
    let expression = n_tier_change(
        &format!("!({SAME_STORE}) || {}.compareTo({}) >= 0", store_size("s"), store_size("t")),
        &format!(
            "!({}) || {}.compareTo(quantity('1Gi')) >= 0",
            is_default_store("s"),
            store_size("s")
        ),
        &format!(
            "!({}) || {}.compareTo(quantity('1Gi')) <= 0",
            is_default_store("t"),
            store_size("t")
        ),
    );
    let message =
        "the volume of a store cannot shrink: keep the size of every store or increase it";
    CelRule::new(expression, message).at_field("nTier.services")
}

fn n_tier_class_rule() -> CelRule {
    let (s_has_class, t_has_class) = (has_class("s"), has_class("t"));
    let expression = n_tier_change(
        &format!(
            "!({SAME_STORE}) || ({s_has_class} ? {t_has_class} \
             && s.store.storage.storageClassName == t.store.storage.storageClassName \
             : !{t_has_class})"
        ),
        &format!("!({}) || !{s_has_class}", is_default_store("s")),
        &format!("!({}) || !{t_has_class}", is_default_store("t")),
    );
    let message = "the StorageClass of a store's volume cannot change: restore the old \
                   storageClassName of every store";
    CelRule::new(expression, message).at_field("nTier.services")
}

/// The rules on the spec.
pub(super) fn volume_rules() -> [CelRule; 8] {
    [
        size_rule("ClientServer", "clientServer", "clientServer.data.storage"),
        class_rule("ClientServer", "clientServer", "clientServer.data.storage"),
        size_rule("ThreeTier", "threeTier", "threeTier.data.storage"),
        class_rule("ThreeTier", "threeTier", "threeTier.data.storage"),
        n_tier_size_rule(),
        n_tier_class_rule(),
        size_rule("PeerToPeer", "peerToPeer", "peerToPeer.storage"),
        class_rule("PeerToPeer", "peerToPeer", "peerToPeer.storage"),
    ]
}
