//! The syntax of Kubernetes' names, label keys and label values.

/// A DNS subdomain (RFC 1123): at most 253 characters; dot-separated parts of lower-case letters,
/// digits and `-`, each starting and ending with a letter or digit.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_subdomain_part)
}

fn is_subdomain_part(part: &str) -> bool {
    !part.is_empty()
        && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !part.starts_with('-')
        && !part.ends_with('-')
}

/// A label value: empty, or at most 63 letters, digits, `-`, `_` and `.`, starting and ending with
/// a letter or digit.
pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_label_name(text)
}

/// The key of a label or annotation: `<name>` or `<subdomain>/<name>`.
pub(crate) fn is_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => is_subdomain(domain) && is_label_name(name),
        None => is_label_name(text),
    }
}

fn is_label_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_keys_and_values_follow_kubernetes() {
        for good in ["team", "example.com/team", "a", "A.b_c-d", "linkerd.io/inject"] {
            assert!(is_key(good), "{good:?} is rejected");
        }
        for bad in ["", "/a", "a/", "Example.com/a", "-a", "a b", "a/b/c", &"a".repeat(64)] {
            assert!(!is_key(bad), "{bad:?} is accepted");
        }
        assert!(is_label_value("") && is_label_value("Blue-1"));
        assert!(!is_label_value("a b") && !is_label_value(&"a".repeat(64)));
    }
}
