//! Writes that are sent again.

use super::test_cluster::{DEADLINE, TestCluster, key};
use crate::{backend::ItemWrite, peer::coordinate::Unavailable};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_write_waits_for_its_first_attempt_and_is_not_made_again() {
    let cluster = TestCluster::start_all(3, 3).await;
    let (write, item) = (ItemWrite::of_number(1), key(1));
    let via = |peer: usize| cluster.peer(peer);
    let [first, other] = [via(0), via(1)];
    let until = |millis| Instant::now() + Duration::from_millis(millis);
    let unknown = other.coordinator.item(&item, until(500), &|_| {}).wait_for_write(&write).await;
    assert_eq!(unknown, Err(Unavailable::UnknownOutcome { key: item.clone() }));
    assert_eq!(cluster.get(2, 1).await, None);
    let (waiting, deadline) = (write.clone(), Instant::now() + DEADLINE);
    let (waits, key) = (via(1), item.clone());
    let repeated = tokio::spawn(async move {
        waits.coordinator.item(&key, deadline, &|_| {}).wait_for_write(&waiting).await
    });
    let made = first.coordinator.item(&item, deadline, &|_| {}).write(&write).await.unwrap();
    let found = repeated.await.unwrap().unwrap();
    assert_eq!(found.record.version, made.record.version);
    let later = cluster.put(2, 1, 2).await;
    let again = other.coordinator.item(&item, until(500), &|_| {}).wait_for_write(&write).await;
    assert!(again.is_err(), "{again:?}");
    assert_eq!(cluster.get(0, 1).await, Some(later), "A, B and not A, B, A");
}
