//! Replies, and their encoding.

use bytes::{BufMut, Bytes, BytesMut};

/// A reply to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A status, for example `OK`.
    Simple(&'static str),
    /// An error; its first word is its code.
    Error(String),
    /// A signed 64-bit integer.
    Integer(i64),
    /// A string of arbitrary bytes.
    Bulk(Bytes),
    /// No value, for example for a missing key.
    Nil,
    /// An array of replies.
    Array(Vec<Reply>),
}

impl Reply {
    pub(crate) const OK: Self = Self::Simple("OK");

    /// A bulk reply of this text.
    pub(crate) fn bulk_text(text: impl Into<String>) -> Self {
        Self::Bulk(Bytes::from(text.into()))
    }

    /// A bulk reply, or nil.
    pub(crate) fn bulk_or_nil(value: Option<Bytes>) -> Self {
        value.map_or(Self::Nil, Self::Bulk)
    }

    /// A count, as an integer.
    pub(crate) fn from_count(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Appends the encoded reply to `out`.
    pub(crate) fn encode_into(&self, out: &mut BytesMut) {
        match self {
            Self::Simple(text) => put_line(out, b'+', text.as_bytes()),
            // A line break would end the reply early.
            Self::Error(text) => put_line(out, b'-', text.replace(['\r', '\n'], " ").as_bytes()),
            Self::Integer(number) => put_line(out, b':', number.to_string().as_bytes()),
            Self::Bulk(bytes) => {
                put_line(out, b'$', bytes.len().to_string().as_bytes());
                out.put_slice(bytes);
                out.put_slice(b"\r\n");
            }
            Self::Nil => put_line(out, b'$', b"-1"),
            Self::Array(replies) => {
                Self::encode_array_header(replies.len(), out);
                for reply in replies {
                    reply.encode_into(out);
                }
            }
        }
    }

    /// Appends the header of an array; `length` encoded replies must follow.
    pub(crate) fn encode_array_header(length: usize, out: &mut BytesMut) {
        put_line(out, b'*', length.to_string().as_bytes());
    }
}

fn put_line(out: &mut BytesMut, type_byte: u8, text: &[u8]) {
    out.put_u8(type_byte);
    out.put_slice(text);
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_encoded_as_the_protocol_specifies() {
        let reply = Reply::Array(vec![
            Reply::OK,
            Reply::Error("ERR two\r\nlines".to_owned()),
            Reply::Integer(-3),
            Reply::bulk_text("a\r\nb"),
            Reply::Nil,
            Reply::Array(vec![]),
        ]);
        let mut out = BytesMut::new();
        reply.encode_into(&mut out);
        let expected = "*6\r\n+OK\r\n-ERR two  lines\r\n:-3\r\n$4\r\na\r\nb\r\n$-1\r\n*0\r\n";
        assert_eq!(out, expected);
    }
}
