//! Who owns a volume follows `spec.retention`, also when that changes.

use crate::support::{Operator, Space, eventually, soon};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;

#[tokio::test]
async fn the_owner_of_a_volume_follows_the_specification() {
    let space = Space::new("owner").await;
    let _operator = Operator::start(&space.name);
    for fate in ["Delete", "Retain", "Delete"] {
        let spec = format!("{{shape: ThreeTier, retention: {{whenDeleted: {fate}}}}}");
        let uid = space.apply("shop", &spec).await.uid();
        let wanted = if fate == "Delete" { vec![uid] } else { vec![] };
        eventually(&format!("the owner with {fate}"), soon(), async || {
            let claims = space.api::<PersistentVolumeClaim>();
            let found = claims.get("data-shop-data-0").await.map_err(|error| error.to_string())?;
            let owners: Vec<_> =
                found.owner_references().iter().map(|owner| Some(owner.uid.clone())).collect();
            if owners == wanted { Ok(()) } else { Err(format!("{owners:?}")) }
        })
        .await;
    }
}
