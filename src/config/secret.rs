//! A configured secret: shown as `(hidden)` wherever it is printed.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// What stands in place of a secret.
pub(super) const HIDDEN: &str = "(hidden)";

/// A setting that is never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Hidden(SecretString);

impl Hidden {
    /// The secret of that text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(SecretString::from(text))
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A URL that may hold a password, which is hidden where it is printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct HiddenPassword(SecretString);

impl HiddenPassword {
    /// The URL of that text.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self(SecretString::from(url))
    }

    /// The whole URL, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The URL with `(hidden)` in place of its password; hidden altogether where that is not sure.
    fn shown(&self) -> String {
        let url = self.expose();
        if url.contains("password") {
            return HIDDEN.to_owned();
        }
        match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((credentials, rest))) => {
                let user = credentials.split_once("://").map_or("", |(_, credentials)| credentials);
                let user = user.split_once(':').map_or(user, |(user, _)| user);
                format!("{scheme}://{user}:{HIDDEN}@{rest}")
            }
            _ => url.to_owned(),
        }
    }
}

impl fmt::Debug for HiddenPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for HiddenPassword {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

impl Default for Hidden {
    fn default() -> Self {
        Self::new("")
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}
