//! What stands around every page.

use super::assets;
use crate::admins::AdminCaller;
use crate::model::admin::Permission;
use jiff::Timestamp;

/// The sections of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Section {
    /// What happens now.
    Now,
    /// Attempts to prove a number.
    Verifications,
    /// Countries and prefixes.
    Countries,
    /// Who delivers codes.
    Gateways,
    /// Registered numbers.
    Accounts,
    /// What was done, by whom.
    Audit,
    /// Admins and API tokens.
    Team,
    /// The admin's own settings, in no menu.
    Own,
}

impl Section {
    /// Those in the menu, in its order.
    pub(in crate::http) const ALL: [Self; 7] = [
        Self::Now,
        Self::Verifications,
        Self::Countries,
        Self::Gateways,
        Self::Accounts,
        Self::Audit,
        Self::Team,
    ];

    /// What it is called.
    pub(in crate::http) const fn title(self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::Verifications => "Verifications",
            Self::Countries => "Countries",
            Self::Gateways => "Gateways",
            Self::Accounts => "Accounts",
            Self::Audit => "Audit log",
            Self::Team => "Team",
            Self::Own => "You",
        }
    }

    /// Where it is.
    pub(in crate::http) const fn path(self) -> &'static str {
        match self {
            Self::Now => "/admin/now",
            Self::Verifications => "/admin/verifications",
            Self::Countries => "/admin/countries",
            Self::Gateways => "/admin/gateways",
            Self::Accounts => "/admin/accounts",
            Self::Audit => "/admin/audit",
            Self::Team => "/admin/team",
            Self::Own => "/admin/you",
        }
    }

    /// Who sees it.
    pub(in crate::http) const fn permission(self) -> Permission {
        match self {
            Self::Now | Self::Own => Permission::SeeNow,
            Self::Verifications => Permission::SeeVerifications,
            Self::Countries => Permission::SeeGuard,
            Self::Gateways => Permission::SeeGateways,
            Self::Accounts => Permission::SeeAccounts,
            Self::Audit => Permission::SeeAuditLog,
            Self::Team => Permission::SeeTeam,
        }
    }
}

/// The frame of a page for somebody who has signed in; templates call it `frame`.
pub(in crate::http) struct Frame {
    /// The section that the page is in.
    pub(in crate::http) section: Section,
    /// The sections that the admin may see.
    pub(in crate::http) menu: Vec<Section>,
    /// The admin's name.
    pub(in crate::http) name: String,
    /// The admin's roles, separated by blanks.
    pub(in crate::http) roles: String,
    /// What every form carries as `form_token`.
    pub(in crate::http) form_token: String,
    /// `light`, `dark`, or nothing where the browser's own counts.
    pub(in crate::http) theme: &'static str,
    /// Whether a second factor was given just now.
    pub(in crate::http) fresh: bool,
    caller: AdminCaller,
}

impl Frame {
    pub(in crate::http) fn new(
        caller: &AdminCaller,
        section: Section,
        theme: &'static str,
        now: Timestamp,
    ) -> Self {
        Self {
            section,
            menu: Section::ALL.into_iter().filter(|section| caller.may(section.permission())).collect(),
            name: caller.name.clone(),
            roles: caller.roles.to_string(),
            form_token: caller.form_token().map(|token| token.expose().to_owned()).unwrap_or_default(),
            theme,
            fresh: caller.is_fresh(now),
            caller: caller.clone(),
        }
    }

    /// Whether the admin may do this; by the permission's word, such as `reveal`.
    pub(in crate::http) fn may(&self, word: &str) -> bool {
        Permission::parse(word).is_some_and(|permission| self.caller.may(permission))
    }

    /// The path of a file of the console.
    #[expect(clippy::unused_self, reason = "templates ask the frame")]
    pub(in crate::http) fn asset(&self, file: &str) -> String {
        assets::path(file)
    }
}

/// The frame of a page for somebody who has not.
pub(in crate::http) struct Outside {
    /// What the page is called.
    pub(in crate::http) title: &'static str,
    /// `light`, `dark`, or nothing where the browser's own counts.
    pub(in crate::http) theme: &'static str,
}

impl Outside {
    /// The path of a file of the console.
    #[expect(clippy::unused_self, reason = "templates ask the frame")]
    pub(in crate::http) fn asset(&self, file: &str) -> String {
        assets::path(file)
    }
}
