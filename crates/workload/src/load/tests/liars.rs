//! Models that lie, and clients that make an honest model look as if it lied.

use super::{
    FakeModel, Lie, contradictions,
    running_load::{RunningLoad, config},
    succeeded,
};
use futures_util::future::join_all;
use maquette_contract::{LoadConfig, Observations};
use std::time::Duration;
use tokio::time::Instant;

/// A liar is found out within seconds; this bound leaves room for a busy machine.
const SOON: Duration = Duration::from_secs(15);

/// Returns the first report that shows a contradiction.
async fn find_out(lie: Lie, is_honest_at_first: bool) -> Observations {
    let model = FakeModel::default();
    if !is_honest_at_first {
        model.change_state(|state| state.lie = Some(lie));
    }
    let address = model.start().await;
    let few = LoadConfig { items: 5, requests_per_second: 50, ..config(&[&address]) };
    let load = RunningLoad::start(few).await;
    if is_honest_at_first {
        let report = load.wait_until("answers", |report| succeeded(report) >= 100).await;
        assert_eq!(contradictions(&report), 0, "{lie:?}");
        model.change_state(|state| state.lie = Some(lie));
    }
    let start = Instant::now();
    let what = format!("{lie:?}, honest at first: {is_honest_at_first}");
    let report = load.wait_until(&what, |report| contradictions(report) > 0).await;
    assert!(start.elapsed() < SOON, "{what}: found out after {:?}", start.elapsed());
    load.stop().await;
    report
}

#[tokio::test]
async fn a_model_that_begins_to_lie_is_found_out_within_seconds() {
    join_all(Lie::ALL.map(|lie| find_out(lie, true))).await;
}

#[tokio::test]
async fn a_model_that_lies_from_the_start_is_found_out_within_seconds() {
    join_all(Lie::ALL.map(|lie| find_out(lie, false))).await;
}

#[tokio::test]
async fn a_lie_is_counted_as_what_it_is() {
    for lie in [Lie::StoresNothing, Lie::OlderVersion] {
        let seen = find_out(lie, true).await.load.unwrap();
        assert_eq!(seen.wrong_answers, 0, "{lie:?}: {seen:?}");
    }
    for lie in [Lie::WrongValue, Lie::ValueOfAnotherItem, Lie::WriteHasAnotherValue] {
        let seen = find_out(lie, true).await.load.unwrap();
        assert_eq!(seen.lost_writes, 0, "{lie:?}: {seen:?}");
    }
}

#[tokio::test]
async fn values_of_users_and_of_an_earlier_run_are_no_lies() {
    let model = FakeModel::default();
    let address = model.start().await;
    for _run in 0..2 {
        let load = RunningLoad::start(config(&[&address])).await;
        for answers in [100, 200, 300] {
            load.wait_until("answers", |report| succeeded(report) >= answers).await;
            model.change_state(|state| {
                (0..20).for_each(|id| state.write_as_user(&format!("items/load-{id}")));
            });
        }
        let report = load.wait_until("more", |report| succeeded(report) >= 400).await;
        let seen = report.load.unwrap();
        assert_eq!((contradictions(&report), seen.failed), (0, 0), "{seen:?}");
        load.stop().await;
    }
}

#[tokio::test]
async fn a_user_who_deletes_items_of_the_load_and_puts_old_values_back_causes_no_failure() {
    let model = FakeModel::default();
    let load = RunningLoad::start(config(&[&model.start().await])).await;
    load.wait_until("answers", |report| succeeded(report) >= 200).await;
    let mut old = vec![];
    let keys = || (0..20).map(|id| format!("items/load-{id}"));
    model.change_state(|state| old = keys().map(|key| state.delete_as_user(&key)).collect());
    load.wait_until("answers without items", |report| succeeded(report) >= 400).await;
    model.change_state(|state| {
        for (key, value) in keys().zip(old) {
            value.into_iter().for_each(|value| state.put_back(&key, value));
        }
    });
    let report = load.wait_until("answers with old values", |it| succeeded(it) >= 600).await;
    let seen = report.load.unwrap();
    assert_eq!((contradictions(&report), seen.failed), (0, 0), "{seen:?}");
    let metrics = load.fetch_text("/metrics").await.unwrap();
    let changed = metrics
        .lines()
        .find_map(|line| line.strip_prefix("maquette_load_changed_by_others_total "))
        .unwrap();
    assert!(changed.parse::<u64>().unwrap() > 0, "{metrics}");
    load.stop().await;
}
