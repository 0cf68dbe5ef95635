//! How much a request matters.

use axum::http::Method;

/// How much a request matters when not all can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Class {
    /// Ends what somebody has begun: checks, registrations, an account's own settings, reports of gateways.
    Check,
    /// Costs a message.
    Send,
    /// Can be asked again later: lookups, epochs, devices.
    Lookup,
}

impl Class {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Check, Self::Send, Self::Lookup];

    /// The class of a route or of a raw path, which read alike; `None` for what is never refused: health, the
    /// document, the page, what is not there.
    pub(super) fn of(path: &str, method: &Method) -> Option<Self> {
        if let Some(rest) = path.strip_prefix("/v1/") {
            return Some(Self::of_resource(rest, method));
        }
        let is_asset = path.starts_with("/admin/assets/");
        // Who runs the service must reach it when it has most to do.
        let matters = path.starts_with("/admin") && !is_asset || path.starts_with("/callbacks/");
        matters.then_some(Self::Check)
    }

    fn of_resource(path: &str, method: &Method) -> Self {
        match path {
            "verifications" => Self::Send,
            _ if path.starts_with("discovery/") => Self::Lookup,
            // What somebody revokes must stop at once.
            _ if path.starts_with("devices/") && method == Method::DELETE => Self::Check,
            _ if path.starts_with("devices") => Self::Lookup,
            _ if path.starts_with("verifications/") && is_send(path) => Self::Send,
            _ => Self::Check,
        }
    }

    /// Its word in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Send => "send",
            Self::Lookup => "lookup",
        }
    }
}

fn is_send(path: &str) -> bool {
    path.ends_with("/codes") || path.ends_with("/challenges")
}

#[cfg(test)]
mod tests {
    use super::Class;
    use axum::http::Method;

    #[test]
    fn health_and_pages_are_in_no_class() {
        for route in ["/livez", "/readyz", "/openapi.json", "/try", "(none)", "/admin/assets/{*file}"] {
            assert_eq!(Class::of(route, &Method::GET), None, "{route}");
        }
    }

    #[test]
    fn a_path_has_the_class_of_its_route() {
        let paths = [
            ("/v1/verifications", "/v1/verifications", Method::POST, Class::Send),
            ("/v1/verifications/{id}/codes", "/v1/verifications/a-b/codes", Method::POST, Class::Send),
            (
                "/v1/verifications/{id}/challenges",
                "/v1/verifications/1/challenges",
                Method::POST,
                Class::Send,
            ),
            ("/v1/verifications/{id}/check", "/v1/verifications/codes/check", Method::POST, Class::Check),
            ("/v1/verifications/{id}", "/v1/verifications/1", Method::GET, Class::Check),
            ("/v1/accounts", "/v1/accounts", Method::POST, Class::Check),
            ("/v1/account", "/v1/account", Method::PATCH, Class::Check),
            ("/v1/devices", "/v1/devices", Method::GET, Class::Lookup),
            ("/v1/devices/{id}", "/v1/devices/1", Method::DELETE, Class::Check),
            ("/v1/discovery/lookup", "/v1/discovery/lookup", Method::POST, Class::Lookup),
            ("/v1/discovery/epochs", "/v1/discovery/epochs", Method::GET, Class::Lookup),
            ("/callbacks/{gateway}/{id}", "/callbacks/main/1", Method::POST, Class::Check),
            ("/admin/api/v1/people", "/admin/api/v1/people", Method::GET, Class::Check),
        ];
        for (route, path, method, class) in paths {
            assert_eq!(Class::of(route, &method), Some(class), "{route}");
            assert_eq!(Class::of(path, &method), Some(class), "{path}");
        }
    }
}
