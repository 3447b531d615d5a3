//! Why a command ended early.

use std::io;

/// What ends a command, besides its success.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// One sentence for the user, with what to do next.
    #[error("{0}")]
    Sentence(String),
    /// The user asked to stop (Ctrl-C).
    #[error("Interrupted.")]
    Interrupted,
    /// The user has seen enough: `q` in the pager.
    #[error("Quit.")]
    Quit,
}

impl Failure {
    /// A sentence.
    pub(crate) fn sentence(text: impl Into<String>) -> Self {
        Self::Sentence(text.into())
    }
}

/// A failure on its way through `io::Write` comes out as it went in.
impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        // Not `ErrorKind::Interrupted`: `write_all` would try again.
        io::Error::other(failure)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(error) => Failure::Sentence(format!("Cannot write: {error}.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_io() {
        for failure in [Failure::Quit, Failure::Interrupted, Failure::sentence("x")] {
            assert_eq!(Failure::from(io::Error::from(failure.clone())), failure);
        }
    }
}
