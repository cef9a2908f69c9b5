//! Replies, and their encoding.

use bytes::{BufMut, Bytes, BytesMut};

/// The version of the protocol of a connection's replies; requests are the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RespVersion {
    /// The protocol of a new connection.
    #[default]
    Resp2,
    /// The protocol after `HELLO 3`: it has types for nil and for maps.
    Resp3,
}

impl RespVersion {
    /// The number in `HELLO`.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

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
    /// No array: a transaction that was not executed.
    NilArray,
    /// An array of replies.
    Array(Vec<Reply>),
    /// Keys and values; in RESP2 an array of them in turn.
    Map(Vec<(Reply, Reply)>),
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

    /// The bytes of the values in the reply.
    pub(crate) fn value_bytes(&self) -> usize {
        match self {
            Self::Bulk(value) => value.len(),
            Self::Array(replies) => replies.iter().map(Self::value_bytes).sum(),
            _ => 0,
        }
    }

    /// Appends the encoded reply to `out`.
    pub(crate) fn encode_into(&self, protocol: RespVersion, out: &mut BytesMut) {
        match self {
            Self::Simple(text) => put_line(out, b'+', text.as_bytes()),
            // A line break would end the reply early.
            Self::Error(text) => put_line(out, b'-', text.replace(['\r', '\n'], " ").as_bytes()),
            Self::Integer(number) => put_number(out, b':', *number),
            Self::Bulk(bytes) => Self::encode_bulk(bytes, out),
            Self::Nil | Self::NilArray if protocol == RespVersion::Resp3 => {
                put_line(out, b'_', b"")
            }
            Self::Nil => put_line(out, b'$', b"-1"),
            Self::NilArray => put_line(out, b'*', b"-1"),
            Self::Array(replies) => {
                Self::encode_array_header(replies.len(), out);
                for reply in replies {
                    reply.encode_into(protocol, out);
                }
            }
            Self::Map(pairs) => {
                match protocol {
                    RespVersion::Resp2 => Self::encode_array_header(pairs.len() * 2, out),
                    RespVersion::Resp3 => put_number(out, b'%', pairs.len()),
                }
                for (key, value) in pairs {
                    key.encode_into(protocol, out);
                    value.encode_into(protocol, out);
                }
            }
        }
    }

    /// Appends the header of an array; `length` encoded replies must follow.
    pub(crate) fn encode_array_header(length: usize, out: &mut BytesMut) {
        put_number(out, b'*', length);
    }

    /// Appends what [`Reply::Bulk`] of `bytes` is encoded to.
    pub(crate) fn encode_bulk(bytes: &[u8], out: &mut BytesMut) {
        // The bytes, their length and two line ends.
        out.reserve(bytes.len() + 32);
        put_number(out, b'$', bytes.len());
        out.put_slice(bytes);
        out.put_slice(b"\r\n");
    }
}

fn put_number(out: &mut BytesMut, type_byte: u8, number: impl itoa::Integer) {
    put_line(out, type_byte, itoa::Buffer::new().format(number).as_bytes());
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
            Reply::NilArray,
            Reply::Array(vec![]),
            Reply::Map(vec![(Reply::bulk_text("a"), Reply::Integer(1))]),
        ]);
        let encode = |protocol| {
            let mut out = BytesMut::new();
            reply.encode_into(protocol, &mut out);
            String::from_utf8(out.to_vec()).unwrap()
        };
        let common = "*8\r\n+OK\r\n-ERR two  lines\r\n:-3\r\n$4\r\na\r\nb\r\n";
        let resp2 = "$-1\r\n*-1\r\n*0\r\n*2\r\n$1\r\na\r\n:1\r\n";
        let resp3 = "_\r\n_\r\n*0\r\n%1\r\n$1\r\na\r\n:1\r\n";
        assert_eq!(encode(RespVersion::Resp2), format!("{common}{resp2}"));
        assert_eq!(encode(RespVersion::Resp3), format!("{common}{resp3}"));
    }
}
