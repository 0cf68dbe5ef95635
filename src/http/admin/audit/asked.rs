//! Which entries of the audit log are asked for.

use crate::audit::ExportFormat;
use crate::http::Problem;
use crate::http::admin::time;
use crate::model::audit::Action;
use crate::store::LogFilter;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Entries of a page at most.
const LONGEST_PAGE: u32 = 200;
const PAGE: u32 = 50;

/// Filters of the audit log; what is not given does not matter.
#[derive(Debug, Clone, Default, Deserialize, IntoParams, ToSchema)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct AuditQuery {
    /// Actions of a kind, `verification`, or one action, `verification.approved`.
    pub(in crate::http) action: Option<String>,
    /// `success`, `refused` or `failed`.
    pub(in crate::http) outcome: Option<String>,
    /// Who did it: `operator`, or which one, `admin:` and the name of the admin's row.
    pub(in crate::http) actor: Option<String>,
    /// The country of the number (ISO 3166).
    pub(in crate::http) country: Option<String>,
    /// A person, by the random name in the entries.
    pub(in crate::http) subject: Option<String>,
    /// Not before this time (RFC 3339).
    pub(in crate::http) from: Option<String>,
    /// Before this time (RFC 3339).
    pub(in crate::http) until: Option<String>,
    /// Below this place: `next` of the page before.
    pub(in crate::http) before: Option<u64>,
    /// Entries of the page, 1 to 200; 50 if not given.
    pub(in crate::http) limit: Option<u32>,
}

/// Which entries to export, and how they are written.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct ExportBody {
    /// `jsonl`, `csv` or `ocsf`.
    format: String,
    #[serde(flatten)]
    pub(in crate::http) query: AuditQuery,
}

impl ExportBody {
    /// How entries are written.
    pub(in crate::http) fn format(&self) -> Result<ExportFormat, Problem> {
        format(&self.format)
    }
}

/// The format of that name.
pub(in crate::http) fn format(word: &str) -> Result<ExportFormat, Problem> {
    match word {
        "jsonl" => Ok(ExportFormat::Jsonl),
        "csv" => Ok(ExportFormat::Csv),
        "ocsf" => Ok(ExportFormat::Ocsf),
        _ => Err(Problem::field("format", "must be jsonl, csv or ocsf")),
    }
}

impl AuditQuery {
    /// What the log is asked for.
    pub(in crate::http) fn filter(&self) -> Result<LogFilter, Problem> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (kind, action) = match given(&self.action) {
            Some(action) if action.contains('.') => (None, Some(action)),
            kind => (kind, None),
        };
        if action.as_deref().is_some_and(|action| Action::parse(action).is_none()) {
            return Err(Problem::field("action", "is none of the catalogue"));
        }
        let outcome = given(&self.outcome);
        if outcome.as_deref().is_some_and(|word| !["success", "refused", "failed"].contains(&word)) {
            return Err(Problem::field("outcome", "must be success, refused or failed"));
        }
        Ok(LogFilter {
            area: kind,
            action,
            outcome,
            actor: given(&self.actor),
            subject: given(&self.subject).map(|text| subject(&text)).transpose()?,
            country: given(&self.country).map(|country| country.to_uppercase()),
            from: given(&self.from).map(|text| time("from", &text)).transpose()?,
            until: given(&self.until).map(|text| time("until", &text)).transpose()?,
        })
    }

    /// How many entries.
    pub(in crate::http) fn page(&self) -> Result<i64, Problem> {
        let limit = self.limit.unwrap_or(PAGE);
        if (1..=LONGEST_PAGE).contains(&limit) {
            Ok(i64::from(limit))
        } else {
            Err(Problem::field("limit", "must be 1 to 200"))
        }
    }
}

fn subject(text: &str) -> Result<Vec<u8>, Problem> {
    let read = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 16);
    read.ok_or_else(|| Problem::field("subject", "must be the 22 characters that entries name a person by"))
}
