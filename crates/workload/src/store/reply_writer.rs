//! The replies of one connection on their way out, within bounds.

use super::{limits::SMALL_BUFFER, resp::Reply};
use crate::storage::{Storage, StorageError};
use bytes::{Bytes, BytesMut};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::tcp::OwnedWriteHalf,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Replies that wait to be sent, and the leave to be large.
///
/// Every connection may hold [`SMALL`] bytes each way. To hold more, of a request or of replies,
/// it needs a place among the few that all connections share, and keeps it until it is small
/// again: so memory is bounded, and large ones wait for each other but never hold up small ones.
#[derive(Debug)]
pub(crate) struct ReplyWriter {
    stream: OwnedWriteHalf,
    buffer: BytesMut,
    large_permits: Arc<Semaphore>,
    large_permit: Option<OwnedSemaphorePermit>,
    deadline: Duration,
}

impl ReplyWriter {
    /// Replies go to `stream`, which must take them within `deadline`; `places` are those of large
    /// connections.
    pub(crate) fn new(
        stream: OwnedWriteHalf,
        large_permits: Arc<Semaphore>,
        deadline: Duration,
    ) -> Self {
        Self { stream, buffer: BytesMut::new(), large_permits, large_permit: None, deadline }
    }

    /// Appends a reply.
    pub(crate) fn push(&mut self, reply: &Reply) {
        reply.encode_into(&mut self.buffer);
    }

    /// Appends the beginning of an array of replies.
    pub(crate) fn push_array_header(&mut self, length: usize) {
        Reply::encode_array_header(length, &mut self.buffer);
    }

    /// Sends what is there if it is much.
    ///
    /// # Errors
    /// As [`Output::flush`].
    pub(crate) async fn flush_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() < SMALL_BUFFER { Ok(()) } else { self.flush().await }
    }

    /// Sends everything.
    ///
    /// # Errors
    /// If the connection is gone or the client does not take its replies in time.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        timeout(self.deadline, self.stream.write_all_buf(&mut self.buffer)).await??;
        if self.buffer.capacity() > SMALL_BUFFER {
            self.buffer = BytesMut::new();
        }
        Ok(())
    }

    /// Sends everything, and that nothing follows.
    ///
    /// # Errors
    /// As [`Output::flush`].
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await
    }

    /// Waits for the leave to be large, unless it is there.
    ///
    /// # Errors
    /// None while the server runs.
    pub(crate) async fn acquire_large_permit(&mut self) -> io::Result<()> {
        if self.large_permit.is_none() {
            let place = Arc::clone(&self.large_permits).acquire_owned().await;
            self.large_permit = Some(place.map_err(io::Error::other)?);
        }
        Ok(())
    }

    /// Gives the leave to be large back.
    pub(crate) fn release_large_permit(&mut self) {
        self.large_permit = None;
    }

    /// The values of `keys`, or of the first ones if they are large. If they are larger than this
    /// connection may be now, they are read again once it may.
    ///
    /// # Errors
    /// As [`Storage::page_of`].
    pub(crate) async fn read_page(
        &mut self,
        storage: &Storage,
        keys: &[Bytes],
    ) -> Result<Vec<Option<Bytes>>, StorageError> {
        let page = storage.read_page(keys).await?;
        let bytes: usize = page.iter().flatten().map(Bytes::len).sum();
        if bytes <= SMALL_BUFFER || self.large_permit.is_some() {
            return Ok(page);
        }
        if let Ok(place) = Arc::clone(&self.large_permits).try_acquire_owned() {
            self.large_permit = Some(place);
            return Ok(page);
        }
        drop(page);
        self.acquire_large_permit().await.map_err(|_| StorageError::Closed)?;
        storage.read_page(keys).await
    }
}
