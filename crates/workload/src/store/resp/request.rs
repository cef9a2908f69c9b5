//! Requests, from bytes as they come in.

use super::{MAX_ARG, MAX_ARGS, MAX_LINE, MAX_REQUEST, inline};
use bytes::{Buf, Bytes, BytesMut};
use std::str;

/// A command's name and its arguments; never empty.
pub(crate) type Request = Vec<Bytes>;

/// What is wrong with the bytes of a connection. It cannot be known where the next request would
/// begin, so the connection is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    /// No end of line within [`MAX_LINE`] of an inline request.
    #[error("Protocol error: too big inline request")]
    InlineTooLong,
    /// The quotes of an inline request do not match.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// No end of line after `*`.
    #[error("Protocol error: too big mbulk count string")]
    CountTooLong,
    /// The number of arguments is no number, or above [`MAX_ARGS`].
    #[error("Protocol error: invalid multibulk length")]
    InvalidCount,
    /// An argument does not begin with `$`.
    #[error("Protocol error: expected '$', got '{}'", char::from(*.0).escape_default())]
    MissingBulkPrefix(u8),
    /// No end of line after `$`.
    #[error("Protocol error: too big bulk count string")]
    LengthTooLong,
    /// The length of an argument is no number, or above [`MAX_ARG`].
    #[error("Protocol error: invalid bulk length")]
    InvalidLength,
    /// An argument is longer than it says.
    #[error("Protocol error: expected CRLF behind an argument")]
    MissingLineEnd,
    /// The request is above [`MAX_REQUEST`].
    #[error("Protocol error: a request may have at most {MAX_REQUEST} bytes")]
    RequestTooLarge,
}

/// Finds the requests of one connection in its bytes. It keeps what it has understood of an
/// unfinished request, so that no byte of an argument is looked at twice.
#[derive(Debug, Default)]
pub(crate) struct RequestParser {
    partial: Option<PartialRequest>,
}

/// A request of which arguments are missing.
#[derive(Debug)]
struct PartialRequest {
    missing: usize,
    args: Vec<Bytes>,
    /// The bytes of all arguments so far, as announced.
    announced: usize,
    /// Those of them that have been taken from the input.
    taken: usize,
    /// The length of the argument that comes next, once it is known.
    length: Option<usize>,
}

impl RequestParser {
    /// Takes the next request from the front of `input`. None: it is not complete yet, or there
    /// is none.
    ///
    /// # Errors
    /// If this is not RESP; then nothing that follows can be understood either.
    pub(crate) fn next_request(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Request>, ProtocolError> {
        loop {
            if let Some(unfinished) = &mut self.partial {
                if !unfinished.take_arguments(input)? {
                    return Ok(None);
                }
                let finished = self.partial.take();
                return Ok(finished.map(|request| request.args));
            }
            match input.first() {
                None => return Ok(None),
                Some(b'*') => match take_number(input, ProtocolError::CountTooLong)? {
                    None => return Ok(None),
                    // As in Redis, an empty request is none.
                    Some(Some(i64::MIN..=0)) => {}
                    Some(count) => self.partial = Some(PartialRequest::new(count)?),
                },
                Some(_) => {
                    let Some(line) = take_line(input, ProtocolError::InlineTooLong)? else {
                        return Ok(None);
                    };
                    let args = inline::split_line(&line)?;
                    if !args.is_empty() {
                        return Ok(Some(args));
                    }
                }
            }
        }
    }

    /// How many bytes of an unfinished request have come in, given what is left of the input.
    pub(crate) fn buffered_bytes(&self, input: &BytesMut) -> usize {
        input.len() + self.partial.as_ref().map_or(0, |unfinished| unfinished.taken)
    }

    /// Whether a request has begun and not ended, given what is left of the input.
    pub(crate) fn is_within_request(&self, input: &BytesMut) -> bool {
        self.partial.is_some() || !input.is_empty()
    }
}

impl PartialRequest {
    fn new(count: Option<i64>) -> Result<Self, ProtocolError> {
        let missing = count.and_then(|count| usize::try_from(count).ok());
        let missing =
            missing.filter(|count| *count <= MAX_ARGS).ok_or(ProtocolError::InvalidCount)?;
        // Room for few: who announces many has to send them first.
        let args = Vec::with_capacity(missing.min(8));
        Ok(Self { missing, args, announced: 0, taken: 0, length: None })
    }

    /// Takes arguments from the input; true once all are there.
    fn take_arguments(&mut self, input: &mut BytesMut) -> Result<bool, ProtocolError> {
        while self.missing > 0 {
            let length = match self.length {
                Some(length) => length,
                None => match self.take_length(input)? {
                    Some(length) => *self.length.insert(length),
                    None => return Ok(false),
                },
            };
            if input.len() < length + 2 {
                return Ok(false);
            }
            self.args.push(input.split_to(length).freeze());
            self.taken += length;
            if !input.starts_with(b"\r\n") {
                return Err(ProtocolError::MissingLineEnd);
            }
            input.advance(2);
            self.length = None;
            self.missing -= 1;
        }
        Ok(true)
    }

    fn take_length(&mut self, input: &mut BytesMut) -> Result<Option<usize>, ProtocolError> {
        match input.first() {
            None => return Ok(None),
            Some(b'$') => {}
            Some(other) => return Err(ProtocolError::MissingBulkPrefix(*other)),
        }
        let Some(length) = take_number(input, ProtocolError::LengthTooLong)? else {
            return Ok(None);
        };
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length =
            length.filter(|length| *length <= MAX_ARG).ok_or(ProtocolError::InvalidLength)?;
        self.announced += length;
        if self.announced > MAX_REQUEST {
            return Err(ProtocolError::RequestTooLarge);
        }
        Ok(Some(length))
    }
}

/// Takes a line off the input, without its end; None if the end is not there yet.
fn take_line(
    input: &mut BytesMut,
    too_long: ProtocolError,
) -> Result<Option<BytesMut>, ProtocolError> {
    let Some(end) = input.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
        return if input.len() < MAX_LINE { Ok(None) } else { Err(too_long) };
    };
    let mut line = input.split_to(end + 1);
    line.truncate(end);
    if line.ends_with(b"\r") {
        line.truncate(end - 1);
    }
    Ok(Some(line))
}

/// Takes a line such as `*3`: the number behind its first byte, or None if that is no number.
fn take_number(
    input: &mut BytesMut,
    too_long: ProtocolError,
) -> Result<Option<Option<i64>>, ProtocolError> {
    let Some(line) = take_line(input, too_long)? else { return Ok(None) };
    let digits = line.get(1..).and_then(|rest| str::from_utf8(rest).ok());
    Ok(Some(digits.filter(|digits| !digits.starts_with('+')).and_then(|text| text.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All requests in `bytes`, given to the parser in pieces that end at `cuts`.
    fn parse(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Request>, ProtocolError> {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let (mut parser, mut input, mut requests) =
            (RequestParser::default(), BytesMut::new(), Vec::new());
        let mut begin = 0;
        for end in ends {
            input.extend_from_slice(&bytes[begin..end]);
            begin = end;
            while let Some(request) = parser.next_request(&mut input)? {
                requests.push(request);
            }
        }
        Ok(requests)
    }

    fn encode(requests: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for request in requests {
            bytes.extend(format!("*{}\r\n", request.len()).into_bytes());
            for arg in request {
                bytes.extend(format!("${}\r\n", arg.len()).into_bytes());
                bytes.extend(arg);
                bytes.extend(b"\r\n");
            }
        }
        bytes
    }

    #[test]
    fn inline_and_array_requests_follow_each_other() {
        let bytes = b"PING\r\n*1\r\n$4\r\nPING\r\n\r\n*0\r\n*-1\r\nECHO 'a b'\n";
        let requests = parse(bytes, &[]).unwrap();
        assert_eq!(requests, [vec!["PING"], vec!["PING"], vec!["ECHO", "a b"]]);
    }

    #[test]
    fn what_is_no_resp_gets_the_words_of_redis() {
        let long = "x".repeat(MAX_LINE);
        let many = format!("*{}\r\n", MAX_ARGS + 1);
        let big = format!("*1\r\n${}\r\n", MAX_ARG + 1);
        let arg = format!("${MAX_ARG}\r\n{}\r\n", "x".repeat(MAX_ARG));
        let whole = format!("*3\r\n{arg}{arg}{arg}");
        let cases = [
            ("*x\r\n", "invalid multibulk length"),
            ("*+1\r\n", "invalid multibulk length"),
            (&many, "invalid multibulk length"),
            ("*1\r\nx", "expected '$', got 'x'"),
            ("*1\r\n\0", r"expected '$', got '\u{0}'"),
            ("*1\r\n$x\r\n", "invalid bulk length"),
            ("*1\r\n$-1\r\n", "invalid bulk length"),
            (&big, "invalid bulk length"),
            ("*1\r\n$1\r\nabc\r\n", "expected CRLF behind an argument"),
            ("ECHO 'a\r\n", "unbalanced quotes in request"),
            (&long, "too big inline request"),
            (&format!("*{long}"), "too big mbulk count string"),
            (&format!("*1\r\n${long}"), "too big bulk count string"),
            (&whole, "a request may have at most 2162688 bytes"),
        ];
        for (bytes, want) in cases {
            let error = parse(bytes.as_bytes(), &[]).unwrap_err().to_string();
            assert_eq!(error, format!("Protocol error: {want}"));
        }
    }

    #[test]
    fn an_announcement_alone_takes_no_memory() {
        let mut parser = RequestParser::default();
        let mut input = BytesMut::from(&b"*65536\r\n$1048576\r\n"[..]);
        assert_eq!(parser.next_request(&mut input), Ok(None));
        let unfinished = parser.partial.unwrap();
        assert!(unfinished.args.capacity() <= 8 && input.capacity() < 1024);
    }

    proptest! {
        #[test]
        fn requests_are_the_same_however_their_bytes_are_cut(
            requests in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..5), 0..6,
            ),
            cuts in prop::collection::vec(any::<usize>(), 0..20),
        ) {
            let parsed = parse(&encode(&requests), &cuts).unwrap();
            prop_assert_eq!(parsed, requests);
        }

        #[test]
        fn any_bytes_give_the_same_however_they_are_cut(
            bytes in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(b"*$\r\n0123-\"'\\ x".to_vec()),
                    any::<u8>(),
                ],
                0..60,
            ),
            cuts in prop::collection::vec(any::<usize>(), 0..10),
        ) {
            prop_assert_eq!(parse(&bytes, &cuts), parse(&bytes, &[]));
        }
    }
}
