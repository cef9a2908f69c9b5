//! Reads Events and StorageClasses beside the reconciles: a slow answer holds back none of them.

use super::{
    super::super::{error::catch_panic, key::ArchitectureKey},
    CauseSource, events, storage_classes,
};
use crate::observe::{StorageClassNames, Warning};
use futures::{StreamExt, channel::mpsc::UnboundedReceiver};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use std::collections::BTreeMap;

/// Architectures that are read for at once. The API server searches all Events of a namespace for
/// those of one object.
const READS_AT_ONCE: usize = 2;

/// What to read for one Architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile) struct CausesToRead {
    /// The objects whose Events are read.
    pub(super) uids: Vec<String>,
    pub(super) storage_classes: bool,
}

impl CausesToRead {
    pub(super) fn is_empty(&self) -> bool {
        self.uids.is_empty() && !self.storage_classes
    }
}

/// What was read.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct CauseAnswers {
    /// By UID; none if the object has no Warning, or if the read failed.
    pub(super) warnings: BTreeMap<String, Option<Warning>>,
    /// None if they were not to be read.
    pub(super) storage_classes: Option<Option<StorageClassNames>>,
}

/// A request; an Architecture has one at a time.
#[derive(Clone, Debug)]
pub(in crate::reconcile) struct CauseRequest {
    pub(in crate::reconcile) key: ArchitectureKey,
    pub(in crate::reconcile) to_read: CausesToRead,
}

/// Answers the requests of a watch scope in their order.
pub(in crate::reconcile) struct CauseReader<F> {
    pub(in crate::reconcile) client: Client,
    pub(in crate::reconcile) requests: UnboundedReceiver<CauseRequest>,
    /// Receives the answers, one for each request.
    pub(in crate::reconcile) record: F,
}

impl<F: Fn(ArchitectureKey, CauseAnswers)> CauseReader<F> {
    /// Reads without end.
    pub(in crate::reconcile) async fn run(self) {
        let Self { client, requests, record } = self;
        let answer_request = |CauseRequest { key, to_read }| {
            let source = CauseSource { client: client.clone(), namespace: key.namespace.clone() };
            let record = &record;
            async move {
                // Without an answer it would not be read again.
                let answers = catch_panic(read_causes(&source, &to_read)).await;
                record(
                    key,
                    answers.unwrap_or_else(|message| {
                        tracing::error!(message, "a read of causes panicked");
                        CauseAnswers::default()
                    }),
                );
            }
        };
        requests.for_each_concurrent(READS_AT_ONCE, answer_request).await;
    }
}

async fn read_causes(source: &CauseSource, to_read: &CausesToRead) -> CauseAnswers {
    let mut answers = CauseAnswers::default();
    for uid in &to_read.uids {
        let warning = events::newest_warning(source, uid, Timestamp::now()).await;
        answers.warnings.insert(uid.clone(), warning);
    }
    if to_read.storage_classes {
        answers.storage_classes = Some(storage_classes::list_names(source).await);
    }
    answers
}
