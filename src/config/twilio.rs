//! What must hold between the settings of a Twilio gateway.

use super::{Gateway, Hidden};

/// Every rule that a gateway breaks; it is called back where the world can reach the server.
pub(super) fn problems(gateway: &Gateway, called_back: bool) -> Vec<&'static str> {
    let text = |value: &Option<String>| value.as_deref().is_some_and(|value| !value.is_empty());
    let secret = |value: &Option<Hidden>| value.as_ref().is_some_and(|value| !value.expose().is_empty());
    let (key, key_secret) = (text(&gateway.api_key_sid), secret(&gateway.api_key_secret));
    let (account, token) = (text(&gateway.account_sid), secret(&gateway.auth_token));
    let number = gateway.voice_from.as_deref().is_none_or(is_e164);
    let rules = [
        (key == key_secret, "api_key_sid and api_key_secret go together"),
        (account && (token || key), "a twilio gateway needs account_sid and auth_token, or an API key"),
        (
            token || !called_back,
            "auth_token is needed where server.public_url is set: it signs what Twilio reports",
        ),
        (
            gateway.from.is_some() || gateway.messaging_service_sid.is_some(),
            "set from or messaging_service_sid",
        ),
        (number, "voice_from must be a number such as +358501112222"),
    ];
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, problem)| problem).collect()
}

fn is_e164(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
