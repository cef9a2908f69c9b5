//! Names of an Architecture that would give its ServiceAccount or its entry Service the name of an
//! object that the cluster itself makes, and makes again when it is deleted.
//!
//! Only names that each cluster has. Those of a distribution, such as the ServiceAccounts `builder`
//! and `deployer` of OpenShift, are free elsewhere: the operator reports them where they exist.

use crate::api::validation::{CelRule, ErrorList, FieldPath, to_json};

/// A rule on `metadata.name`.
struct ReservedNames {
    names: &'static [&'static str],
    /// In CEL: whether the name is none of `names`.
    expression: &'static str,
    message: &'static str,
}

const RESERVED: [ReservedNames; 2] = [
    ReservedNames {
        names: &["default"],
        expression: "self != 'default'",
        message: "{} is the name of a ServiceAccount that each namespace has: choose another name",
    },
    ReservedNames {
        names: &["kubernetes"],
        expression: "self != 'kubernetes'",
        message: "{} is the name of the Service of the API server: choose another name",
    },
];

impl ReservedNames {
    fn rule(&self) -> CelRule {
        CelRule::new(self.expression, self.message).with_arguments(["self"])
    }
}

/// The rules on `metadata.name`.
pub(crate) fn rules() -> [CelRule; 2] {
    RESERVED.map(|reserved| reserved.rule())
}

/// Checks the same in Rust.
pub(super) fn check(name: &str, errors: &mut ErrorList) {
    let path = FieldPath::root().field("metadata").field("name");
    for reserved in RESERVED.iter().filter(|reserved| reserved.names.contains(&name)) {
        reserved.rule().report_value(&path, to_json(&name), &[name], errors);
    }
}
