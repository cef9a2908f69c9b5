//! Buffers and sends the replies of one connection, within bounds.

use super::{
    bounds::budget::{MemoryBudget, Places, REPLY_PAGE_COST},
    bounds::limits::SMALL_BUFFER,
    resp::{Reply, RespVersion},
};
use crate::storage::{Storage, StorageError};
use bytes::{Bytes, BytesMut};
use std::{io, time::Duration};
use tokio::{io::AsyncWriteExt, net::tcp::OwnedWriteHalf, time::timeout};

/// Replies that wait to be sent, and the place in the budget for large ones.
#[derive(Debug)]
pub(crate) struct ReplyWriter {
    stream: OwnedWriteHalf,
    protocol: RespVersion,
    buffer: BytesMut,
    budget: MemoryBudget,
    places: Places,
    flush_timeout: Duration,
}

impl ReplyWriter {
    /// Sends replies to `stream`, each flush within `flush_timeout`; `budget` bounds those above
    /// [`SMALL_BUFFER`].
    pub(super) fn new(
        stream: OwnedWriteHalf,
        budget: MemoryBudget,
        flush_timeout: Duration,
    ) -> Self {
        let (protocol, buffer) = (RespVersion::default(), BytesMut::new());
        Self { stream, protocol, buffer, budget, places: Places::default(), flush_timeout }
    }

    /// Encodes later replies in `protocol`.
    pub(crate) fn set_protocol(&mut self, protocol: RespVersion) {
        self.protocol = protocol;
    }

    /// Appends a reply to the buffer.
    pub(crate) fn push(&mut self, reply: &Reply) {
        reply.encode_into(self.protocol, &mut self.buffer);
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
    /// If the connection fails, or if the client does not read its replies within the time-out; while
    /// others wait for a place that this connection has, it must read faster.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let (stream, buffer) = (&mut self.stream, &mut self.buffer);
        timeout(self.flush_timeout, send_all(stream, buffer, &mut self.places)).await??;
        if self.buffer.capacity() > SMALL_BUFFER {
            self.buffer = BytesMut::new();
        }
        self.places.reply = None;
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

    /// Waits for a place for a large reply, unless the connection has one.
    ///
    /// # Errors
    /// None while the server runs.
    pub(crate) async fn acquire_reply_place(&mut self) -> io::Result<()> {
        if self.places.reply.is_none() {
            self.places.reply = Some(self.budget.acquire(REPLY_PAGE_COST).await?);
        }
        Ok(())
    }

    /// The places of the connection in the budgets.
    pub(super) fn places(&mut self) -> &mut Places {
        &mut self.places
    }

    /// Appends the value of `key`, or nil. False, and nothing is appended, if that may have to wait for
    /// the disk or for a place.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub(crate) fn try_push_value(
        &mut self,
        storage: &Storage,
        key: &[u8],
    ) -> Result<bool, StorageError> {
        let (protocol, buffer) = (self.protocol, &mut self.buffer);
        let pushed = storage.try_read(key, |value| match value {
            Some(value) if value.len() > SMALL_BUFFER => false,
            Some(value) => {
                Reply::encode_bulk(value, buffer);
                true
            }
            None => {
                Reply::Nil.encode_into(protocol, buffer);
                true
            }
        })?;
        Ok(pushed.unwrap_or(false))
    }

    /// The values of the first of `keys`; see [`Storage::read_page`]. Values above [`SMALL_BUFFER`] are
    /// read once there is a place for them.
    ///
    /// # Errors
    /// As [`Storage::read_page`].
    pub(crate) async fn read_page(
        &mut self,
        storage: &Storage,
        keys: &[Bytes],
    ) -> Result<Vec<Option<Bytes>>, StorageError> {
        if self.places.reply.is_none() {
            let page = storage.read_small_page(keys, SMALL_BUFFER).await?;
            if !page.is_empty() {
                return Ok(page);
            }
            self.acquire_reply_place().await.map_err(|_| StorageError::Closed)?;
        }
        storage.read_page(keys).await
    }
}

async fn send_all(
    stream: &mut OwnedWriteHalf,
    buffer: &mut BytesMut,
    places: &mut Places,
) -> io::Result<()> {
    while !buffer.is_empty() {
        let sent = places.transfer(stream.write_buf(buffer)).await?;
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}
