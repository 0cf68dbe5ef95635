//! What is refused before it costs anything.

use axum::http::Method;
use axum::response::Response;
use std::fmt;
use std::sync::Arc;

type Judge = dyn Fn(&Method, &str) -> Option<Response> + Send + Sync;

/// Knows from the method and the raw path of a request alone whether it gets no further, and the answer then: no
/// route is looked for, no body read, no line written.
#[derive(Clone)]
pub struct Gate(Arc<Judge>);

impl Gate {
    /// A gate that answers what `judge` answers.
    #[must_use]
    pub fn new(judge: impl Fn(&Method, &str) -> Option<Response> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// A gate that lets everything through.
    #[must_use]
    pub fn open() -> Self {
        Self::new(|_, _| None)
    }

    /// The answer to a request that gets no further.
    pub(super) fn refuses(&self, method: &Method, path: &str) -> Option<Response> {
        (self.0)(method, path)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}
