//! One request of a virtual user and the check of its answer.

use super::{
    checker::ConsistencyChecker,
    client::{TargetClient, TargetRequest, answer},
    failure::RequestFailure,
    virtual_users::UserRequest,
};
use crate::runtime::headers::RequestContext;
use hyper::Method;
use maquette_contract::ItemKey;
use std::{cell::RefCell, sync::Arc};
use tokio::time::Instant;

/// Sends the request and checks its answer; records in `checker` what the answer shows.
///
/// # Errors
/// If the request fails, or if its answer contradicts an earlier one.
pub(super) async fn send_and_check(
    target: &TargetClient,
    request: &UserRequest,
    deadline: Instant,
    checker: &RefCell<ConsistencyChecker>,
) -> Result<(), RequestFailure> {
    let context = RequestContext::new_root(deadline);
    match request {
        UserRequest::Read(key) => read_and_check(target, key, &context, checker).await,
        UserRequest::Write(key) => {
            let write = checker.borrow_mut().begin_write(key);
            let request = TargetRequest {
                method: Method::PUT,
                path: item_path(key),
                body: write.value.clone(),
            };
            let (status, body) = target.send(&request, &context).await?;
            let acknowledged = answer::parse_write(key, status, &body)?;
            Ok(checker.borrow_mut().check_write(&write, acknowledged)?)
        }
        UserRequest::Summary => {
            let request = TargetRequest::get("/summary".to_owned());
            let (status, body) = target.send(&request, &context).await?;
            answer::check_summary(status, &body)
        }
    }
}

/// Reads an item and checks the answer.
///
/// # Errors
/// If the target does not answer, or with an error, or if the answer contradicts an earlier one.
pub(super) async fn read_and_check(
    target: &TargetClient,
    key: &Arc<ItemKey>,
    context: &RequestContext,
    checker: &RefCell<ConsistencyChecker>,
) -> Result<(), RequestFailure> {
    let read = checker.borrow().begin_read(key);
    let request = TargetRequest::get(item_path(key));
    let (status, body) = target.send(&request, context).await?;
    let found = answer::parse_read(key, status, &body)?;
    Ok(checker.borrow_mut().check_read(&read, found)?)
}

fn item_path(key: &ItemKey) -> String {
    // Collections and ids have only characters that need no escaping.
    format!("/items/{key}")
}
