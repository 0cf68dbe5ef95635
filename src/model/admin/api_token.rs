//! API tokens: `tua_`, 65 base62 characters, and a CRC32 that secret scanners can check.

use crate::model::base62;
use crate::model::entropy::random_bytes;
use crate::model::id::ApiTokenId;
use crate::model::secret::PlainSecret;
use std::fmt;
use zeroize::Zeroize as _;

const PREFIX: &str = "tua_";
const BODY_BYTES: usize = 48;
const BODY_CHARS: usize = 65;
const CRC_CHARS: usize = 6;
const LIMBS: usize = BODY_BYTES / 8;

/// What a machine shows to the admin API.
///
/// Text: `tua_` + base62(token id 16 B | secret 32 B), big-endian, padded to 65 characters of `0-9A-Za-z`, + CRC32
/// (IEEE) of all before it as 6 base62 characters.
pub struct ApiToken {
    id: ApiTokenId,
    secret: PlainSecret,
}

impl ApiToken {
    /// A fresh token.
    #[must_use]
    pub fn random() -> Self {
        Self { id: ApiTokenId::random(), secret: PlainSecret::from_bytes(random_bytes()) }
    }

    /// Its public name.
    #[must_use]
    pub const fn id(&self) -> ApiTokenId {
        self.id
    }

    /// The secret part, whose digest the database keeps.
    #[must_use]
    pub const fn secret(&self) -> &PlainSecret {
        &self.secret
    }

    /// The wire form, for the one answer that hands the token out.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut body = [self.id.as_bytes(), self.secret.expose_bytes().as_slice()].concat();
        let mut text = format!("{PREFIX}{}", base62::encode(&body, BODY_CHARS));
        body.zeroize();
        let crc = crc32fast::hash(text.as_bytes());
        text.push_str(&base62::encode(&crc.to_be_bytes(), CRC_CHARS));
        text
    }

    /// Reads a token; `None` for anything malformed, found without the database.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (checked, crc) = text.split_at_checked(PREFIX.len() + BODY_CHARS)?;
        if base62::encode(&crc32fast::hash(checked.as_bytes()).to_be_bytes(), CRC_CHARS) != crc {
            return None;
        }
        let mut limbs = base62::decode::<LIMBS>(checked.strip_prefix(PREFIX)?)?;
        let mut body = [0; BODY_BYTES];
        base62::write(&limbs, &mut body);
        limbs.zeroize();
        let (id, secret) = body.split_at_checked(16)?;
        let token = Self {
            id: ApiTokenId::from_slice(id)?,
            secret: PlainSecret::from_bytes(secret.try_into().ok()?),
        };
        body.zeroize();
        Some(token)
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiToken({}, ..)", self.id)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::ApiToken;

    #[test]
    fn a_token_is_read_as_it_was_written_and_in_no_other_way() {
        let token = ApiToken::random();
        let text = token.expose();
        assert_eq!(text.len(), 75);
        let read = ApiToken::parse(&text).unwrap();
        assert_eq!((read.id(), read.secret().expose_bytes()), (token.id(), token.secret().expose_bytes()));
        let other = if text.ends_with('0') { "1" } else { "0" };
        for altered in [&text[1..], &format!("{}{other}", &text[..74]), &format!("{text}0"), "tua_", ""] {
            assert!(ApiToken::parse(altered).is_none(), "{altered}");
        }
    }

    #[test]
    fn a_token_does_not_show_its_secret() {
        let token = ApiToken::random();
        assert_eq!(format!("{token:?}"), format!("ApiToken({}, ..)", token.id()));
    }
}
