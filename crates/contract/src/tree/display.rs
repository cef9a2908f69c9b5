//! Responses as plain text, for users of `curl`.

use crate::{Answer, ItemPage, Outcome, PageItem, Query, ResponseTree, Summary};
use std::fmt::{self, Display, Formatter};

/// The outcome, an empty line, and the trace.
impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.outcome)?;
        write!(f, "{}", self.trace)
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Item { collection, id, version, value } => {
                write!(f, "item {collection}/{id}, version {version}\n{value}")
            }
            Outcome::Deleted { collection, id, version } => {
                write!(f, "deleted {collection}/{id}, version {version}")
            }
            Outcome::Page(page) => write!(f, "{page}"),
            Outcome::Summary(summary) => write!(f, "{summary}"),
            Outcome::WasDeleted { error, .. } | Outcome::Error(error) => {
                write!(f, "error: {error}")
            }
        }
    }
}

impl Display for ItemPage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.collection, format_count(self.items.len() as u64, "item"))?;
        for PageItem { id, version } in &self.items {
            write!(f, "\n  {id}, version {version}")?;
        }
        match &self.next {
            Some(next) => write!(f, "\n  the next page starts after {next}"),
            None => Ok(()),
        }
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let items: u64 = self.collections.values().map(|collection| collection.items).sum();
        let (collections, items) = (
            format_count(self.collections.len() as u64, "collection"),
            format_count(items, "item"),
        );
        write!(f, "summary: {collections}, {items}")?;
        if self.truncated {
            write!(f, " (incomplete: there are more items or components than a summary reads)")?;
        }
        let width =
            self.collections.keys().map(|collection| collection.as_str().len()).max().unwrap_or(0);
        for (collection, summary) in &self.collections {
            let (items, bytes) =
                (format_count(summary.items, "item"), format_count(summary.bytes, "byte"));
            write!(f, "\n  {:width$}  {items}, {bytes}", collection.as_str())?;
            if let Some(newest) = &summary.newest {
                write!(f, ", newest {newest}")?;
            }
        }
        Ok(())
    }
}

/// The component on the first line; below it, indented, its queries and then the called components.
impl Display for ResponseTree {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_branch(f, self, "")
    }
}

/// Writes a component on the current line, and its branches on new lines that start with `indent`.
fn write_branch(f: &mut Formatter<'_>, tree: &ResponseTree, indent: &str) -> fmt::Result {
    let pod = if tree.pod.is_empty() { "no pod answered" } else { &tree.pod };
    write!(f, "{} [{}] {pod}, {}", tree.component, tree.role, Millis(tree.micros))?;
    if let Some(error) = &tree.error {
        // The component below that caused it says why.
        let is_below = tree.calls.iter().any(|call| call.error.is_some());
        write!(f, ", failed")?;
        if !is_below {
            write!(f, ": {error}")?;
        }
    }
    writeln!(f)?;
    let branches = tree.queries.len() + tree.calls.len();
    for (index, query) in tree.queries.iter().enumerate() {
        let (stem, _) = branch_prefixes(index + 1 == branches);
        writeln!(f, "{indent}{stem}{query}")?;
    }
    for (index, call) in (tree.queries.len()..).zip(&tree.calls) {
        let (stem, below) = branch_prefixes(index + 1 == branches);
        write!(f, "{indent}{stem}")?;
        write_branch(f, call, &format!("{indent}{below}"))?;
    }
    Ok(())
}

/// The characters before a branch, and before the lines below it.
fn branch_prefixes(is_last: bool) -> (&'static str, &'static str) {
    if is_last { ("└── ", "    ") } else { ("├── ", "│   ") }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to, self.command)?;
        if self.count != 1 {
            write!(f, " x{}", self.count)?;
        }
        write!(f, ", {}, {}", format_count(self.bytes, "byte"), Millis(self.micros))?;
        if let Some(version) = &self.version {
            write!(f, ", version {version}")?;
        }
        if let Some(error) = &self.error {
            write!(f, ", failed: {error}")?;
        }
        Ok(())
    }
}

/// Microseconds, written as milliseconds with one decimal place.
struct Millis(u64);

impl Display for Millis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tenths = self.0.saturating_add(50) / 100;
        write!(f, "{}.{} ms", tenths / 10, tenths % 10)
    }
}

/// `1 item`, `2 items`.
fn format_count(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use crate::{Answer, CollectionSummary, Outcome, Query, ResponseTree, Role, Summary, Version};

    fn version(counter: u32) -> Version {
        Version { millis: 1_700_000_000_000, counter, writer: "shop-catalog-1".into() }
    }

    fn tree(component: &str, micros: u64) -> ResponseTree {
        ResponseTree {
            component: component.parse().unwrap(),
            role: Role::Service,
            pod: format!("shop-{component}-1"),
            micros,
            queries: vec![],
            calls: vec![],
            error: None,
        }
    }

    fn query(to: &str, command: &str, count: u32) -> Query {
        let (to, command) = (to.to_owned(), command.to_owned());
        Query { to, command, count, bytes: 120, micros: 849, version: None, error: None }
    }

    #[test]
    fn items_show_the_path_to_their_owner() {
        let mut catalog = tree("catalog", 4_210);
        catalog.queries = vec![query("data", "GET", 1), query("data", "SET NX", 1)];
        catalog.queries[1].version = Some(version(3));
        let mut client = tree("client", 6_000);
        client.calls = vec![catalog];
        let outcome = Outcome::Item {
            collection: "books".parse().unwrap(),
            id: "7".to_owned().try_into().unwrap(),
            version: version(3),
            value: r#"{"title":"Ulysses"}"#.parse().unwrap(),
        };
        let answer = Answer { outcome, trace: client, padding: "xxx".into() };
        let expected = "\
item books/7, version 1700000000000.3.shop-catalog-1
{\"title\":\"Ulysses\"}

client [service] shop-client-1, 6.0 ms
└── catalog [service] shop-catalog-1, 4.2 ms
    ├── data GET, 120 bytes, 0.8 ms
    └── data SET NX, 120 bytes, 0.8 ms, version 1700000000000.3.shop-catalog-1
";
        assert_eq!(answer.to_string(), expected);
    }

    #[test]
    fn summaries_show_collections_and_failed_components() {
        let mut orders = tree("orders", 1_000);
        orders.queries = vec![query("orders-data", "SCAN", 12), query("orders-data", "MGET", 1)];
        orders.calls = vec![tree("prices", 10)];
        let mut catalog = tree("catalog", 5_000_000);
        catalog.pod = String::new();
        catalog.error = Some("did not answer".into());
        let mut client = tree("client", 5_000_149);
        client.calls = vec![orders, catalog];
        let collection = |items| CollectionSummary { items, bytes: 33, newest: Some(version(0)) };
        let collections =
            [("orders".parse().unwrap(), collection(10)), ("ad".parse().unwrap(), collection(1))];
        let summary = Summary { collections: collections.into(), truncated: true };
        let answer =
            Answer { outcome: Outcome::Summary(summary), trace: client, padding: String::new() };
        let expected = "\
summary: 2 collections, 11 items (incomplete: there are more items or components than a summary reads)
  ad      1 item, 33 bytes, newest 1700000000000.0.shop-catalog-1
  orders  10 items, 33 bytes, newest 1700000000000.0.shop-catalog-1

client [service] shop-client-1, 5000.1 ms
├── orders [service] shop-orders-1, 1.0 ms
│   ├── orders-data SCAN x12, 120 bytes, 0.8 ms
│   ├── orders-data MGET, 120 bytes, 0.8 ms
│   └── prices [service] shop-prices-1, 0.0 ms
└── catalog [service] no pod answered, 5000.0 ms, failed: did not answer
";
        assert_eq!(answer.to_string(), expected);
    }

    #[test]
    fn errors_come_first() {
        let outcome = Outcome::Error("no item books/7".into());
        let answer = Answer { outcome, trace: tree("client", 1), padding: String::new() };
        let expected = "error: no item books/7\n\nclient [service] shop-client-1, 0.0 ms\n";
        assert_eq!(answer.to_string(), expected);
    }
}
