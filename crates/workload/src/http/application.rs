//! What a component implements to be served over HTTP.

use super::{HttpError, PageRequest, Request};
use crate::{
    backend::{ItemWrite, WrittenItem},
    runtime::RoleSettings,
};
use maquette_contract::{
    ItemKey, ItemPage, Record, RequestWork, Summary, internal_api::InternalPage,
};

/// The answers of a component to users' requests; `S` are the settings of its role.
///
/// An implementation logs each query and each call in the [`Request`] when it ends, so that the
/// tree is complete even if the request fails or is cut off at its deadline.
pub trait Application<S: RoleSettings>: Send + Sync + 'static {
    /// The simulated work of a request, in addition to what the application does; see
    /// [`RequestWork`].
    fn simulated_work(settings: &S) -> &RequestWork;

    /// Reads an item; 404 if there is none. A deleted item is a record too.
    fn read_item(
        &self,
        request: &Request<S>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Record, HttpError>> + Send;

    /// Writes or deletes an item. The write is durable at its owner when this returns.
    fn write_item(
        &self,
        request: &Request<S>,
        key: &ItemKey,
        write: ItemWrite,
    ) -> impl Future<Output = Result<WrittenItem, HttpError>> + Send;

    /// A page of the items of a collection, from its owner.
    fn list_items(
        &self,
        request: &Request<S>,
        list: &PageRequest,
    ) -> impl Future<Output = Result<ItemPage, HttpError>> + Send;

    /// Adds up the summaries of all components that can be reached from here.
    fn gather_summary(
        &self,
        request: &Request<S>,
    ) -> impl Future<Output = Result<Summary, HttpError>> + Send;
}

/// The items that a component itself keeps, independent of which component answers users' requests
/// for them; see [`maquette_contract::internal_api`]. These requests are not users' traffic and
/// have no simulated work.
pub trait LocalItems<S: RoleSettings>: Application<S> {
    /// Reads the newest record of an item, or none.
    fn read_local(
        &self,
        request: &Request<S>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Record>, HttpError>> + Send;

    /// Keeps this version of an item unless a newer one is there; one of them is durable when this
    /// returns.
    fn put_local_if_newer(
        &self,
        request: &Request<S>,
        key: &ItemKey,
        record: Record,
    ) -> impl Future<Output = Result<(), HttpError>> + Send;

    /// A page of items: those after the key `after`, or the first ones.
    fn list_local(
        &self,
        request: &Request<S>,
        after: Option<&ItemKey>,
    ) -> impl Future<Output = Result<InternalPage, HttpError>> + Send;

    /// The summary of the items kept here.
    fn summarize_local(
        &self,
        request: &Request<S>,
    ) -> impl Future<Output = Result<Summary, HttpError>> + Send;
}
