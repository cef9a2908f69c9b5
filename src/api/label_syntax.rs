//! The grammars of Kubernetes' own names and labels.

/// At most 253 characters: dot-separated parts of lower-case letters, digits and `-`, each
/// beginning and ending with a letter or digit (RFC 1123).
pub(crate) fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !part.is_empty()
            && part.chars().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// The value of a label: empty, or at most 63 letters, digits, `-`, `_` and `.`, beginning and
/// ending with a letter or digit.
pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_label_name(text)
}

/// The key of a label or annotation: a label's name, perhaps behind `<subdomain>/`.
pub(crate) fn is_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => is_subdomain(domain) && is_label_name(name),
        None => is_label_name(text),
    }
}

fn is_label_name(text: &str) -> bool {
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.len() <= 63
        && end(text.chars().next())
        && end(text.chars().last())
        && text.chars().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_of_labels_are_kubernetes_own() {
        for good in ["team", "example.com/team", "a", "A.b_c-d", "linkerd.io/inject"] {
            assert!(is_key(good), "{good:?} was refused");
        }
        for bad in ["", "/a", "a/", "Example.com/a", "-a", "a b", "a/b/c", &"a".repeat(64)] {
            assert!(!is_key(bad), "{bad:?} passed");
        }
        assert!(is_label_value("") && is_label_value("Blue-1"));
        assert!(!is_label_value("a b") && !is_label_value(&"a".repeat(64)));
    }
}
