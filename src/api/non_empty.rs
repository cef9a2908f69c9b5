//! Lists that are never empty.

/// One or more, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Several<T> {
    first: T,
    more: Vec<T>,
}

impl<T> Several<T> {
    /// The list; none if it is empty.
    pub(crate) fn new(list: Vec<T>) -> Option<Self> {
        let mut list = list.into_iter();
        Some(Self { first: list.next()?, more: list.collect() })
    }

    /// The first.
    pub(crate) fn first(&self) -> &T {
        &self.first
    }

    /// All, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.more)
    }
}
