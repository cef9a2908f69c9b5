//! Copies that peers send each other are the values of users byte for byte.

use super::{
    test_cluster::{DEADLINE, TestCluster, key, wait_until},
    values::sample_values,
};
use crate::{backend::ItemWrite, peer::replica::StoredCopy};
use maquette_contract::{Content, Record, RequestId};
use tokio::time::Instant;

async fn write_values(cluster: &TestCluster, first: usize, values: &[String]) -> Vec<Record> {
    let mut written = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let item = key(first + number);
        let request = RequestId::new(rand::random());
        let content = Content::Value(value.parse().unwrap());
        let write = ItemWrite { content, precondition: None, request };
        let peer = cluster.peer(number % 2);
        let item = peer.coordinator.item(&item, Instant::now() + DEADLINE, &|_| {});
        let record = item.write(&write).await.unwrap().record;
        assert_eq!(record.value().unwrap().as_str(), value);
        written.push(record);
    }
    written
}

async fn assert_on_disk(cluster: &TestCluster, peer: usize, written: &[Record], how: &str) {
    for (number, record) in written.iter().enumerate() {
        wait_until(how, || async {
            let stored = cluster.peer(peer).replica().read_copy(&key(number), false).await.unwrap();
            match stored {
                StoredCopy::Intact { record: Some(stored), .. } if stored == *record => Ok(()),
                other => Err((record.clone(), other)),
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repaired_copies_are_equal_byte_for_byte() {
    let mut cluster = TestCluster::start_all(3, 3).await;
    let mut written = write_values(&cluster, 0, &sample_values()).await;
    cluster.kill(2);
    written.extend(write_values(&cluster, written.len(), &sample_values()).await);
    cluster.start(2).await;
    assert_on_disk(&cluster, 2, &written, "peer 2 gets what it missed").await;
    cluster.wait_until_replicated().await;
    cluster.kill_and_wipe(2);
    cluster.start(2).await;
    cluster.wait_until_replicated().await;
    assert_on_disk(&cluster, 2, &written, "the lost volume is filled").await;
    // A peer that is up and cannot be reached: single items are repaired.
    cluster.cut_links(|_, to| to == 2);
    written.extend(write_values(&cluster, written.len(), &sample_values()).await);
    cluster.cut_links(|_, _| false);
    assert_on_disk(&cluster, 2, &written, "single items are repaired").await;
    cluster.kill(0);
    for (number, record) in written.iter().enumerate() {
        assert_eq!(cluster.get(2, number).await.as_ref(), Some(record));
    }
}
