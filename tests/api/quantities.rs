//! Quantities are canonical as the API server's are: else what we render would differ for ever from
//! what it returns.

use crate::support::Space;
use k8s_openapi::{
    api::core::v1::{ResourceQuota, ResourceQuotaSpec},
    apimachinery::pkg::{api::resource::Quantity as Raw, apis::meta::v1::ObjectMeta},
};
use kube::api::PostParams;
use maquette::api::Quantity;

const WRITTEN: [&str; 27] = [
    "0",
    "1",
    "1000m",
    "1500m",
    "1.5",
    ".5",
    "0.1",
    "100u",
    "1n",
    "0.1n",
    "1000",
    "1024",
    "1e3",
    "12e5",
    "1e-3",
    "1k",
    "1M",
    "2G",
    "1.5Gi",
    "0.5Gi",
    "1024Mi",
    "1023Ki",
    "0.5Ki",
    "1Ei",
    "8E",
    "00001.5000",
    "1000Gi",
];

#[tokio::test]
async fn quantities_are_written_as_the_api_server_writes_them() {
    let space = Space::new("quantities").await;
    let params = PostParams { dry_run: true, ..PostParams::default() };
    for written in WRITTEN {
        let hard = [("requests.cpu".to_owned(), Raw(written.to_owned()))];
        let quota = ResourceQuota {
            metadata: ObjectMeta { name: Some("quota".to_owned()), ..ObjectMeta::default() },
            spec: Some(ResourceQuotaSpec { hard: Some(hard.into()), ..Default::default() }),
            status: None,
        };
        let made = space.api::<ResourceQuota>().create(&params, &quota).await.expect(written);
        let theirs = made.spec.and_then(|spec| spec.hard).expect("limits").remove("requests.cpu");
        let ours: Quantity = written.parse().expect(written);
        assert_eq!(theirs, Some(Raw(ours.to_string())), "{written}");
    }
}
