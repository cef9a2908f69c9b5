//! Parses requests from the received bytes.

use super::{MAX_ARG, MAX_ARGS, MAX_LINE, MAX_REQUEST, inline};
use crate::store::{
    bounds::budget::{ARGUMENT_COST, is_large},
    bounds::limits::SMALL_BUFFER,
};
use bytes::{Buf, Bytes, BytesMut};
use std::str;

/// A command's name and its arguments. Invariant: not empty.
pub(crate) type Request = Vec<Bytes>;

/// A violation of the protocol. The start of the next request cannot be determined after it, so the
/// connection is closed. The texts are those of Redis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    /// An inline request without an end of line within [`MAX_LINE`] bytes.
    #[error("Protocol error: too big inline request")]
    InlineTooLong,
    /// An inline request with unbalanced quotes.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// No end of line after `*` within [`MAX_LINE`] bytes.
    #[error("Protocol error: too big mbulk count string")]
    CountTooLong,
    /// The number of arguments is not a number or above [`MAX_ARGS`].
    #[error("Protocol error: invalid multibulk length")]
    InvalidCount,
    /// An argument that does not start with `$`.
    #[error("Protocol error: expected '$', got '{}'", char::from(*.0).escape_default())]
    MissingBulkPrefix(u8),
    /// No end of line after `$` within [`MAX_LINE`] bytes.
    #[error("Protocol error: too big bulk count string")]
    LengthTooLong,
    /// The length of an argument is not a number or above [`MAX_ARG`].
    #[error("Protocol error: invalid bulk length")]
    InvalidLength,
    /// An argument that is longer than its announced length.
    #[error("Protocol error: expected CRLF after an argument")]
    MissingLineEnd,
    /// A request above [`MAX_REQUEST`] bytes.
    #[error("Protocol error: a request may have at most {MAX_REQUEST} bytes")]
    RequestTooLarge,
}

/// The parser of one connection. It keeps the parsed part of an incomplete request, so no byte of
/// an argument is scanned twice.
#[derive(Debug, Default)]
pub(crate) struct RequestParser {
    partial: Option<PartialRequest>,
    /// The incomplete request may take more memory than a small one.
    large_allowed: bool,
}

/// A request whose arguments are not all received.
#[derive(Debug)]
struct PartialRequest {
    missing: usize,
    args: Vec<Bytes>,
    /// The announced lengths of all arguments so far, in bytes together.
    announced: usize,
    /// The bytes of arguments that are taken from the input.
    taken: usize,
    /// The announced length of the next argument, once it is parsed.
    length: Option<usize>,
}

impl RequestParser {
    /// Takes the next request from the start of `input`. None if there is no complete one.
    ///
    /// # Errors
    /// If the input violates the protocol; the parser cannot continue after it.
    pub(crate) fn next_request(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Request>, ProtocolError> {
        loop {
            if let Some(unfinished) = &mut self.partial {
                if !unfinished.take_arguments(input, self.large_allowed)? {
                    return Ok(None);
                }
                self.large_allowed = false;
                let finished = self.partial.take();
                return Ok(finished.map(|request| request.args));
            }
            match input.first() {
                None => return Ok(None),
                Some(b'*') => match take_number(input, ProtocolError::CountTooLong)? {
                    None => return Ok(None),
                    // As in Redis, an empty request is skipped.
                    Some(Some(i64::MIN..=0)) => {}
                    Some(count) => self.partial = Some(PartialRequest::new(count)?),
                },
                Some(_) => {
                    let Some(end) = find_line_end(input, ProtocolError::InlineTooLong)? else {
                        return Ok(None);
                    };
                    let line = input.split_to(end);
                    let args = inline::split_line(trim_line_end(&line))?;
                    if !args.is_empty() {
                        return Ok(Some(args));
                    }
                }
            }
        }
    }

    /// Whether the incomplete request, with the rest of the input, takes more memory than a small one:
    /// then it is not parsed further before [`RequestParser::allow_large`].
    pub(crate) fn needs_memory(&self, input: &BytesMut) -> bool {
        let taken = self.partial.as_ref().map_or(0, PartialRequest::cost);
        !self.large_allowed && is_large(input.len() + taken)
    }

    /// The most memory that the incomplete request can take.
    pub(crate) fn memory_bound(&self, input: &BytesMut) -> usize {
        let Some(unfinished) = &self.partial else { return MAX_LINE };
        let arguments = unfinished.args.len() + unfinished.missing;
        let is_last = unfinished.missing == 1 && unfinished.length.is_some();
        let bytes = if is_last { unfinished.announced } else { MAX_REQUEST };
        // What is already received of the next requests is part of the buffer.
        bytes + arguments * ARGUMENT_COST + input.len().min(SMALL_BUFFER)
    }

    /// Parses the incomplete request to its end, whatever memory it takes.
    pub(crate) fn allow_large(&mut self) {
        self.large_allowed = true;
    }

    /// The bytes of the current argument, if they are known and may be allocated.
    pub(crate) fn missing_bytes(&self) -> usize {
        let length = self.partial.as_ref().and_then(|unfinished| unfinished.length);
        if self.large_allowed { length.map_or(0, |length| length + 2) } else { 0 }
    }

    /// Whether an incomplete request has been received, with the rest of the input.
    pub(crate) fn is_within_request(&self, input: &BytesMut) -> bool {
        self.partial.is_some() || !input.is_empty()
    }
}

impl PartialRequest {
    fn new(count: Option<i64>) -> Result<Self, ProtocolError> {
        let missing = count
            .and_then(|count| usize::try_from(count).ok())
            .filter(|count| *count <= MAX_ARGS)
            .ok_or(ProtocolError::InvalidCount)?;
        // A small capacity: an announcement alone must not allocate memory.
        let args = Vec::with_capacity(missing.min(8));
        Ok(Self { missing, args, announced: 0, taken: 0, length: None })
    }

    /// The memory of the arguments so far.
    fn cost(&self) -> usize {
        self.taken + self.args.len() * ARGUMENT_COST
    }

    /// Takes arguments from the input; true once the request is complete.
    fn take_arguments(
        &mut self,
        input: &mut BytesMut,
        large_allowed: bool,
    ) -> Result<bool, ProtocolError> {
        while self.missing > 0 {
            if !large_allowed && is_large(self.cost()) {
                return Ok(false);
            }
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
        let Some(announced) = take_number(input, ProtocolError::LengthTooLong)? else {
            return Ok(None);
        };
        let length = announced
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length <= MAX_ARG)
            .ok_or(ProtocolError::InvalidLength)?;
        self.announced += length;
        if self.announced > MAX_REQUEST {
            return Err(ProtocolError::RequestTooLarge);
        }
        Ok(Some(length))
    }
}

/// The end of the first line of the input, after its line feed; None if the line is incomplete.
fn find_line_end(input: &[u8], too_long: ProtocolError) -> Result<Option<usize>, ProtocolError> {
    match input.iter().take(MAX_LINE).position(|byte| *byte == b'\n') {
        Some(line_feed) => Ok(Some(line_feed + 1)),
        None if input.len() < MAX_LINE => Ok(None),
        None => Err(too_long),
    }
}

/// A line without its end: a line feed, perhaps after a carriage return.
fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Takes a line such as `*3`: the number after its first byte, or None inside if it is not a
/// number.
fn take_number(
    input: &mut BytesMut,
    too_long: ProtocolError,
) -> Result<Option<Option<i64>>, ProtocolError> {
    let Some(end) = find_line_end(input, too_long)? else { return Ok(None) };
    let line = trim_line_end(input.get(..end).unwrap_or_default());
    let digits = line.get(1..).and_then(|rest| str::from_utf8(rest).ok());
    let number =
        digits.filter(|digits| !digits.starts_with('+')).and_then(|text| text.parse().ok());
    input.advance(end);
    Ok(Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All requests in `bytes`, which the parser receives in pieces that end at `cuts`.
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
            loop {
                match parser.next_request(&mut input)? {
                    Some(request) => requests.push(request),
                    None if parser.needs_memory(&input) => parser.allow_large(),
                    None => break,
                }
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
    fn protocol_violations_get_the_error_of_redis() {
        let long = "x".repeat(MAX_LINE);
        let many = format!("*{}\r\n", MAX_ARGS + 1);
        let big = format!("*1\r\n${}\r\n", MAX_ARG + 1);
        let arg = format!("${MAX_ARG}\r\n{}\r\n", "x".repeat(MAX_ARG));
        let oversized = format!("*3\r\n{arg}{arg}{arg}");
        let cases = [
            ("*x\r\n", "invalid multibulk length"),
            ("*+1\r\n", "invalid multibulk length"),
            (&many, "invalid multibulk length"),
            ("*1\r\nx", "expected '$', got 'x'"),
            ("*1\r\n\0", r"expected '$', got '\u{0}'"),
            ("*1\r\n$x\r\n", "invalid bulk length"),
            ("*1\r\n$-1\r\n", "invalid bulk length"),
            (&big, "invalid bulk length"),
            ("*1\r\n$1\r\nabc\r\n", "expected CRLF after an argument"),
            ("ECHO 'a\r\n", "unbalanced quotes in request"),
            (&long, "too big inline request"),
            (&format!("*{long}"), "too big mbulk count string"),
            (&format!("*1\r\n${long}"), "too big bulk count string"),
            (&oversized, "a request may have at most 2162688 bytes"),
        ];
        for (bytes, expected) in cases {
            let error = parse(bytes.as_bytes(), &[]).unwrap_err().to_string();
            assert_eq!(error, format!("Protocol error: {expected}"));
        }
    }

    #[test]
    fn an_announcement_alone_allocates_no_memory() {
        let mut parser = RequestParser::default();
        let mut input = BytesMut::from(&b"*65536\r\n$1048576\r\n"[..]);
        assert_eq!(parser.next_request(&mut input), Ok(None));
        let unfinished = parser.partial.unwrap();
        assert!(unfinished.args.capacity() <= 8 && input.capacity() < 1024);
    }

    #[test]
    fn many_arguments_wait_for_memory_also_if_all_are_received() {
        let request = vec![b"x".to_vec(); 2000];
        let mut input = BytesMut::from(&*encode(std::slice::from_ref(&request)));
        let mut parser = RequestParser::default();
        assert_eq!(parser.next_request(&mut input), Ok(None));
        assert!(parser.needs_memory(&input));
        assert!(parser.memory_bound(&input) >= 2000 * (ARGUMENT_COST + 1));
        parser.allow_large();
        assert_eq!(parser.next_request(&mut input).unwrap().unwrap().len(), 2000);
    }

    proptest! {
        #[test]
        fn requests_do_not_depend_on_the_pieces_received(
            requests in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..5), 0..6,
            ),
            cuts in prop::collection::vec(any::<usize>(), 0..20),
        ) {
            let parsed = parse(&encode(&requests), &cuts).unwrap();
            prop_assert_eq!(parsed, requests);
        }

        #[test]
        fn results_do_not_depend_on_the_pieces_received(
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
