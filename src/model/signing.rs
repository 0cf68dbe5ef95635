//! Signatures of webhooks by the Standard Webhooks specification 1.0.0, symmetric (`v1`, HMAC-SHA-256).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;
use std::ops::RangeInclusive;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const PREFIX: &str = "whsec_";
/// 192 to 512 bits.
const LENGTHS: RangeInclusive<usize> = 24..=64;
/// How far the clocks of two servers may lie apart, and how long a request can be repeated.
const TOLERANCE_SECONDS: u64 = 300;

/// A secret shared with whoever sends or receives webhooks.
#[derive(Debug, Clone)]
pub struct SigningSecret(hmac::Key);

/// A request as it came, with what is said to be its signatures.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: `v1,` and base64, several of them separated by spaces.
    pub signatures: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl SigningSecret {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?);
        LENGTHS.contains(&bytes.len()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// What `webhook-signature` says of a body that is sent under that id at that second.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.tag(id, &seconds.to_string(), body)))
    }

    /// Whether one of the signatures is right, in constant time, and was made within 5 minutes of `now`.
    #[must_use]
    pub fn signed(&self, request: &Signed<'_>, now: Timestamp) -> bool {
        let Ok(seconds) = request.timestamp.parse::<i64>() else { return false };
        if seconds.abs_diff(now.as_second()) > TOLERANCE_SECONDS {
            return false;
        }
        let tag = self.tag(request.id, request.timestamp, request.body);
        let signatures = request.signatures.split(' ').filter_map(|word| word.strip_prefix("v1,"));
        signatures
            .filter_map(|text| STANDARD.decode(text).ok())
            .any(|given| tag.as_ref().ct_eq(&given).into())
    }

    fn tag(&self, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
        let mut mac = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of the JavaScript and Go libraries of standard-webhooks/standard-webhooks.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECONDS: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> SigningSecret {
        SigningSecret::parse(SECRET).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn signed(signatures: &str, now: i64) -> bool {
        let request = Signed { id: ID, timestamp: &SECONDS.to_string(), signatures, body: BODY };
        secret().signed(&request, at(now))
    }

    #[test]
    fn a_signature_is_the_one_that_the_specification_publishes() {
        assert_eq!(secret().sign(ID, SECONDS, BODY), SIGNATURE);
        assert!(signed(SIGNATURE, SECONDS));
    }

    #[test]
    fn one_right_signature_among_several_is_enough() {
        let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert!(signed(&format!("v1a,xyz {wrong} v1,?? {SIGNATURE}"), SECONDS));
        let other_version = SIGNATURE.replace("v1,", "v1a,");
        for signatures in ["", " ", "v1,", wrong, &other_version, &SIGNATURE[3..], &SIGNATURE[..20]] {
            assert!(!signed(signatures, SECONDS), "{signatures}");
        }
    }

    #[test]
    fn a_signature_holds_five_minutes_before_and_after() {
        assert!(signed(SIGNATURE, SECONDS - 300) && signed(SIGNATURE, SECONDS + 300));
        assert!(!signed(SIGNATURE, SECONDS - 301) && !signed(SIGNATURE, SECONDS + 301));
    }

    #[test]
    fn id_time_and_body_are_what_is_signed() {
        let right = Signed { id: ID, timestamp: "1614265330", signatures: SIGNATURE, body: BODY };
        for wrong in [
            Signed { id: "msg_other", ..right },
            Signed { timestamp: "1614265331", ..right },
            Signed { timestamp: "+1614265330", ..right },
            Signed { timestamp: "now", ..right },
            Signed { body: b"{}", ..right },
        ] {
            assert!(secret().signed(&right, at(SECONDS)));
            assert!(!secret().signed(&wrong, at(SECONDS)), "{wrong:?}");
        }
    }

    #[test]
    fn a_secret_is_its_prefix_and_24_to_64_bytes_and_does_not_show_itself() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert!(SigningSecret::parse(&of(24)).is_some() && SigningSecret::parse(&of(64)).is_some());
        for text in
            [of(23), of(65), of(24).replace("whsec_", ""), "whsec_".to_owned(), "whsec_????".to_owned()]
        {
            assert!(SigningSecret::parse(&text).is_none(), "{text}");
        }
        assert!(!format!("{:?}", secret()).contains("MfKQ"));
    }
}
