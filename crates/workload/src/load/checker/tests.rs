//! The rules, each with answers that follow it and answers that break it.

use super::*;

struct Model {
    checker: ConsistencyChecker,
    key: Arc<ItemKey>,
}

fn key(text: &str) -> Arc<ItemKey> {
    Arc::new(ItemKey::parse(text).unwrap())
}

fn version(millis: u64) -> Version {
    Version { millis, counter: 0, writer: "w".to_owned() }
}

impl Model {
    fn new() -> Self {
        Self { checker: ConsistencyChecker::new(Counter::default()), key: key("items/1") }
    }

    fn begin_write(&mut self) -> PendingWrite {
        self.checker.begin_write(&self.key)
    }

    fn acknowledge(&mut self, write: &PendingWrite, millis: u64) -> Result<(), ViolationKind> {
        let value = std::str::from_utf8(&write.value).unwrap();
        let answer = AnsweredItem { version: version(millis), value: Some(value) };
        self.checker.check_write(write, answer).map_err(|violation| violation.kind)
    }

    /// A write that starts and ends now; returns its value.
    fn write(&mut self, millis: u64) -> String {
        let write = self.begin_write();
        self.acknowledge(&write, millis).unwrap();
        String::from_utf8(write.value.to_vec()).unwrap()
    }

    fn end_read(
        &mut self,
        read: &PendingRead,
        found: Option<(u64, &str)>,
    ) -> Result<(), ViolationKind> {
        let answer = found
            .map(|(millis, value)| AnsweredItem { version: version(millis), value: Some(value) });
        self.checker.check_read(read, answer).map_err(|violation| violation.kind)
    }

    /// A read that starts and ends now and finds a deletion.
    fn read_deleted(&mut self, millis: u64) -> Result<(), ViolationKind> {
        let read = self.checker.begin_read(&self.key);
        let answer = AnsweredItem { version: version(millis), value: None };
        self.checker.check_read(&read, Some(answer)).map_err(|violation| violation.kind)
    }

    /// A read that starts and ends now.
    fn read(&mut self, found: Option<(u64, &str)>) -> Result<(), ViolationKind> {
        let read = self.checker.begin_read(&self.key);
        self.end_read(&read, found)
    }
}

const NEWLY_LOST: Result<(), ViolationKind> = Err(ViolationKind::LostWrite { is_first: true });
const STILL_LOST: Result<(), ViolationKind> = Err(ViolationKind::LostWrite { is_first: false });
const WRONG_VALUE: Result<(), ViolationKind> = Err(ViolationKind::WrongValue);

#[test]
fn a_read_finds_what_was_acknowledged_or_newer() {
    let mut model = Model::new();
    assert_eq!(model.read(None), Ok(()));
    let value = model.write(5);
    assert_eq!(model.read(Some((5, &value))), Ok(()));
    assert_eq!(model.read(Some((4, "1"))), NEWLY_LOST);
    assert_eq!(model.read(None), STILL_LOST);
    assert_eq!(model.read(Some((5, &value))), Ok(()));
    assert_eq!(model.read(None), NEWLY_LOST);
    model.write(7);
    assert_eq!(model.read(None), NEWLY_LOST, "the newer one is another loss");
}

#[test]
fn what_a_read_found_is_known_as_if_it_was_acknowledged() {
    let mut model = Model::new();
    let old = model.write(5);
    assert_eq!(model.read(Some((6, "1"))), Ok(()), "another client's");
    assert_eq!(model.read(Some((5, &old))), NEWLY_LOST, "it goes back");
    assert_eq!(model.read(Some((6, "2"))), WRONG_VALUE, "its version has another value");
    let failed = model.begin_write();
    let value = String::from_utf8(failed.value.to_vec()).unwrap();
    assert_eq!(model.read(Some((8, &value))), Ok(()), "a write that failed took effect");
    assert_eq!(model.read(None), NEWLY_LOST);
}

#[test]
fn versions_that_become_known_during_a_read_are_not_checked_by_it() {
    let mut model = Model::new();
    let old = model.write(5);
    let read = model.checker.begin_read(&model.key);
    let new = model.write(7);
    assert_eq!(model.end_read(&read, Some((5, &old))), Ok(()));
    assert_eq!(model.end_read(&read, Some((7, &new))), Ok(()));
    assert_eq!(model.end_read(&read, Some((4, "1"))), NEWLY_LOST);
    assert_eq!(model.read(Some((5, &old))), NEWLY_LOST);
}

#[test]
fn a_version_has_one_value() {
    let mut model = Model::new();
    let first = model.write(5);
    assert_eq!(model.read(Some((5, "1"))), WRONG_VALUE);
    assert_eq!(model.read(Some((5, &first[..first.len() - 2]))), WRONG_VALUE, "truncated");
    let earlier_run = Model::new().write(1);
    assert_eq!(model.read(Some((5, &earlier_run))), WRONG_VALUE);
    let write = model.begin_write();
    assert_eq!(model.read(Some((7, "1"))), Ok(()));
    assert_eq!(model.acknowledge(&write, 7), WRONG_VALUE, "read with another value before");
    let writes = [model.begin_write(), model.begin_write()];
    assert_eq!(model.acknowledge(&writes[0], 9), Ok(()));
    assert_eq!(model.acknowledge(&writes[1], 9), WRONG_VALUE, "two writes, one version");
}

#[test]
fn a_value_of_another_item_is_wrong_under_the_known_version_or_again_and_again() {
    let mut model = Model::new();
    model.write(5);
    let other = model.checker.begin_write(&key("items/2"));
    let value = std::str::from_utf8(&other.value).unwrap();
    assert_eq!(model.read(Some((5, value))), WRONG_VALUE);
    for item in ["items/1", "items/3"] {
        model.key = key(item);
        for millis in [6, 7, 8] {
            assert_eq!(model.read(Some((millis, value))), Ok(()), "a user may have copied it");
        }
        assert_eq!(model.read(Some((9, value))), WRONG_VALUE, "not that often");
    }
}

#[test]
fn what_another_client_has_changed_is_known_afterwards() {
    let mut model = Model::new();
    let (first, _) = (model.write(5), model.write(6));
    assert_eq!(model.read(Some((7, &first))), Ok(()), "an old value that was put back");
    assert_eq!(model.read(Some((6, "1"))), NEWLY_LOST, "it is known now");
    assert_eq!(model.read_deleted(8), Ok(()));
    assert_eq!(model.read_deleted(8), Ok(()), "the same deletion");
    assert_eq!(model.read(None), Ok(()), "it may be forgotten");
    assert_eq!(model.read(Some((7, &first))), NEWLY_LOST);
    assert_eq!(model.read(Some((8, &first))), WRONG_VALUE, "the version of the deletion");
    model.write(9);
    assert_eq!(model.read(None), NEWLY_LOST);
    assert_eq!(model.checker.changed_by_others.get(), 2);
}

#[test]
fn a_model_that_puts_values_back_or_deletes_all_the_time_lies() {
    let mut model = Model::new();
    let first = model.write(5);
    for millis in [7, 9, 11] {
        model.write(millis);
        assert_eq!(model.read(Some((millis + 1, &first))), Ok(()));
    }
    assert_eq!(model.read(Some((20, &first))), WRONG_VALUE);
    assert_eq!(model.read_deleted(21), NEWLY_LOST);
    model.key = key("items/2");
    for millis in [6, 7, 8] {
        assert_eq!(model.read_deleted(millis), Ok(()));
    }
    assert_eq!(model.read_deleted(9), NEWLY_LOST);
}

#[test]
fn a_write_that_failed_may_take_effect_late() {
    let mut model = Model::new();
    let failed = model.begin_write();
    let late = String::from_utf8(failed.value.to_vec()).unwrap();
    model.write(8);
    assert_eq!(model.read(Some((9, &late))), Ok(()), "a write that failed takes effect late");
}

#[test]
fn many_open_writes_of_one_item_take_bounded_memory_and_accuse_nobody() {
    let mut model = Model::new();
    let failed: Vec<_> = (0..1000).map(|_| model.begin_write()).collect();
    model.write(5);
    for (index, write) in failed.iter().enumerate() {
        let value = String::from_utf8(write.value.to_vec()).unwrap();
        assert_eq!(model.read(Some((6 + index as u64, &value))), Ok(()), "{index}");
    }
}

#[test]
fn the_version_of_a_write_is_above_the_one_known_before() {
    let mut model = Model::new();
    model.write(5);
    let writes = [model.begin_write(), model.begin_write(), model.begin_write()];
    assert_eq!(model.acknowledge(&writes[0], 5), Err(ViolationKind::WrongVersion));
    assert_eq!(model.acknowledge(&writes[1], 8), Ok(()));
    assert_eq!(model.acknowledge(&writes[2], 7), Ok(()), "it began before 8 was known");
    assert_eq!(model.read(Some((7, "1"))), NEWLY_LOST, "the newest counts");
}

#[test]
fn an_acknowledgement_has_the_value_that_was_sent() {
    let mut model = Model::new();
    let write = model.begin_write();
    let answer = AnsweredItem { version: version(5), value: Some("1") };
    let violation = model.checker.check_write(&write, answer).unwrap_err();
    assert_eq!(violation.kind, ViolationKind::WrongValue);
}

#[test]
fn only_known_items_of_the_given_collections_are_chosen() {
    let (mut model, mut random) = (Model::new(), rand::rng());
    let collections = ["items".parse().unwrap()];
    model.begin_write();
    assert_eq!(model.checker.random_item(&collections, &mut random), None);
    model.write(1);
    let orders = ["orders".parse().unwrap()];
    assert_eq!(model.checker.random_item(&orders, &mut random), None);
    while model.checker.random_item(&collections, &mut random) != Some(key("items/1")) {}
}
