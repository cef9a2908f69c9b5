//! Reversal of a change in each of its steps, without a failed request.

use super::observers::{change_shape, manifest, run_under_load};
use crate::support::{eventually, seconds};
use maquette::api::EvolutionStep;

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn reversing_a_change_in_each_step_fails_no_request() {
    run_under_load("back", "ThreeTier", async |model, _| {
        for step in [EvolutionStep::Expand, EvolutionStep::Cutover, EvolutionStep::Finalize] {
            model.apply(&manifest(&model.name, "PeerToPeer")).await;
            eventually(&format!("{step:?} begins"), seconds(240), async || {
                let status = model.get().await.status.unwrap_or_default();
                match status.evolution {
                    Some(now) if now.step == step => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            })
            .await;
            change_shape(model, "ThreeTier", async |_| {}).await;
        }
    })
    .await;
}
