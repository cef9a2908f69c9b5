//! The replies of one connection on their way out, within bounds.

use super::{limits::SMALL, resp::Reply};
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
pub(crate) struct Output {
    stream: OwnedWriteHalf,
    buffer: BytesMut,
    places: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
    deadline: Duration,
}

impl Output {
    /// Replies go to `stream`, which must take them within `deadline`; `places` are those of large
    /// connections.
    pub(crate) fn new(stream: OwnedWriteHalf, places: Arc<Semaphore>, deadline: Duration) -> Self {
        Self { stream, buffer: BytesMut::new(), places, place: None, deadline }
    }

    /// Appends a reply.
    pub(crate) fn push(&mut self, reply: &Reply) {
        reply.write(&mut self.buffer);
    }

    /// Appends the beginning of an array of replies.
    pub(crate) fn push_array_of(&mut self, length: usize) {
        Reply::write_array_of(length, &mut self.buffer);
    }

    /// Sends what is there if it is much.
    ///
    /// # Errors
    /// As [`Output::flush`].
    pub(crate) async fn relieve(&mut self) -> io::Result<()> {
        if self.buffer.len() < SMALL { Ok(()) } else { self.flush().await }
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
        if self.buffer.capacity() > SMALL {
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
    pub(crate) async fn become_large(&mut self) -> io::Result<()> {
        if self.place.is_none() {
            let place = Arc::clone(&self.places).acquire_owned().await;
            self.place = Some(place.map_err(io::Error::other)?);
        }
        Ok(())
    }

    /// Gives the leave to be large back.
    pub(crate) fn become_small(&mut self) {
        self.place = None;
    }

    /// The values of `keys`, or of the first ones if they are large. If they are larger than this
    /// connection may be now, they are read again once it may.
    ///
    /// # Errors
    /// As [`Storage::page_of`].
    pub(crate) async fn page_of(
        &mut self,
        storage: &Storage,
        keys: &[Bytes],
    ) -> Result<Vec<Option<Bytes>>, StorageError> {
        let page = storage.page_of(keys).await?;
        let bytes: usize = page.iter().flatten().map(Bytes::len).sum();
        if bytes <= SMALL || self.place.is_some() {
            return Ok(page);
        }
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            self.place = Some(place);
            return Ok(page);
        }
        drop(page);
        self.become_large().await.map_err(|_| StorageError::Closed)?;
        storage.page_of(keys).await
    }
}
