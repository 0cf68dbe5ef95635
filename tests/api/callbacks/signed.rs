//! Callbacks as Twilio signs them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use std::collections::BTreeSet;

/// `X-Twilio-Signature` of a form that is posted to a URL.
pub(crate) fn signature(auth_token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut signed = url.to_owned();
    let fields: BTreeSet<_> = fields.iter().collect();
    signed.extend(fields.into_iter().flat_map(|(name, value)| [*name, *value]));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
    STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

/// The code that `TwiML` reads aloud, digit by digit: one time of the two, which are alike.
pub(crate) fn code_read(twiml: &str) -> String {
    let said = twiml.split("<Say ").skip(1).map(|say| say.split('>').nth(1).unwrap());
    let texts = said.map(|text| text.trim_end_matches("</Say"));
    let digits: String = texts.filter(|text| text.len() == 1).collect();
    let (first, second) = digits.split_at(digits.len() / 2);
    assert_eq!(first, second, "{twiml}");
    first.to_owned()
}
