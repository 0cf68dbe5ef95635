//! Why an admin was refused.

use super::Problem;
use crate::admins::{EnrolRefused, SignInRefused, TeamRefused, TokenRefused, TokenRequest};
use crate::model::admin::{Permission, TOKEN_LIFETIME};
use crate::oversight::LookRefused;
use jiff::Timestamp;

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

    /// Why an admin was not shown, or did not change, what they asked for.
    #[must_use]
    pub fn look(refused: &LookRefused, now: Timestamp) -> Self {
        match refused {
            LookRefused::NotFound => Self::not_found(),
            LookRefused::ReasonTooShort => {
                Self::field("reason", "must say why in at least 10 characters: a ticket, who asked")
            }
            LookRefused::ReasonNamesNumber => Self::field(
                "reason",
                "must hold no phone number: it stays in the log when its person is erased",
            ),
            LookRefused::TooMany { what, limit, until } => {
                let detail =
                    format!("You have asked for {limit} whole numbers in this hour. Go on in the next.");
                Self::new(429, "rate_limited", "Too many whole numbers in an hour", detail)
                    .with("limit", what)
                    .until(*until, now)
            }
            LookRefused::Unchanged => {
                let detail = "It is so already: look at it again.";
                Self::new(409, "unchanged", "Nothing is to be changed", detail)
            }
            LookRefused::Failed(cause) => Self::unavailable(cause),
        }
    }

    /// The audit log is too long to be verified while somebody waits.
    #[must_use]
    pub fn log_too_long() -> Self {
        let detail = "The log has more than 100 000 entries: verify it on the host, `tuttu audit verify`.";
        Self::new(409, "log_too_long", "The log is too long to be verified here", detail)
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

    /// Nobody was signed in. What was wrong is not told.
    #[must_use]
    pub fn sign_in(refused: &SignInRefused, now: Timestamp) -> Self {
        match refused {
            SignInRefused::Early(until) => early(*until, now),
            SignInRefused::Wrong => {
                let detail = "Name, password or code are wrong. A code works once: wait for the next one.";
                Self::new(422, "code_incorrect", "You were not signed in", detail)
            }
            SignInRefused::Busy => Self::busy(),
            SignInRefused::Failed(cause) => Self::unavailable(cause),
        }
    }

    /// A second factor was not accepted again.
    #[must_use]
    pub fn confirm(refused: &SignInRefused, now: Timestamp) -> Self {
        match refused {
            SignInRefused::Wrong => {
                let detail = "The code is wrong. A code works once: wait for the next one.";
                Self::new(422, "code_incorrect", "The code is wrong", detail)
            }
            other => Self::sign_in(other, now),
        }
    }

    /// Nobody was enrolled.
    #[must_use]
    pub fn enrol(refused: &EnrolRefused, now: Timestamp) -> Self {
        match refused {
            EnrolRefused::Unknown => {
                let detail = "This link is over, or was used already. Ask whoever invited you for a new one.";
                Self::new(404, "not_found", "There is no such invitation", detail)
            }
            EnrolRefused::Password(weak) => Self::field("password", &weak.to_string()),
            EnrolRefused::CodeWrong => {
                let detail =
                    "The code is wrong. Scan the picture, then type the six digits that are shown now.";
                Self::new(422, "code_incorrect", "The code is wrong", detail)
            }
            EnrolRefused::Early(until) => early(*until, now),
            EnrolRefused::Busy(_) => Self::busy(),
            EnrolRefused::Failed(cause) => Self::unavailable(cause),
        }
    }

    /// A password was not changed.
    #[must_use]
    pub fn password(refused: &EnrolRefused, now: Timestamp) -> Self {
        match refused {
            EnrolRefused::CodeWrong | EnrolRefused::Unknown => {
                Self::new(422, "code_incorrect", "Nothing was changed", "The old password is wrong.")
            }
            other => Self::enrol(other, now),
        }
    }

    /// The team stays as it is.
    #[must_use]
    pub fn team(refused: &TeamRefused) -> Self {
        match refused {
            TeamRefused::NotFound => Self::not_found(),
            TeamRefused::NameTaken => {
                Self::new(409, "name_taken", "The name is taken", "Another admin has this name.")
            }
            TeamRefused::LastAdmin => {
                let detail =
                    "Nobody would be left who manages the team. Give somebody else the role `admin` first.";
                Self::new(409, "last_admin", "This is the last admin", detail)
            }
            TeamRefused::Exceeds => exceeds(),
            TeamRefused::Failed(cause) => Self::unavailable(cause),
        }
    }

    /// What cannot be the name of an admin.
    #[must_use]
    pub fn admin_name() -> Self {
        Self::field("name", "must be 1 to 64 of a-z, 0-9, . _ - @")
    }

    /// A token that nobody could make sense of; `None` for one that can be made.
    #[must_use]
    pub fn token_request(request: &TokenRequest) -> Option<Self> {
        if !(1..=100).contains(&request.name.chars().count()) {
            return Some(Self::field("name", "must be 1 to 100 characters"));
        }
        if request.roles.is_empty() {
            return Some(Self::field("roles", "must name a role at least"));
        }
        let too_long = request.lifetime > TOKEN_LIFETIME || request.lifetime.is_zero();
        too_long.then(|| Self::token(&TokenRefused::TooLong))
    }

    /// No token was made.
    #[must_use]
    pub fn token(refused: &TokenRefused) -> Self {
        match refused {
            TokenRefused::TooLong => Self::field("days", "must be 1 to 366"),
            TokenRefused::Exceeds => exceeds(),
            TokenRefused::Failed(cause) => Self::unavailable(cause),
        }
    }
}

fn early(until: Timestamp, now: Timestamp) -> Problem {
    let problem = Problem::new(429, "sign_in_too_early", "Too many attempts have failed", "");
    let mut problem = problem.with("limit", "admin_sign_ins").until(until, now);
    let seconds = problem.retry_after.unwrap_or_default();
    problem.detail = match seconds {
        ..=90 => format!("Too many attempts have failed. Try again in {seconds} seconds."),
        _ => format!("Too many attempts have failed. Try again in {} minutes.", (seconds + 59) / 60),
    };
    problem
}

fn exceeds() -> Problem {
    let detail = "Nobody hands out roles that may do more than their own.";
    Problem::new(403, "not_permitted", "You may not hand this out", detail)
}
