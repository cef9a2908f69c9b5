//! Lists that are never empty.

/// One or more items, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NonEmpty<T> {
    head: T,
    tail: Vec<T>,
}

impl<T> NonEmpty<T> {
    /// None if the list is empty.
    pub(crate) fn new(list: Vec<T>) -> Option<Self> {
        let mut items = list.into_iter();
        Some(Self { head: items.next()?, tail: items.collect() })
    }

    pub(crate) fn first(&self) -> &T {
        &self.head
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.head).chain(&self.tail)
    }
}
