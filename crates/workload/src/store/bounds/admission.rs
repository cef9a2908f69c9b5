//! Which connections are served: bounds on all, on those of one address, and on idle ones.
//!
//! Other components name their recipient (`MAQUETTE.TO`): they are *known*. A part of the connections is
//! theirs alone. A connection that takes one of these places must name its recipient first.

use super::limits::Limits;
use crate::{runtime::lock, store::metrics::StoreMetrics};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// The open connections of a server; clones share them.
#[derive(Clone, Debug)]
pub(in crate::store) struct ClientAdmission {
    limits: Limits,
    metrics: StoreMetrics,
    open: Arc<Mutex<OpenConnections>>,
    /// Whether three quarters of all connections are taken.
    crowded: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    all: usize,
    unknown: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub(in crate::store) struct ClientSlot {
    admission: ClientAdmission,
    address: IpAddr,
    admitted: Instant,
    is_known: bool,
    /// It has one of the places of known callers.
    must_name_recipient: bool,
}

impl ClientAdmission {
    pub(in crate::store) fn new(limits: Limits, metrics: StoreMetrics) -> Self {
        Self { limits, metrics, open: Arc::default(), crowded: watch::Sender::new(false) }
    }

    /// A slot for a connection from `address`; none if a bound is reached.
    pub(in crate::store) fn admit(&self, address: IpAddr) -> Option<ClientSlot> {
        let mut open = lock(&self.open);
        let of_address = open.by_address.get(&address).copied().unwrap_or(0);
        if open.all >= self.limits.connections
            || of_address >= self.limits.connections_of_one_address
        {
            self.metrics.rejected.inc();
            return None;
        }
        self.metrics.accepted.inc();
        self.metrics.connections.inc();
        let unreserved = self.limits.connections - self.limits.connections_of_known_callers;
        let must_name_recipient = open.unknown >= unreserved;
        open.all += 1;
        open.unknown += 1;
        open.by_address.insert(address, of_address + 1);
        self.update_crowded(&open);
        Some(ClientSlot {
            admission: self.clone(),
            address,
            admitted: Instant::now(),
            is_known: false,
            must_name_recipient,
        })
    }

    fn update_crowded(&self, open: &OpenConnections) {
        let crowded = open.all * 4 >= self.limits.connections * 3;
        self.crowded.send_if_modified(|before| std::mem::replace(before, crowded) != crowded);
    }
}

impl ClientSlot {
    /// Notes that the caller has named its recipient, which is this store.
    pub(in crate::store) fn mark_known(&mut self) {
        if !self.is_known {
            lock(&self.admission.open).unknown -= 1;
        }
        (self.is_known, self.must_name_recipient) = (true, false);
    }

    /// Whether only a command that names the recipient may follow.
    pub(in crate::store) fn must_name_recipient(&self) -> bool {
        self.must_name_recipient
    }

    /// Resolves once a connection has to make room for others, of which no complete request has
    /// arrived since `since`.
    pub(in crate::store) async fn wait_until_overdue(&self, since: Instant) {
        if self.is_known {
            return std::future::pending().await;
        }
        if self.must_name_recipient {
            return sleep_until(self.admitted + self.admission.limits.naming_timeout).await;
        }
        let mut crowded = self.admission.crowded.subscribe();
        // The sender is part of this slot: an error is impossible.
        while crowded.wait_for(|crowded| *crowded).await.is_ok() {
            tokio::select! {
                () = sleep_until(since + self.admission.limits.idle_timeout) => return,
                _ = crowded.wait_for(|crowded| !*crowded) => {}
            }
        }
    }
}

impl Drop for ClientSlot {
    fn drop(&mut self) {
        let admission = &self.admission;
        admission.metrics.connections.dec();
        let mut open = lock(&admission.open);
        open.all -= 1;
        open.unknown -= usize::from(!self.is_known);
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
        admission.update_crowded(&open);
    }
}
