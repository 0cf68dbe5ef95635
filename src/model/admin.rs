//! Admins: people who run the service, what each role lets them do, and the secrets they show.

mod name;
mod permission;
mod role;
mod session;

pub use name::AdminName;
pub use permission::Permission;
pub use role::{Role, Roles};
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
