//! The cluster under test.

use kube::{Client, Config};

/// A client of the cluster that `KUBECONFIG` names; never of the default context.
pub(crate) async fn client() -> Client {
    assert!(
        std::env::var_os("KUBECONFIG").is_some(),
        "KUBECONFIG names no cluster: run make e2e, or export KUBECONFIG=$(make kubeconfig)"
    );
    let config = Config::infer().await.expect("a kubeconfig");
    Client::try_from(config).expect("a client")
}
