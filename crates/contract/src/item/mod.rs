//! Items: their keys, their values, and the record in which they are kept.

mod key;
mod record;
mod request_id;
mod value;
mod version;

pub use key::{Collection, ItemId, ItemIdError, ItemKey};
pub use record::{Content, Record, RecordError, RecordHead};
pub use request_id::{RecentRequests, RequestId, RequestIdError};
pub use value::{ItemValue, ItemValueError};
pub use version::{Version, VersionAheadError, VersionError};
