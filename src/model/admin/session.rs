//! What a signed-in browser holds.

use crate::model::secret::PlainSecret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use subtle::ConstantTimeEq as _;

const CONTEXT: &str = "tuttu 2026-11 token against forged requests";

/// What a page of a session puts into its forms, so that no other site can send them (CSRF).
///
/// Derived from the session's secret: 43 characters of base64url.
#[derive(Clone)]
pub struct FormToken(String);

impl FormToken {
    /// The token of the session with this secret.
    #[must_use]
    pub fn of(session: &PlainSecret) -> Self {
        Self(URL_SAFE_NO_PAD.encode(blake3::derive_key(CONTEXT, session.expose_bytes())))
    }

    /// The text, for the session's own pages.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this was shown, in constant time.
    #[must_use]
    pub fn matches(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl fmt::Debug for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormToken(..)")
    }
}
