//! What must hold between settings.

use super::{Config, ConfigError, Gateway, GatewayKind, Server, routes, twilio, webhook};
use crate::model::code;
use crate::model::epoch::EPOCHS_APART;
use std::collections::BTreeSet;

/// Every rule that `config` breaks.
pub(super) fn validate(config: &Config) -> Result<(), ConfigError> {
    let mut problems = Vec::new();
    let mut must = |holds: bool, problem: &str| {
        if !holds {
            problems.push(problem.to_owned());
        }
    };
    let verification = &config.verification;
    must(code::LENGTHS.contains(&verification.code_length), "verification.code_length must be 6, 7 or 8");
    must((1..=10).contains(&verification.checks_per_code), "verification.checks_per_code must be 1 to 10");
    let lifetime = verification.code_lifetime.get().as_secs();
    must(
        (120..=600).contains(&lifetime),
        "verification.code_lifetime must be 2 to 10 minutes (NIST SP 800-63B-4)",
    );
    let rate = config.directory.false_positive_rate;
    must((1e-9..=0.5).contains(&rate), "directory.false_positive_rate must be above 0 and at most 0.5");
    for (key, limit) in config.discovery.limits() {
        must(limit > 0, &format!("discovery.{key} must be at least 1"));
    }
    must(
        config.discovery.epoch_lifetime.is_none_or(|lifetime| lifetime.get() >= EPOCHS_APART),
        "discovery.epoch_lifetime must be at least 180 days (\"180d\"): a new epoch makes every client hash its \
         address book anew",
    );
    must(config.discovery.shape.hit_percent <= 100, "discovery.shape.hit_percent must be at most 100");
    must(
        config.server.public_url.as_deref().is_none_or(is_web_address),
        "server.public_url must begin with https:// or http://",
    );
    let public = config.server.public_url.is_some() || !config.server.trusted_proxies.is_empty();
    let inbox = config.sms.gateways.iter().any(|gateway| gateway.kind == GatewayKind::Inbox);
    must(
        !(inbox && public),
        "the inbox gateway shows codes to whoever asks: it cannot be used together with server.public_url or \
         server.trusted_proxies. Set up a paid gateway in sms.gateways, or unset those two.",
    );
    let mut names = BTreeSet::new();
    for gateway in &config.sms.gateways {
        must(names.insert(&gateway.name), &format!("sms.gateways: two are named `{}`", gateway.name));
        for problem in gateway_problems(gateway, config.server.public_url.is_some()) {
            must(false, &problem);
        }
    }
    problems.extend(section_problems(config));
    if problems.is_empty() { Ok(()) } else { Err(ConfigError::new(problems)) }
}

/// The rules that sections check themselves.
fn section_problems(config: &Config) -> Vec<String> {
    let mut problems = server_problems(&config.server);
    problems.extend(config.limits.problems());
    problems.extend(config.database.problems());
    problems.extend(config.challenges.problems());
    problems.extend(config.audit.problems());
    problems.extend(routes::problems(&config.sms));
    problems.extend(config.message_problems());
    let tests = config.verification.test_numbers.iter().enumerate();
    problems.extend(tests.flat_map(|(index, numbers)| numbers.problems(index)));
    problems
}

fn server_problems(server: &Server) -> Vec<String> {
    let mut problems = Vec::new();
    if server.listen == server.ops_listen && server.listen.port() != 0 {
        problems.push("server.ops_listen must be another address than server.listen".to_owned());
    }
    let counts = [
        ("connections", server.connections),
        ("connections_per_address", server.connections_per_address),
        ("requests_in_flight", server.requests_in_flight),
    ];
    for (key, count) in counts {
        if count == 0 {
            problems.push(format!("server.{key} must be at least 1"));
        }
    }
    let times = [
        ("head_timeout", server.head_timeout),
        ("body_timeout", server.body_timeout),
        ("write_timeout", server.write_timeout),
        ("idle_timeout", server.idle_timeout),
        ("connection_lifetime", server.connection_lifetime),
    ];
    for (key, time) in times {
        if !(1..=3_600).contains(&time.get().as_secs()) {
            problems.push(format!("server.{key} must be 1 second to 1 hour"));
        }
    }
    if server.drain_delay.get().as_secs() > 10 {
        problems.push("server.drain_delay must be at most 10 seconds: stopping takes at most 25".to_owned());
    }
    problems
}

fn gateway_problems(gateway: &Gateway, called_back: bool) -> Vec<String> {
    let name = &gateway.name;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut problems = Vec::new();
    if name.is_empty() || !name.chars().all(fits) {
        problems.push(format!("sms.gateways: the name `{name}` must be letters, digits, - or _"));
    }
    let judged_below = gateway.kind == GatewayKind::Webhook;
    if !judged_below && !gateway.base_url.as_deref().is_none_or(is_web_address) {
        problems.push(format!("sms.gateways `{name}`: base_url must begin with https:// or http://"));
    }
    match gateway.kind {
        GatewayKind::Inbox => {}
        GatewayKind::Webhook => problems.extend(webhook::problems(gateway)),
        GatewayKind::Twilio => {
            let twilio = twilio::problems(gateway, called_back);
            problems.extend(twilio.into_iter().map(|problem| format!("sms.gateways `{name}`: {problem}")));
        }
    }
    problems
}

pub(super) fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}
