//! Buffers and sends the replies of one connection, within bounds.

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

/// Replies that wait to be sent, and the permit to be large.
///
/// Every connection may buffer [`SMALL_BUFFER`] bytes in each direction. For a larger request or
/// reply it needs one of the few permits that all connections share, and keeps it until its buffers
/// are small again. So memory is bounded; large requests wait for each other and never block small
/// ones.
#[derive(Debug)]
pub(crate) struct ReplyWriter {
    stream: OwnedWriteHalf,
    buffer: BytesMut,
    large_permits: Arc<Semaphore>,
    large_permit: Option<OwnedSemaphorePermit>,
    flush_timeout: Duration,
}

impl ReplyWriter {
    /// Sends replies to `stream`, each flush within `flush_timeout`; `large_permits` bounds the
    /// connections with large buffers.
    pub(crate) fn new(
        stream: OwnedWriteHalf,
        large_permits: Arc<Semaphore>,
        flush_timeout: Duration,
    ) -> Self {
        Self { stream, buffer: BytesMut::new(), large_permits, large_permit: None, flush_timeout }
    }

    /// Appends a reply to the buffer.
    pub(crate) fn push(&mut self, reply: &Reply) {
        reply.encode_into(&mut self.buffer);
    }

    /// Appends the header of an array of `length` replies.
    pub(crate) fn push_array_header(&mut self, length: usize) {
        Reply::encode_array_header(length, &mut self.buffer);
    }

    /// Sends the buffer once it has [`SMALL_BUFFER`] bytes.
    ///
    /// # Errors
    /// As [`ReplyWriter::flush`].
    pub(crate) async fn flush_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() < SMALL_BUFFER { Ok(()) } else { self.flush().await }
    }

    /// Sends the whole buffer.
    ///
    /// # Errors
    /// If the connection fails or the client does not read its replies within the time-out.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        timeout(self.flush_timeout, self.stream.write_all_buf(&mut self.buffer)).await??;
        if self.buffer.capacity() > SMALL_BUFFER {
            self.buffer = BytesMut::new();
        }
        Ok(())
    }

    /// Sends the whole buffer and closes the sending half.
    ///
    /// # Errors
    /// As [`ReplyWriter::flush`].
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await
    }

    /// Waits for a permit to be large, unless the connection has one.
    ///
    /// # Errors
    /// None while the server runs.
    pub(crate) async fn acquire_large_permit(&mut self) -> io::Result<()> {
        if self.large_permit.is_none() {
            let permit = Arc::clone(&self.large_permits).acquire_owned().await;
            self.large_permit = Some(permit.map_err(io::Error::other)?);
        }
        Ok(())
    }

    /// Releases the permit to be large.
    pub(crate) fn release_large_permit(&mut self) {
        self.large_permit = None;
    }

    /// The values of the first of `keys`; see [`Storage::read_page`]. Values above [`SMALL_BUFFER`]
    /// need a permit. If none is free they are dropped, and read again once there is one.
    ///
    /// # Errors
    /// As [`Storage::read_page`].
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
        if let Ok(permit) = Arc::clone(&self.large_permits).try_acquire_owned() {
            self.large_permit = Some(permit);
            return Ok(page);
        }
        drop(page);
        self.acquire_large_permit().await.map_err(|_| StorageError::Closed)?;
        storage.read_page(keys).await
    }
}
