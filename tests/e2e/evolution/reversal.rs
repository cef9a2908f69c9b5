//! A change of mind half-way: straight back, in each step, and nobody notices.

use super::observers::{change_shape, manifest, run_under_load};
use crate::support::{eventually, seconds};
use maquette::api::EvolutionStep;

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn turning_back_half_way_costs_nothing() {
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
