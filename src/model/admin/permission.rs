//! What there is to be allowed.

use crate::model::words::words;

words! {
    /// One thing that an admin may do or see. A permission that no role is given is nobody's.
    Permission {
        /// What happens now: sends, approvals, refusals, spend.
        SeeNow = "see_now",
        /// Verifications, with masked numbers.
        SeeVerifications = "see_verifications",
        /// Verifications by a prefix of their numbers, no deeper than the guard's blocks.
        FilterByPrefix = "filter_by_prefix",
        /// Find what belongs to one whole number. It is written to the audit log.
        SearchByNumber = "search_by_number",
        /// Accounts and their devices, with masked numbers.
        SeeAccounts = "see_accounts",
        /// A whole number, with a reason and a fresh second factor. It is written to the audit log.
        Reveal = "reveal",
        /// End a device.
        RevokeDevice = "revoke_device",
        /// Lock an account, and let it go on.
        LockAccount = "lock_account",
        /// Let a number go on that its limits hold up.
        UnblockNumber = "unblock_number",
        /// Erase an account, with a fresh second factor.
        EraseAccount = "erase_account",
        /// All that is kept of a person, with a fresh second factor.
        ExportPerson = "export_person",
        /// Countries and prefixes: conversion, state of the guard.
        SeeGuard = "see_guard",
        /// Block, allow and watch countries and prefixes.
        ChangeGuard = "change_guard",
        /// Stop and resume all sending.
        SwitchSending = "switch_sending",
        /// Gateways: health, cost, conversion.
        SeeGateways = "see_gateways",
        /// The audit log, without personal data.
        SeeAuditLog = "see_audit_log",
        /// The audit log as a file.
        ExportAuditLog = "export_audit_log",
        /// The proofs of the audit log.
        VerifyAuditLog = "verify_audit_log",
        /// Admins and API tokens.
        SeeTeam = "see_team",
        /// Invite, change and disable admins, make API tokens; with a fresh second factor.
        ManageTeam = "manage_team",
    }
}
