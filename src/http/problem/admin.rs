//! Why an admin was refused.

use super::Problem;
use crate::model::admin::Permission;

impl Problem {
    /// Neither a live session nor a good API token.
    #[must_use]
    pub fn not_signed_in() -> Self {
        let detail = "Sign in at /admin, or send an API token as `Authorization: Bearer tua_...`.";
        Self::new(401, "not_signed_in", "You are not signed in", detail)
    }

    /// No role of the caller is given this.
    #[must_use]
    pub fn not_permitted(permission: Permission) -> Self {
        let detail = "None of your roles is given this. Whoever manages the team can give you one.";
        Self::new(403, "not_permitted", "You may not do this", detail).with("permission", permission)
    }

    /// An admin without any role.
    #[must_use]
    pub fn no_role() -> Self {
        let detail = "You have no role yet. Whoever manages the team can give you one.";
        Self::new(403, "not_permitted", "There is nothing here for you yet", detail)
    }

    /// The second factor was given too long ago.
    #[must_use]
    pub fn second_factor_due() -> Self {
        let detail = "Give a code of your second factor first: `POST /admin/api/v1/session/confirm`. API tokens cannot.";
        Self::new(403, "second_factor_due", "Your second factor is needed again", detail)
    }

    /// The request did not come from one of the session's own pages.
    #[must_use]
    pub fn forged() -> Self {
        let detail = "This request did not come from a page of the console. Open the page again and repeat it there; \
            programs use an API token.";
        Self::new(403, "request_forged", "This request was not yours", detail)
    }
}
