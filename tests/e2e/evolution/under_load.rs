//! From shape to shape and back under load: no request fails, no acknowledged write is lost.

use super::observers::{change_shape, run_under_load};

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn changing_through_all_shapes_fails_no_request() {
    run_under_load("there", "ClientServer", async |model, _| {
        for shape in ["ThreeTier", "NTier", "PeerToPeer", "NTier", "ThreeTier", "ClientServer"] {
            change_shape(model, shape, async |_| {}).await;
        }
    })
    .await;
}
