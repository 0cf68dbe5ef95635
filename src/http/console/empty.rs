//! Sections that show nothing yet.

use super::{Frame, Page, Section};
use crate::http::admin::{Permit, rights};
use askama::Template;

#[derive(Template)]
#[template(path = "empty.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct Empty {
    frame: Frame,
}

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident: $right:ident, $section:ident;)+) => { $(
        $(#[$doc])*
        pub(in crate::http) async fn $name(permit: Permit<rights::$right>) -> Page<Empty> {
            Page(Empty { frame: permit.frame(Section::$section) })
        }
    )+ };
}

sections! {
    /// `GET /admin/now`.
    now: SeeNow, Now;
    /// `GET /admin/verifications`.
    verifications: SeeVerifications, Verifications;
    /// `GET /admin/countries`.
    countries: SeeGuard, Countries;
    /// `GET /admin/gateways`.
    gateways: SeeGateways, Gateways;
    /// `GET /admin/accounts`.
    accounts: SeeAccounts, Accounts;
}
