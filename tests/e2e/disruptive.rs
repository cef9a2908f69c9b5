//! Tests that disturb every model of the cluster: run alone, after all others.

use crate::{
    evolution::observers::{change_shape, run_under_load},
    support::kill_operator,
};
use std::time::Duration;

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn killing_the_operator_in_each_step_fails_no_request() {
    run_under_load("killed", "ClientServer", async |model, _| {
        for shape in ["ThreeTier", "NTier", "PeerToPeer"] {
            change_shape(model, shape, async |step| {
                let after = Duration::from_millis(rand::random_range(0..1500));
                println!("{step:?}: the operator is killed after {} ms", after.as_millis());
                tokio::time::sleep(after).await;
                kill_operator(&model.client).await;
            })
            .await;
        }
    })
    .await;
}
