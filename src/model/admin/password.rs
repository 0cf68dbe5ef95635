//! Passwords of admins: which are good enough, and how they are kept.

use super::AdminName;
use crate::model::entropy::random_bytes;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use ring::digest::{SHA256, digest};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// How many characters a password has at least.
pub const SHORTEST_PASSWORD: usize = 12;
/// How many it has at most.
pub const LONGEST_PASSWORD: usize = 256;
/// As many different characters a password has at least.
const VARIETY: usize = 5;
/// What is left of a password without the words that anybody would try here.
const OWN_PART: usize = 8;
const WORDS_OF_THE_PLACE: [&str; 3] = ["tuttu", "admin", "password"];
/// The first five bytes of the SHA-256 of each of the 49 233 most common passwords, sorted; see scripts/fetch-assets.
const COMMON: &[u8] = include_bytes!("common-passwords/sha256-40.bin");
const PREFIX: usize = 5;

/// A password as it is typed: any Unicode, in the normal form NFC (RFC 8265, `OpaqueString`).
pub struct Password(Zeroizing<String>);

/// Why a password is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordWeak {
    /// Too few characters.
    #[error("must have at least {SHORTEST_PASSWORD} characters")]
    Short,
    /// Too many characters.
    #[error("must have at most {LONGEST_PASSWORD} characters")]
    Long,
    /// One that many have, or two of them side by side.
    #[error("is one that many people have, or made of such")]
    Common,
    /// Little more than the names that belong to this place.
    #[error("must be more than your name and the names of this place")]
    OfThePlace,
    /// The same few characters again and again.
    #[error("must have at least {VARIETY} different characters")]
    Monotonous,
}

impl Password {
    /// What somebody typed to sign in; `None` where it is longer than any password.
    #[must_use]
    pub fn typed(text: &str) -> Option<Self> {
        let normal = Zeroizing::new(text.nfc().collect::<String>());
        (normal.chars().count() <= LONGEST_PASSWORD).then_some(Self(normal))
    }

    /// What somebody wants to have as a password.
    ///
    /// # Errors
    /// [`PasswordWeak`] says why it is not good enough.
    pub fn chosen(text: &str, name: &AdminName) -> Result<Self, PasswordWeak> {
        let password = Self::typed(text).ok_or(PasswordWeak::Long)?;
        let lower = Zeroizing::new(password.0.to_lowercase());
        if password.0.chars().count() < SHORTEST_PASSWORD {
            return Err(PasswordWeak::Short);
        }
        if lower.chars().collect::<BTreeSet<_>>().len() < VARIETY {
            return Err(PasswordWeak::Monotonous);
        }
        if is_made_of_common(&lower) {
            return Err(PasswordWeak::Common);
        }
        if own_part(&lower, name) < OWN_PART {
            return Err(PasswordWeak::OfThePlace);
        }
        Ok(password)
    }

    /// What the database keeps: argon2id, 19 MiB, two passes (OWASP), as a PHC string. Takes some 20 ms of a core.
    #[must_use]
    pub fn hash(&self) -> Option<HashedPassword> {
        let salt: [u8; 16] = random_bytes();
        let hash = hasher().hash_password_with_salt(self.0.as_bytes(), &salt);
        hash.ok().map(|hash| HashedPassword(hash.to_string()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A password as it is kept.
#[derive(Clone)]
pub struct HashedPassword(String);

impl HashedPassword {
    /// The one that the database holds.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// One that no password fits, which takes as long to find out.
    #[must_use]
    pub fn nobodys() -> Self {
        static NOBODYS: LazyLock<String> = LazyLock::new(|| {
            let unknown = Password(Zeroizing::new(hex::encode(random_bytes::<32>())));
            unknown.hash().map(|hash| hash.0).unwrap_or_default()
        });
        Self(NOBODYS.clone())
    }

    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it was made of this password. Takes as long as hashing it.
    #[must_use]
    pub fn fits(&self, password: &Password) -> bool {
        PasswordHash::new(&self.0)
            .is_ok_and(|hash| hasher().verify_password(password.0.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for HashedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedPassword(..)")
    }
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// Whether it is one or two common passwords side by side, with whatever digits and signs before and after.
fn is_made_of_common(lower: &str) -> bool {
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    [lower, core].into_iter().any(|text| {
        let halves = text.char_indices().map(|(at, _)| text.split_at(at));
        is_common(text) || halves.skip(1).any(|(left, right)| is_common(left) && is_common(right))
    })
}

fn is_common(text: &str) -> bool {
    let digest = digest(&SHA256, text.as_bytes());
    let prefix = digest.as_ref().first_chunk::<PREFIX>();
    prefix.is_some_and(|prefix| COMMON.as_chunks::<PREFIX>().0.binary_search(prefix).is_ok())
}

/// How many characters are left without the words of the place and the admin's own name.
fn own_part(lower: &str, name: &AdminName) -> usize {
    let parts = name.as_str().split(['.', '_', '-', '@']).filter(|part| part.len() > 2);
    let words = WORDS_OF_THE_PLACE.into_iter().chain([name.as_str()]).chain(parts);
    let rest = words.fold(lower.to_owned(), |rest, word| rest.replace(word, ""));
    rest.chars().count()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn chosen(text: &str) -> Result<(), PasswordWeak> {
        Password::chosen(text, &AdminName::parse("anna.virtanen").unwrap()).map(|_| ())
    }

    #[test]
    fn a_password_is_long_uncommon_and_not_of_this_place() {
        for (text, weak) in [
            ("kuusi vanha", PasswordWeak::Short),
            ("1qaz2wsx3edc", PasswordWeak::Common),
            ("1QAZ2wsx3edc", PasswordWeak::Common),
            ("iloveyou123!", PasswordWeak::Common),
            ("2024football2024!!", PasswordWeak::Common),
            ("dragonmonkey1990", PasswordWeak::Common),
            ("TuttuTuttu-x7", PasswordWeak::OfThePlace),
            ("annavirtanen x", PasswordWeak::OfThePlace),
            ("ababababababab", PasswordWeak::Monotonous),
        ] {
            assert_eq!(chosen(text), Err(weak), "{text}");
        }
        assert_eq!(chosen(&"ä".repeat(257)), Err(PasswordWeak::Long));
        for good in ["kuusi vanhaa porsasta", "correct horse battery staple", "Ω≈ç√∫˜µ≤≥÷å∂", "J7q#pW2!xzkd"]
        {
            assert_eq!(chosen(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn the_same_letters_are_the_same_password_however_they_are_composed() {
        let hash = Password::typed("sa\u{308}hko\u{308}asentaja").unwrap().hash().unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert!(hash.fits(&Password::typed("sähköasentaja").unwrap()));
        assert!(!hash.fits(&Password::typed("sahkoasentaja").unwrap()));
        assert!(!HashedPassword::nobodys().fits(&Password::typed("").unwrap()));
    }

    #[test]
    fn a_password_does_not_show_itself() {
        assert_eq!(format!("{:?}", Password::typed("kuusi vanhaa porsasta").unwrap()), "Password(..)");
    }
}
