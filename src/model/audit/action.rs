//! The catalogue of what can happen.

use serde::{Serialize, Serializer};

/// How much an event matters to whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// What the service is there for.
    Info,
    /// A refusal, or somebody's change to how the service works.
    Notice,
    /// What another admin should know of.
    Warning,
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal $level:ident,)*) => {
        /// What can happen, by its dotted name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $($(#[doc = $doc])+ $variant,)* }

        impl Action {
            /// Each of them, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it says.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)* }
            }

            /// How much it matters.
            #[must_use]
            pub const fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }
        }
    };
}

actions! {
    /// A verification was started; its first code is on its way, or waits for a challenge (`reason`).
    VerificationStarted = "verification.started" Info,
    /// Nothing was started and nothing sent: `reason` names the limit. At most one a minute of a number and reason.
    VerificationRefused = "verification.refused" Notice,
    /// The challenge before a send was solved and the code is on its way.
    ChallengeSolved = "verification.challenge_solved" Info,
    /// A challenge now stands before the next send.
    ChallengeDue = "verification.challenge_due" Notice,
    /// The code was sent once more.
    SentAgain = "verification.sent_again" Info,
    /// Nothing was sent once more: `reason` names the limit. At most one a minute of a number and reason.
    SendRefused = "verification.send_refused" Notice,
    /// A wrong code was entered.
    CodeWrong = "verification.code_wrong" Notice,
    /// The right code was entered: the number is proven.
    VerificationApproved = "verification.approved" Info,
    /// The right code was entered once more, and the grant answered again.
    ApprovalRepeated = "verification.approval_repeated" Info,
    /// A gateway took a message.
    DeliverySent = "delivery.sent" Info,
    /// No gateway took a message.
    DeliveryFailed = "delivery.failed" Notice,
    /// Nobody knows whether a gateway took a message: it is not sent again.
    DeliveryUnknown = "delivery.unknown" Notice,
    /// A message arrived.
    DeliveryDelivered = "delivery.delivered" Info,
    /// A message did not arrive.
    DeliveryUndelivered = "delivery.undelivered" Notice,
    /// A grant was spent on an account that is new.
    AccountRegistered = "account.registered" Info,
    /// A grant was spent on one more device of an account.
    DeviceAdded = "account.device_added" Info,
    /// A grant was spent on an account that is new, and the number's old one ended: the number has passed on.
    AccountReplaced = "account.replaced" Notice,
    /// An account was listed in the directory, or hidden.
    AccountVisibility = "account.visibility_changed" Info,
    /// An account was erased with all that is kept of its person.
    AccountErased = "account.erased" Notice,
    /// An account was locked: its devices are refused and its number cannot go on with it.
    AccountLocked = "account.locked" Warning,
    /// A locked account may be used again.
    AccountUnlocked = "account.unlocked" Warning,
    /// A device was revoked.
    DeviceRevoked = "device.revoked" Notice,
    /// What limits had counted of a number was cleared.
    NumberUnblocked = "number.unblocked" Warning,
    /// An admin looked a person up by the whole number.
    PersonSearched = "person.searched" Notice,
    /// An admin was shown a whole number.
    PersonRevealed = "person.revealed" Warning,
    /// What is kept of a person was exported.
    PersonExported = "person.exported" Warning,
    /// All that was kept of a number was erased at the host, with or without an account.
    PersonErased = "person.erased" Warning,
    /// A country or prefix was allowed, blocked or watched.
    PolicySet = "policy.set" Warning,
    /// What was said of a country or prefix was taken back.
    PolicyRemoved = "policy.removed" Warning,
    /// All sending was stopped.
    SendingPaused = "sending.paused" Warning,
    /// Sending goes on.
    SendingResumed = "sending.resumed" Warning,
    /// The next epoch of the directory is prepared.
    EpochAdded = "epoch.added" Notice,
    /// An epoch of the directory has begun.
    EpochStarted = "epoch.started" Notice,
    /// An epoch of the directory is over.
    EpochEnded = "epoch.ended" Notice,
    /// A version of a key was added; nothing uses it yet.
    KeyAdded = "key.added" Warning,
    /// Another version of a key is in use.
    KeyUsed = "key.used" Warning,
    /// Nothing is under a version of a key any more.
    KeyRetired = "key.retired" Notice,
    /// The database was restored from a backup.
    DatabaseRestored = "database.restored" Warning,
    /// An admin was made on the host.
    AdminCreated = "admin.created" Warning,
    /// An admin was invited by another.
    AdminInvited = "admin.invited" Warning,
    /// An admin set a password and a second factor.
    AdminEnrolled = "admin.enrolled" Warning,
    /// An admin signed in.
    AdminSignedIn = "admin.signed_in" Info,
    /// Somebody failed to sign in.
    AdminSignInFailed = "admin.sign_in_failed" Notice,
    /// An admin signed out.
    AdminSignedOut = "admin.signed_out" Info,
    /// An admin's sessions were ended.
    AdminSessionsEnded = "admin.sessions_ended" Notice,
    /// An admin's second factor was shown once more.
    AdminSteppedUp = "admin.stepped_up" Info,
    /// An admin set another password.
    AdminPasswordChanged = "admin.password_changed" Warning,
    /// An admin made other recovery codes; the old ones are void.
    AdminRecoveryCodesRenewed = "admin.recovery_codes_renewed" Warning,
    /// An admin's roles were changed.
    AdminRolesChanged = "admin.roles_changed" Warning,
    /// An admin was disabled.
    AdminDisabled = "admin.disabled" Warning,
    /// An admin was enabled again.
    AdminEnabled = "admin.enabled" Warning,
    /// An admin's password and second factor were reset, on the host or by another admin.
    AdminRecovered = "admin.recovered" Warning,
    /// A token for machines was made.
    ApiTokenCreated = "api_token.created" Warning,
    /// A token for machines was revoked.
    ApiTokenRevoked = "api_token.revoked" Warning,
    /// Verifications were taken out as a table, their numbers masked; `changes` are the filters.
    VerificationsExported = "verification.exported" Notice,
    /// The audit log was exported.
    AuditExported = "audit.exported" Notice,
}

impl Action {
    /// The action of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name)
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_has_a_name_of_its_own_and_says_what_it_means() {
        let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(*action));
            assert!(action.meaning().ends_with('.') && action.as_str().contains('.'), "{action:?}");
        }
    }
}
