//! Twilio's error codes, as its error dictionary explains them, and what a client can do about each.

use crate::model::delivery::FailureReason;
use crate::sender::SendError;

/// What an answer comes to that accepted nothing; after one of 5xx, Twilio may have accepted it all the same.
pub(super) fn refusal(status: u16, code: Option<u32>) -> SendError {
    if status >= 500 {
        return SendError::NoAnswer;
    }
    let reason = code.and_then(reason).unwrap_or(match status {
        429 => FailureReason::Throttled,
        300..=399 | 401 | 403 | 404 => FailureReason::Misconfigured,
        _ => FailureReason::Other,
    });
    SendError::Refused { reason, status, code }
}

/// Why a message that was accepted did not arrive, by the `ErrorCode` of its report.
pub(super) fn of_delivery(code: Option<u32>) -> FailureReason {
    code.and_then(reason).unwrap_or(FailureReason::Other)
}

/// Why a call could not be made, by the SIP status of its report (RFC 3261).
pub(super) fn of_call(sip: Option<u32>) -> FailureReason {
    match sip {
        Some(404 | 484 | 604) => FailureReason::InvalidNumber,
        Some(403) => FailureReason::RegionNotEnabled,
        Some(603 | 607 | 608) => FailureReason::Blocked,
        Some(408 | 480 | 486 | 487 | 600) => FailureReason::Unreachable,
        _ => FailureReason::Other,
    }
}

/// What a code says; `None` for one that tells no more than the HTTP status.
///
/// A pair of numbers that Twilio cannot connect (21612) may still be connected by another gateway, so it does not
/// count as the number's.
fn reason(code: u32) -> Option<FailureReason> {
    Some(match code {
        13_223 | 13_224 | 13_226 | 21_201 | 21_202 | 21_211 | 21_217 | 21_265 | 21_401 | 21_421 | 30_005 => {
            FailureReason::InvalidNumber
        }
        21_614 | 21_635 | 30_006 | 60_205 => FailureReason::Landline,
        21_214 | 30_003 => FailureReason::Unreachable,
        21_610 => FailureReason::OptedOut,
        30_450 | 60_410 | 60_605 => FailureReason::Fraud,
        13_225 | 21_216 | 30_004 | 30_007 | 30_038 | 60_238 => FailureReason::Blocked,
        13_227 | 21_203 | 21_215 | 21_408 | 21_612 => FailureReason::RegionNotEnabled,
        14_107 | 20_429 | 21_611 | 30_001 | 30_022 | 30_023 => FailureReason::Throttled,
        30_017 | 30_410 => FailureReason::Outage,
        code if is_misconfiguration(code) => FailureReason::Misconfigured,
        30_036 => FailureReason::Expired,
        _ => return None,
    })
}

/// The account, its secret, its sender, the sender's registration, or the request itself.
const fn is_misconfiguration(code: u32) -> bool {
    matches!(
        code,
        10_001 | 20_003..=20_008 | 20_403 | 20_404 | 21_210 | 21_212 | 21_219 | 21_602 | 21_603
            | 21_605..=21_609 | 21_617 | 21_659..=21_661 | 21_701..=21_712
            | 30_002 | 30_018 | 30_024 | 30_032 | 30_034 | 30_035 | 30_040
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureReason::{
        Blocked, Expired, Fraud, InvalidNumber, Landline, Misconfigured, OptedOut, Other, RegionNotEnabled,
        Throttled, Unreachable,
    };

    /// HTTP status, Twilio's code, what it comes to.
    const REFUSALS: [(u16, u32, FailureReason); 22] = [
        (400, 21211, InvalidNumber),
        (400, 21217, InvalidNumber),
        (400, 21614, Landline),
        (400, 21635, Landline),
        (403, 60205, Landline),
        (400, 21610, OptedOut),
        (400, 30450, Fraud),
        (403, 60410, Fraud),
        (403, 21216, Blocked),
        (400, 21408, RegionNotEnabled),
        (403, 21215, RegionNotEnabled),
        (400, 21612, RegionNotEnabled),
        (400, 21611, Throttled),
        (429, 20429, Throttled),
        (401, 20003, Misconfigured),
        (404, 20404, Misconfigured),
        (400, 21606, Misconfigured),
        (400, 21608, Misconfigured),
        (400, 21703, Misconfigured),
        (400, 99_999, Other),
        (429, 99_999, Throttled),
        (403, 99_999, Misconfigured),
    ];

    /// The `ErrorCode` of a report, what it comes to, and whether another gateway could help.
    const REPORTS: [(u32, FailureReason, bool); 9] = [
        (30003, Unreachable, false),
        (30004, Blocked, false),
        (30005, InvalidNumber, false),
        (30006, Landline, false),
        (30007, Blocked, false),
        (30008, Other, true),
        (30034, Misconfigured, true),
        (30036, Expired, false),
        (30450, Fraud, false),
    ];

    #[test]
    fn a_refusal_says_what_can_be_done_about_it() {
        for (status, code, reason) in REFUSALS {
            let code = Some(code);
            assert_eq!(refusal(status, code), SendError::Refused { reason, status, code });
        }
        for (status, reason) in
            [(400, Other), (401, Misconfigured), (404, Misconfigured), (302, Misconfigured), (429, Throttled)]
        {
            assert_eq!(refusal(status, None), SendError::Refused { reason, status, code: None });
        }
    }

    #[test]
    fn a_failure_of_twilios_own_may_have_accepted_the_message() {
        for (status, code) in [(500, Some(20_500)), (502, None), (503, Some(20_503)), (504, None)] {
            assert_eq!(refusal(status, code), SendError::NoAnswer);
        }
    }

    #[test]
    fn a_report_says_why_and_whether_another_gateway_could_help() {
        for (code, reason, elsewhere) in REPORTS {
            assert_eq!(of_delivery(Some(code)), reason);
            assert_eq!(!reason.is_final(), elsewhere, "{code}");
        }
        assert_eq!(of_delivery(None), Other);
    }

    #[test]
    fn a_call_that_failed_says_why_by_its_sip_status() {
        for (sip, reason) in
            [(404, InvalidNumber), (403, RegionNotEnabled), (480, Unreachable), (603, Blocked), (503, Other)]
        {
            assert_eq!(of_call(Some(sip)), reason);
        }
        assert_eq!(of_call(None), Other);
    }
}
