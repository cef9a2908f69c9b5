//! The value of an item: JSON text that is checked once and then carried as it is.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::{fmt, str::FromStr, sync::Arc};

/// The value of an item, as the JSON text that the user sent: numbers, the order and the repetition
/// of keys, escapes and white space inside are kept byte for byte. White space around the value is
/// not part of it. Clones share the text.
///
/// [`ItemValue::parse`] checks a user's text. A value that is deserialized as part of another JSON
/// text is JSON too, but it may be deeper or larger than users may send: an earlier version or
/// another client of a store may have written it.
#[derive(Clone)]
pub struct ItemValue(Arc<RawValue>);

/// A text that is not a valid value of an item.
#[derive(Debug, thiserror::Error)]
pub enum ItemValueError {
    /// The text has nothing but white space.
    #[error("the value is empty; send JSON, such as null, 1, \"text\" or {{}}")]
    Empty,
    /// The text is not JSON, or not UTF-8.
    #[error("the value is not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// The text is too large.
    #[error("the value has {bytes} bytes; at most {} are allowed", ItemValue::MAX_BYTES)]
    TooLarge {
        /// The size of the text.
        bytes: usize,
    },
    /// Arrays and objects are nested too deep.
    #[error(
        "the value has more than {} levels of arrays and objects; at most {} are allowed",
        ItemValue::MAX_DEPTH,
        ItemValue::MAX_DEPTH
    )]
    TooDeep,
}

impl ItemValue {
    /// The most bytes of a value that users send.
    pub const MAX_BYTES: usize = 64 << 10;
    /// The most levels of arrays and objects in a value that users send. Common parsers stop at 128
    /// levels, and an answer adds two.
    pub const MAX_DEPTH: usize = 100;

    /// Checks the text of a user.
    ///
    /// # Errors
    /// If the text is not JSON, not UTF-8, too large or nested too deep.
    pub fn parse(text: &[u8]) -> Result<Self, ItemValueError> {
        if text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            return Err(ItemValueError::Empty);
        }
        let value: Box<RawValue> = serde_json::from_slice(text)?;
        let bytes = value.get().len();
        if bytes > Self::MAX_BYTES {
            return Err(ItemValueError::TooLarge { bytes });
        }
        if json_depth(value.get()) > Self::MAX_DEPTH {
            return Err(ItemValueError::TooDeep);
        }
        Ok(Self(value.into()))
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The size of the JSON text, in bytes; never 0.
    #[allow(clippy::len_without_is_empty, reason = "no JSON text is empty")]
    pub fn len(&self) -> usize {
        self.as_str().len()
    }
}

/// The levels of arrays and objects in a JSON text.
fn json_depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Equality of the texts, not of what they mean: `1.0` differs from `1`.
impl PartialEq for ItemValue {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ItemValue {}

impl fmt::Debug for ItemValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ItemValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ItemValue {
    type Err = ItemValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

impl Serialize for ItemValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for ItemValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(from).map(|value| Self(value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_byte_for_byte_without_white_space_around_it() {
        for text in [
            r#"{ "b" : 1.50, "a":[ -0,1e999, 123456789012345678901234567890 ], "a":"\u00e9\ud800" }"#,
            "null",
            "-0.0",
            "1E+2",
            "\"\u{10FFFF}\"",
            "[]",
        ] {
            let value: ItemValue = format!(" \t\n{text}\r\n").parse().unwrap();
            assert_eq!((value.as_str(), value.len()), (text, text.len()));
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
            assert_eq!(serde_json::from_str::<ItemValue>(text).unwrap(), value);
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "empty"),
            (" \n", "empty"),
            ("{", "EOF"),
            ("1 2", "trailing"),
            ("NaN", "expected value"),
            ("01", "invalid number"),
            ("'a'", "expected value"),
            ("\"\u{1}\"", "control character"),
            ("\u{feff}1", "expected value"),
        ] {
            let error = text.parse::<ItemValue>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
        let not_utf8 = ItemValue::parse(b"\"\xff\"").unwrap_err();
        assert!(not_utf8.to_string().contains("unicode"), "{not_utf8}");
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(nested(100).parse::<ItemValue>().is_ok());
        assert!(matches!(nested(101).parse::<ItemValue>(), Err(ItemValueError::TooDeep)));
        assert!(matches!(nested(30_000).parse::<ItemValue>(), Err(ItemValueError::TooDeep)));
        let brackets_in_a_string = format!(r#"["\"{}"]"#, "[".repeat(200));
        assert!(brackets_in_a_string.parse::<ItemValue>().is_ok());
        let sized = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        assert!(sized(ItemValue::MAX_BYTES).parse::<ItemValue>().is_ok());
        let error = sized(ItemValue::MAX_BYTES + 1).parse::<ItemValue>().unwrap_err();
        assert!(matches!(error, ItemValueError::TooLarge { bytes: 65_537 }), "{error}");
    }
}
