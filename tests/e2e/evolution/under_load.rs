//! From shape to shape and back under load: no request fails, no acknowledged write is lost.

use super::observers::{change_shape, run_under_load};

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn from_client_server_to_peers_and_back_nobody_notices() {
    run_under_load("there", "ClientServer", async |model, _| {
        for shape in ["ThreeTier", "NTier", "PeerToPeer", "NTier", "ThreeTier", "ClientServer"] {
            change_shape(model, shape, async |_| {}).await;
        }
    })
    .await;
}
