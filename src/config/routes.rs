//! What must hold of routes: they name what there is.

use super::{Route, Sms};
use crate::model::delivery::Channel;
use crate::model::number::Region;

/// Every rule that a route breaks.
pub(super) fn problems(sms: &Sms) -> Vec<String> {
    let each = sms.routes.iter().enumerate();
    let problems = each.flat_map(|(at, route)| {
        problems_of(route, sms).into_iter().map(move |problem| format!("sms.routes[{at}]: {problem}"))
    });
    problems.collect()
}

fn problems_of(route: &Route, sms: &Sms) -> Vec<String> {
    let mut problems = Vec::new();
    if route.gateways.is_empty() {
        problems.push("name at least one gateway".to_owned());
    }
    let there_is = |name: &&String| sms.gateways.iter().any(|gateway| gateway.name == **name);
    for name in route.gateways.iter().filter(|name| !there_is(name)) {
        problems.push(format!("there is no gateway `{name}`"));
    }
    for code in route.countries.iter().filter(|code| Region::parse(code).is_err()) {
        problems.push(format!("`{code}` is no ISO country code (such as FI)"));
    }
    for word in route.channels.iter().filter(|word| Channel::parse(word).is_none()) {
        problems.push(format!("channels: `{word}` is none of: sms voice"));
    }
    problems
}
