//! An error and its causes, as text for people.

use std::{error::Error, iter::successors};

/// The error itself, then its causes in order; the last one is the root cause.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |cause| (**cause).source())
}

/// The error and its causes in one line, separated by colons. A cause whose text the line has
/// already is left out: some errors print their cause themselves.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    for cause in causes(error) {
        let text = cause.to_string();
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum TestError {
        #[error("no route")]
        Root,
        #[error("cannot connect")]
        Outer(#[source] Box<TestError>),
        #[error("request failed: {0}")]
        PrintsItsCause(#[source] Box<TestError>),
    }

    #[test]
    fn the_line_has_every_cause_once() {
        let error = TestError::PrintsItsCause(TestError::Outer(TestError::Root.into()).into());
        assert_eq!(error_chain(&error), "request failed: cannot connect: no route");
        assert_eq!(error_chain(&TestError::Root), "no route");
    }

    #[test]
    fn the_last_cause_is_the_root() {
        let error = TestError::Outer(TestError::Root.into());
        assert_eq!(causes(&error).last().unwrap().to_string(), "no route");
    }
}
