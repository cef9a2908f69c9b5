//! What may not change: a volume neither shrinks nor moves to another StorageClass.
//!
//! Only the API server knows the spec before, so that these rules have no twin in Rust. They are
//! about the shape that serves and goes on serving: a shape that is not served has no volumes, and
//! where a change of shape takes a volume over, it stays as large as it is.

use super::rule::Rule;

/// The shape serves before and after, so that its volumes stay.
macro_rules! stays {
    ($shape:literal) => {
        concat!("self.shape == '", $shape, "' && oldSelf.shape == '", $shape, "'")
    };
}

macro_rules! size {
    ($shape:literal, $member:literal, $storage:literal) => {
        Rule {
            cel: concat!(
                "!(",
                stays!($shape),
                ") || (has(self.",
                $member,
                ") && !isQuantity(self.",
                $storage,
                ".size)) || (has(self.",
                $member,
                ") ? quantity(self.",
                $storage,
                ".size) : quantity('1Gi')).compareTo(has(oldSelf.",
                $member,
                ") ? quantity(oldSelf.",
                $storage,
                ".size) : quantity('1Gi')) >= 0",
            ),
            message: "a volume cannot shrink: keep its size or raise it",
            values: &[],
            blame: concat!($storage, ".size"),
        }
    };
}

macro_rules! class {
    ($shape:literal, $member:literal, $storage:literal) => {
        Rule {
            cel: concat!(
                "!(", stays!($shape), ") || ((has(self.", $member, ") && has(self.", $storage,
                ".storageClassName)) ? (has(oldSelf.", $member, ") && has(oldSelf.", $storage,
                ".storageClassName) && self.", $storage, ".storageClassName == oldSelf.", $storage,
                ".storageClassName) : !(has(oldSelf.", $member, ") && has(oldSelf.", $storage,
                ".storageClassName)))",
            ),
            message: "a volume cannot move to another StorageClass: keep storageClassName as it was",
            values: &[],
            blame: concat!($storage, ".storageClassName"),
        }
    };
}

/// `s` after and `t` before have the same store.
macro_rules! same_store {
    () => {
        "!s.stateless && !t.stateless && (has(s.store) && has(s.store.name) \
         ? (has(t.store) && has(t.store.name) ? s.store.name == t.store.name \
         : s.store.name == t.name + '-data') \
         : (has(t.store) && has(t.store.name) ? t.store.name == s.name + '-data' \
         : s.name == t.name))"
    };
}
/// `s` has a store of the n-tier that is planned where none is written.
macro_rules! default_store {
    ($s:literal) => {
        concat!(
            "!",
            $s,
            ".stateless && (has(",
            $s,
            ".store) && has(",
            $s,
            ".store.name) ? ",
            $s,
            ".store.name in ['data', 'orders-data'] : ",
            $s,
            ".name == 'orders')"
        )
    };
}
/// The size of a service's store.
macro_rules! store_size {
    ($s:literal) => {
        concat!(
            "(has(",
            $s,
            ".store) && isQuantity(",
            $s,
            ".store.storage.size) ? quantity(",
            $s,
            ".store.storage.size) : quantity('1Gi'))"
        )
    };
}
macro_rules! has_class {
    ($s:literal) => {
        concat!("(has(", $s, ".store) && has(", $s, ".store.storage.storageClassName))")
    };
}

const SERVICES_SIZE: Rule = Rule {
    cel: concat!(
        "!(",
        stays!("NTier"),
        ") || (has(self.nTier) ? (has(oldSelf.nTier) ",
        // written before and after
        "? self.nTier.services.all(s, oldSelf.nTier.services.all(t, !(",
        same_store!(),
        ") || ",
        store_size!("s"),
        ".compareTo(",
        store_size!("t"),
        ") >= 0)) ",
        // written after only
        ": self.nTier.services.all(s, !(",
        default_store!("s"),
        ") || ",
        store_size!("s"),
        ".compareTo(quantity('1Gi')) >= 0)) ",
        // written before only, or never
        ": !has(oldSelf.nTier) || oldSelf.nTier.services.all(t, !(",
        default_store!("t"),
        ") || ",
        store_size!("t"),
        ".compareTo(quantity('1Gi')) <= 0))",
    ),
    message: "the volume of a store cannot shrink: keep the size of every store or raise it",
    values: &[],
    blame: "nTier.services",
};

const SERVICES_CLASS: Rule = Rule {
    cel: concat!(
        "!(",
        stays!("NTier"),
        ") || (has(self.nTier) ? (has(oldSelf.nTier) ",
        "? self.nTier.services.all(s, oldSelf.nTier.services.all(t, !(",
        same_store!(),
        ") || (",
        has_class!("s"),
        " ? ",
        has_class!("t"),
        " && s.store.storage.storageClassName == t.store.storage.storageClassName : !",
        has_class!("t"),
        "))) ",
        ": self.nTier.services.all(s, !(",
        default_store!("s"),
        ") || !",
        has_class!("s"),
        ")) ",
        ": !has(oldSelf.nTier) || oldSelf.nTier.services.all(t, !(",
        default_store!("t"),
        ") || !",
        has_class!("t"),
        "))",
    ),
    message: "the volume of a store cannot move to another StorageClass: keep the storageClassName \
              of every store as it was",
    values: &[],
    blame: "nTier.services",
};

/// Rules on the spec.
pub(crate) const RULES: [Rule; 8] = [
    size!("ClientServer", "clientServer", "clientServer.data.storage"),
    class!("ClientServer", "clientServer", "clientServer.data.storage"),
    size!("ThreeTier", "threeTier", "threeTier.data.storage"),
    class!("ThreeTier", "threeTier", "threeTier.data.storage"),
    SERVICES_SIZE,
    SERVICES_CLASS,
    size!("PeerToPeer", "peerToPeer", "peerToPeer.storage"),
    class!("PeerToPeer", "peerToPeer", "peerToPeer.storage"),
];
