//! Quantities mean the same as on the API server, and are written as it returns them: otherwise
//! each reconcile would find a difference.

use crate::support::TestNamespace;
use k8s_openapi::{
    api::core::v1::{ResourceQuota, ResourceQuotaSpec},
    apimachinery::pkg::{api::resource::Quantity as Raw, apis::meta::v1::ObjectMeta},
};
use kube::api::PostParams;
use maquette::api::Quantity;

const WRITTEN: [&str; 41] = [
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
    "0.000000001",
    "1000",
    "1024",
    "1e3",
    "1E3",
    "5E0",
    "5e0",
    "5e+2",
    "12e5",
    "1e-3",
    "1.5e-1",
    "129e6",
    "129e06",
    "2e10",
    "12E18",
    "0e99",
    "1e99",
    "1e-99",
    "1k",
    "1M",
    "2G",
    "1.5Gi",
    "0.5Gi",
    "1.000000001Gi",
    "1024Mi",
    "1023Ki",
    "0.5Ki",
    "1Ei",
    "8E",
    "00001.5000",
    "1000Gi",
];

#[tokio::test]
async fn quantities_mean_and_read_the_same_as_on_the_api_server() {
    let namespace = TestNamespace::new("quantities").await;
    let params = PostParams { dry_run: true, ..PostParams::default() };
    for written in WRITTEN {
        let ours: Quantity = written.parse().expect(written);
        let amounts = [("requests.cpu", written.to_owned()), ("limits.cpu", ours.to_string())];
        let hard = amounts.map(|(name, amount)| (name.to_owned(), Raw(amount)));
        let quota = ResourceQuota {
            metadata: ObjectMeta { name: Some("quota".to_owned()), ..ObjectMeta::default() },
            spec: Some(ResourceQuotaSpec { hard: Some(hard.into()), ..Default::default() }),
            status: None,
        };
        let made = namespace.api::<ResourceQuota>().create(&params, &quota).await.expect(written);
        let theirs = made.spec.and_then(|spec| spec.hard).expect("limits");
        assert_eq!(theirs["limits.cpu"].0, ours.to_string(), "{written}");
        assert_eq!(theirs["requests.cpu"].0.parse(), Ok(ours), "{written}");
    }
}
