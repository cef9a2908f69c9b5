//! The values that the load writes. Each has the number of its write, the run of the load, and a keyed
//! hash of item and number. So a value that is read shows whether this run wrote it to that item,
//! and nothing has to be remembered for it.

use bytes::Bytes;
use maquette_contract::ItemKey;
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};

/// The hexadecimal digits of a run and of a hash.
const HEX_DIGITS: usize = 16;
const BEFORE_CHECK: &[u8] = br#"{"check":""#;
const BEFORE_RUN: &[u8] = br#"","run":""#;
const BEFORE_NUMBER: &[u8] = br#"","write":"#;

/// Makes and recognizes the values of one run: the time from the load's start to its end.
#[derive(Debug)]
pub(super) struct ValueSigner {
    /// Random, as text: values of other runs are not this run's.
    run: String,
    /// Secret: only this process can make a value that is valid.
    key: [u64; 2],
}

/// Who wrote a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueOrigin {
    /// The write of this run with this number, to the item in question.
    ThisRun(u64),
    /// Nobody: it names this run, and this run never wrote it to the item.
    Forged,
    /// Another client, such as a user or an earlier run.
    Other,
}

impl ValueSigner {
    /// The signer of a new run.
    pub(super) fn random() -> Self {
        Self { run: format!("{:016x}", rand::random::<u64>()), key: rand::random() }
    }

    /// The value of a write, as JSON. Its members are sorted and it has no white space.
    pub(super) fn sign(&self, item: &ItemKey, number: u64) -> Bytes {
        let (check, run) = (self.check_of(item, number), &self.run);
        Bytes::from(format!(r#"{{"check":"{check:016x}","run":"{run}","write":{number}}}"#))
    }

    /// Who wrote `value`, which was read from `item`.
    pub(super) fn origin(&self, item: &ItemKey, value: &[u8]) -> ValueOrigin {
        if !value.windows(HEX_DIGITS).any(|part| part == self.run.as_bytes()) {
            return ValueOrigin::Other;
        }
        let number = written_number(value);
        match number.filter(|number| self.sign(item, *number) == value) {
            Some(number) => ValueOrigin::ThisRun(number),
            None => ValueOrigin::Forged,
        }
    }

    /// A hash that differs for different values.
    pub(super) fn fingerprint(&self, value: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(value);
        hasher.finish()
    }

    fn check_of(&self, item: &ItemKey, number: u64) -> u64 {
        let mut hasher = self.hasher();
        (item, number).hash(&mut hasher);
        hasher.finish()
    }

    fn hasher(&self) -> SipHasher13 {
        let [first, second] = self.key;
        SipHasher13::new_with_keys(first, second)
    }
}

/// The number in a value of the form that [`ValueSigner::sign`] writes.
fn written_number(value: &[u8]) -> Option<u64> {
    let digits = BEFORE_CHECK.len() + HEX_DIGITS + BEFORE_RUN.len() + HEX_DIGITS;
    let number = value.get(digits..)?.strip_prefix(BEFORE_NUMBER)?.strip_suffix(b"}")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(text: &str) -> ItemKey {
        ItemKey::parse(text).unwrap()
    }

    #[test]
    fn a_value_is_recognized_at_its_item_only() {
        let signer = ValueSigner::random();
        let value = signer.sign(&item("items/1"), 7);
        assert_eq!(signer.origin(&item("items/1"), &value), ValueOrigin::ThisRun(7));
        assert_eq!(signer.origin(&item("items/2"), &value), ValueOrigin::Forged);
    }

    #[test]
    fn values_of_other_clients_and_runs_are_not_forged() {
        let (signer, earlier) = (ValueSigner::random(), ValueSigner::random());
        let value = earlier.sign(&item("items/1"), 7);
        for value in [&value[..], b"1", b"", br#"{"write":7}"#, "\"\u{1F600}\"".as_bytes()] {
            assert_eq!(signer.origin(&item("items/1"), value), ValueOrigin::Other);
        }
    }

    #[test]
    fn the_value_is_json_as_serde_writes_it() {
        let value = ValueSigner::random().sign(&item("items/1"), u64::MAX);
        let parsed: serde_json::Value = serde_json::from_slice(&value).unwrap();
        assert_eq!(parsed.to_string().as_bytes(), value);
    }

    proptest! {
        #[test]
        fn a_changed_value_is_never_recognized(
            index in any::<prop::sample::Index>(), byte: u8, cut: bool,
        ) {
            let signer = ValueSigner::random();
            let mut value = signer.sign(&item("items/1"), 12_345).to_vec();
            let index = index.index(value.len());
            if cut {
                value.truncate(index);
            } else {
                prop_assume!(value[index] != byte);
                value[index] = byte;
            }
            let is_recognized =
                matches!(signer.origin(&item("items/1"), &value), ValueOrigin::ThisRun(_));
            prop_assert!(!is_recognized);
        }
    }
}
