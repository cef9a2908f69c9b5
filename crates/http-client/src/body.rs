//! Reads a response body within a bound.

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use std::error::Error;

/// Why a response body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body has more bytes than the caller accepts.
    #[error("the answer is larger than {max_bytes} bytes")]
    TooLarge {
        /// The bound that the caller set.
        max_bytes: usize,
    },
    /// The connection failed before the body was complete.
    #[error(transparent)]
    Connection(Box<dyn Error + Send + Sync>),
}

/// Reads the body to its end, into memory.
///
/// # Errors
/// If it has more than `max_bytes` bytes, or if the connection fails before its end.
pub async fn read_body<B>(body: B, max_bytes: usize) -> Result<Bytes, BodyError>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match Limited::new(body, max_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge { max_bytes }),
        Err(error) => Err(BodyError::Connection(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    #[tokio::test]
    async fn a_body_up_to_the_bound_is_read() {
        let body = Full::new(Bytes::from_static(b"12345"));
        assert_eq!(read_body(body, 5).await.unwrap(), "12345");
    }

    #[tokio::test]
    async fn a_larger_body_is_an_error_with_the_bound() {
        let body = Full::new(Bytes::from_static(b"123456"));
        let error = read_body(body, 5).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { max_bytes: 5 }));
        assert_eq!(error.to_string(), "the answer is larger than 5 bytes");
    }
}
