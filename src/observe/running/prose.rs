//! Messages of other programs, cut to what a user needs: without what is said twice, and the same
//! for each attempt.

/// Why pods are refused, from the message of a failed create request.
pub(super) fn refusal(message: &str) -> String {
    // StatefulSets: "create Pod NAME in StatefulSet NAME failed error: ...".
    let text = message.split_once(" failed error: ").map_or(message, |(_, rest)| rest);
    // The pod's name differs in each attempt of a Deployment.
    let text = match text.split_once(" is forbidden: ") {
        Some((subject, rest)) if subject.starts_with("pods \"") => rest,
        _ => text,
    };
    let fix = if text.contains(" per Container") || text.contains(" per Pod") {
        ". Set its resources within the bounds of the namespace's LimitRange"
    } else if text.contains("exceeded quota") || text.contains("failed quota") {
        ". Lower its resources, or raise the namespace's ResourceQuota"
    } else {
        ""
    };
    format!("pods are refused: {}{fix}", text.trim_end_matches('.'))
}

/// The scheduler's message without what preemption would do.
pub(super) fn scheduling(message: &str) -> &str {
    let end = message.find(" preemption: ").unwrap_or(message.len());
    message[..end].trim_end()
}

/// The root of a failed pull: container runtimes repeat the reference and the URL before it.
pub(super) fn pull_failure<'a>(image: &str, message: &'a str) -> &'a str {
    let quoted = message.rfind("\": ").map_or(message, |at| &message[at + 3..]);
    let rest = quoted.rsplit_once(&format!("{image}: ")).map_or(quoted, |(_, rest)| rest);
    rest.rsplit_once(" desc = ").map_or(rest, |(_, rest)| rest).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_the_same_for_each_pod_and_says_what_to_set() {
        let deployment = "pods \"shop-web-5d8-x7k2p\" is forbidden: cpu max limit to request ratio \
                          per Container is 10, but provided ratio is 100.000000";
        let expected = "pods are refused: cpu max limit to request ratio per Container is 10, but \
                        provided ratio is 100.000000. Set its resources within the bounds of the \
                        namespace's LimitRange";
        assert_eq!(refusal(deployment), expected);
        let set = format!(
            "create Pod shop-data-0 in StatefulSet shop-data failed error: {}",
            deployment.replace("shop-web-5d8-x7k2p", "shop-data-0")
        );
        assert_eq!(refusal(&set), expected);
        let webhook = "admission webhook \"a.b\" denied the request: no owner";
        assert_eq!(refusal(webhook), format!("pods are refused: {webhook}"));
        let policy = "pods \"a-0\" is forbidden: ValidatingAdmissionPolicy 'uid' with binding \
                      'uid' denied request: runAsUser must be in the ranges";
        assert_eq!(
            refusal(policy),
            "pods are refused: ValidatingAdmissionPolicy 'uid' with binding 'uid' denied request: \
             runAsUser must be in the ranges"
        );
    }

    #[test]
    fn the_scheduler_is_quoted_without_preemption() {
        let message = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are \
                       available: 1 No preemption victims found for incoming pod.";
        assert_eq!(scheduling(message), "0/1 nodes are available: 1 Insufficient cpu.");
        assert_eq!(scheduling("too little memory"), "too little memory");
    }

    #[test]
    fn the_root_of_a_failed_pull_remains() {
        let image = "example.org/w:1";
        for (message, root) in [
            (
                "failed to pull and unpack image \"example.org/w:1\": failed to resolve reference \
                 \"example.org/w:1\": example.org/w:1: not found",
                "not found",
            ),
            (
                "rpc error: code = NotFound desc = failed to pull and unpack image \
                 \"docker.io/library/w:1\": failed to resolve reference \"docker.io/library/w:1\": \
                 docker.io/library/w:1: not found",
                "docker.io/library/w:1: not found",
            ),
            (
                "failed to pull and unpack image \"example.org/w:1\": failed to resolve reference \
                 \"example.org/w:1\": failed to do request: Head \
                 \"https://example.org/v2/w/manifests/1\": dial tcp: lookup example.org: no such \
                 host",
                "dial tcp: lookup example.org: no such host",
            ),
            ("rpc error: code = Unknown desc = authorization failed", "authorization failed"),
            ("not found", "not found"),
        ] {
            assert_eq!(pull_failure(image, message), root);
        }
    }
}
