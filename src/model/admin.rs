//! Admins: people who run the service, what each role lets them do, and the secrets they show.

mod api_token;
mod attempts;
mod name;
mod password;
mod permission;
mod role;
mod second_factor;
mod session;

pub use api_token::ApiToken;
pub use attempts::{ATTEMPTS_REMEMBERED, Attempts, Lane};
pub use name::AdminName;
pub use password::{HashedPassword, LONGEST_PASSWORD, Password, PasswordWeak, SHORTEST_PASSWORD};
pub use permission::Permission;
pub use role::{Role, Roles};
pub use second_factor::{RECOVERY_CODES, RecoveryCode, SecondFactor};
pub use session::FormToken;

use std::time::Duration;

/// How long a session lives without a request.
pub const SESSION_IDLE: Duration = Duration::from_mins(15);
/// How long a session lives at most.
pub const SESSION_LIFETIME: Duration = Duration::from_hours(8);
/// How long a second factor counts as fresh.
pub const SECOND_FACTOR_FRESH: Duration = Duration::from_mins(5);
/// How long an invitation or a recovery may be taken up.
pub const INVITATION_LIFETIME: Duration = Duration::from_hours(1);
/// How long a browser that has signed in is known for.
pub const BROWSER_LIFETIME: Duration = Duration::from_hours(24 * 90);
/// How long an API token may live at most.
pub const TOKEN_LIFETIME: Duration = Duration::from_hours(24 * 366);
