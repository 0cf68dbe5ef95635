//! The second factor: time-based codes (RFC 6238), and recovery codes for when the phone is gone.

use super::AdminName;
use crate::model::entropy::random_bytes;
use crate::model::id::AdminId;
use crate::model::keys::SecretKey;
use crate::model::sealed::Place;
use crate::model::secret::HashedSecret;
use jiff::Timestamp;
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::{self, Write as _};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

/// How many recovery codes an admin has.
pub const RECOVERY_CODES: usize = 10;
const STEP_SECONDS: u64 = 30;
const SECRET_BYTES: usize = 20;
const RECOVERY_BYTES: usize = 15;
const RECOVERY_CHARS: usize = 24;
const RECOVERY_GROUP: usize = 6;
const ISSUER: &str = "Tuttu";
const ENROLMENT: &str = "tuttu 2026-11 second factor of an invitation";
const RECOVERY: &str = "tuttu 2026-11 recovery code of an admin";

/// The secret that an admin's phone makes codes of.
pub struct SecondFactor(Zeroizing<[u8; SECRET_BYTES]>);

impl SecondFactor {
    /// The one that an invitation offers to whoever has opened its page with this nonce: another opening has another,
    /// so that nobody knows it who saw the link before. Who has only the link, or only the database, cannot make it.
    #[must_use]
    pub fn of_invitation(
        key: &SecretKey,
        admin: AdminId,
        invitation: &HashedSecret,
        nonce: &HashedSecret,
    ) -> Self {
        let parts = [ENROLMENT.as_bytes(), admin.as_bytes(), invitation.as_bytes(), nonce.as_bytes()];
        let mac = key.mac(&parts);
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        secret.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        Self(secret)
    }

    /// One that nobody has, for work that must take as long without any.
    #[must_use]
    pub fn nobodys() -> Self {
        Self(Zeroizing::new(random_bytes()))
    }

    /// The secret that was opened; `None` unless it is one.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The bytes to seal.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Where the sealed secret of an admin lies.
    #[must_use]
    pub const fn place(admin: &AdminId) -> Place<'_> {
        Place { table: "admins", column: "totp_sealed", row: admin.as_bytes() }
    }

    /// The time step that a code is of: now, or 30 s before or after; `None` for a wrong one.
    #[must_use]
    pub fn step(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let step = self.totp(None)?.check(&code, u64::try_from(now.as_second()).ok()?)?;
        i64::try_from(step).ok()
    }

    /// The code of a moment, for tests and for nobody else.
    #[must_use]
    pub fn code_at(&self, at: Timestamp) -> Option<String> {
        Some(self.totp(None)?.generate(u64::try_from(at.as_second()).ok()?).to_string())
    }

    /// What a phone reads: `otpauth://totp/...`.
    #[must_use]
    pub fn url(&self, name: &AdminName) -> Option<String> {
        self.totp(Some(name))?.to_url().ok()
    }

    /// The secret as a person types it: base32 in groups of four.
    #[must_use]
    pub fn typed(&self) -> String {
        let text = base32::encode(base32::Alphabet::Rfc4648 { padding: false }, self.0.as_slice());
        grouped(&text, 4, ' ')
    }

    /// The picture that a phone reads: SVG, dark on light, four modules of quiet around.
    #[must_use]
    pub fn picture(&self, name: &AdminName) -> Option<String> {
        let code = QrCode::encode_text(&self.url(name)?, QrCodeEcc::Medium).ok()?;
        let (modules, mut dark) = (code.size(), String::new());
        for (x, y) in (0..modules).flat_map(|y| (0..modules).map(move |x| (x, y))) {
            if code.get_module(x, y) {
                let _ = write!(dark, "M{},{}h1v1h-1z", x + 4, y + 4);
            }
        }
        let side = modules + 8;
        Some(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{dark}\"/></svg>"
        ))
    }

    fn totp(&self, name: Option<&AdminName>) -> Option<Totp> {
        let builder = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(STEP_SECONDS)
            .with_issuer(Some(ISSUER))
            .with_secret(self.0.as_slice());
        builder.with_account_name(name.map_or("admin", AdminName::as_str)).build().ok()
    }
}

impl fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecondFactor(..)")
    }
}

/// A recovery code: 120 random bits, 24 characters of Crockford's base32 in groups of six. Works once.
pub struct RecoveryCode(Zeroizing<[u8; RECOVERY_BYTES]>);

impl RecoveryCode {
    /// A fresh one.
    #[must_use]
    pub fn random() -> Self {
        Self(Zeroizing::new(random_bytes()))
    }

    /// Reads one, without regard to case, blanks and hyphens, and with `O` for `0` and `I` or `L` for `1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if text.len() != RECOVERY_CHARS || !text.is_ascii() {
            return None;
        }
        let bytes = base32::decode(base32::Alphabet::Crockford, &text.to_ascii_uppercase())?;
        bytes.as_slice().try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The text, for the one page that shows it.
    #[must_use]
    pub fn expose(&self) -> String {
        grouped(&base32::encode(base32::Alphabet::Crockford, self.0.as_slice()), RECOVERY_GROUP, '-')
    }

    /// What the database keeps: BLAKE3, enough for more than 112 random bits (OWASP ASVS 5, 6.5.2).
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        blake3::derive_key(RECOVERY, self.0.as_slice())
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

fn grouped(text: &str, size: usize, between: char) -> String {
    let mut grouped = String::new();
    for (at, symbol) in text.chars().enumerate() {
        if at > 0 && at % size == 0 {
            grouped.push(between);
        }
        grouped.push(symbol);
    }
    grouped
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_of_its_step_and_of_its_neighbours() {
        let factor = SecondFactor::nobodys();
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let code = factor.code_at(now).unwrap();
        let step = factor.step(&code, now).unwrap();
        assert_eq!(step, now.as_second() / 30);
        for (seconds, known) in [(-60, false), (-30, true), (29, true), (31, true), (60, false)] {
            let later = now + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(factor.step(&code, later), known.then_some(step), "{seconds}");
        }
        assert_eq!(factor.step(&format!(" {} {} ", &code[..3], &code[3..]), now), Some(step));
        for odd in ["", "12345", "1234567", "abcdef", "１２３４５６"] {
            assert_eq!(factor.step(odd, now), None, "{odd}");
        }
    }

    #[test]
    fn phones_read_the_url_and_the_picture() {
        let factor = SecondFactor::from_slice(&[7; 20]).unwrap();
        let name = AdminName::parse("anna@example.org").unwrap();
        let url = factor.url(&name).unwrap();
        assert_eq!(
            url,
            "otpauth://totp/Tuttu:anna%40example.org?secret=A4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYH&issuer=Tuttu"
        );
        assert_eq!(factor.typed(), "A4DQ OBYH A4DQ OBYH A4DQ OBYH A4DQ OBYH");
        assert!(factor.picture(&name).unwrap().contains("<path d=\"M4,4h1v1h-1z"));
    }

    #[test]
    fn a_recovery_code_is_read_as_people_type_it() {
        let code = RecoveryCode::random();
        let text = code.expose();
        assert_eq!(text.len(), 27);
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', " "), text.replace('0', "O")] {
            assert_eq!(RecoveryCode::parse(&typed).unwrap().hash(), code.hash(), "{typed}");
        }
        assert!(RecoveryCode::parse(&text[1..]).is_none() && RecoveryCode::parse("123456").is_none());
    }
}
