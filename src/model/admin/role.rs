//! Roles: what is not in their table is denied.

use super::Permission;
use crate::model::words::words;
use std::fmt;

words! {
    /// What an admin is there for.
    Role {
        /// Sees what goes on, masked.
        Viewer = "viewer",
        /// Helps people: reveals, revokes devices, unblocks numbers.
        Support = "support",
        /// Keeps abuse out: guard, countries, allow-lists, the kill switch.
        Fraud = "fraud",
        /// Reads, exports and verifies the audit log; no personal data.
        Auditor = "auditor",
        /// All of it, and the team.
        Admin = "admin",
    }
}

const VIEWER: &[Permission] =
    &[Permission::SeeNow, Permission::SeeVerifications, Permission::SeeGuard, Permission::SeeGateways];
const SUPPORT: &[Permission] = &[
    Permission::SeeNow,
    Permission::SeeVerifications,
    Permission::SearchByNumber,
    Permission::SeeAccounts,
    Permission::Reveal,
    Permission::RevokeDevice,
    Permission::LockAccount,
    Permission::UnblockNumber,
    Permission::SeeGuard,
    Permission::SeeGateways,
];
const FRAUD: &[Permission] = &[
    Permission::SeeNow,
    Permission::SeeVerifications,
    Permission::FilterByPrefix,
    Permission::SearchByNumber,
    Permission::SeeAccounts,
    Permission::LockAccount,
    Permission::SeeGuard,
    Permission::ChangeGuard,
    Permission::SwitchSending,
    Permission::SeeGateways,
];
const AUDITOR: &[Permission] = &[
    Permission::SeeNow,
    Permission::SeeGateways,
    Permission::SeeAuditLog,
    Permission::ExportAuditLog,
    Permission::VerifyAuditLog,
    Permission::SeeTeam,
];

impl Role {
    /// Everything that the role is given.
    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Viewer => VIEWER,
            Self::Support => SUPPORT,
            Self::Fraud => FRAUD,
            Self::Auditor => AUDITOR,
            Self::Admin => Permission::ALL,
        }
    }
}

/// The roles of an admin or an API token; each at most once, in the order of [`Role::ALL`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// These roles.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self(Role::ALL.iter().copied().filter(|role| roles.contains(role)).collect())
    }

    /// Reads the words of roles, separated by blanks; `None` where one is unknown.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        let roles: Option<Vec<Role>> = words.split_whitespace().map(Role::parse).collect();
        Some(Self::of(&roles?))
    }

    /// Whether one of them is given the permission.
    #[must_use]
    pub fn allow(&self, permission: Permission) -> bool {
        self.0.iter().any(|role| role.permissions().contains(&permission))
    }

    /// Whether this is among them.
    #[must_use]
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Those of them that somebody with the roles of `maker` may hand out.
    #[must_use]
    pub fn within(&self, maker: &Self) -> Self {
        Self(self.0.iter().copied().filter(|role| maker.cover(&Self::of(&[*role]))).collect())
    }

    /// Whether all of these may do what `others` may: nobody hands out more than they have.
    #[must_use]
    pub fn cover(&self, others: &Self) -> bool {
        let mut wanted = others.0.iter().flat_map(|role| role.permissions());
        wanted.all(|permission| self.allow(*permission))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Role> + '_ {
        self.0.iter().copied()
    }
}

/// The words, separated by blanks, which [`Roles::parse`] reads.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Role::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roles({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_role_is_given_is_denied() {
        for permission in Permission::ALL {
            assert!(!Roles::default().allow(*permission));
        }
        assert!(!Roles::of(&[Role::Viewer]).allow(Permission::Reveal));
    }

    #[test]
    fn an_auditor_sees_nobody() {
        let auditor = Roles::of(&[Role::Auditor]);
        for personal in [Permission::SeeAccounts, Permission::Reveal, Permission::ExportPerson] {
            assert!(!auditor.allow(personal), "{personal:?}");
        }
    }

    #[test]
    fn only_an_admin_manages_the_team() {
        for role in Role::ALL {
            assert_eq!(Roles::of(&[*role]).allow(Permission::ManageTeam), *role == Role::Admin);
        }
    }

    #[test]
    fn roles_are_written_in_one_order() {
        let roles = Roles::parse("fraud  viewer fraud");
        assert_eq!(roles.map(|roles| roles.to_string()).as_deref(), Some("viewer fraud"));
        assert_eq!(Roles::parse("viewer king"), None);
    }

    #[test]
    fn nobody_covers_more_than_they_have() {
        let (admin, support) = (Roles::of(&[Role::Admin]), Roles::of(&[Role::Support]));
        assert!(admin.cover(&support) && support.cover(&support));
        assert!(!support.cover(&admin));
    }
}
