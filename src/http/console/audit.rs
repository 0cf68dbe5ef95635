//! The audit log: found, watched, proven, exported.

use super::{Frame, Page, PageRefused, Section, again};
use crate::audit::Verified;
use crate::http::admin::audit::{AuditQuery, at, export_of, format, verified};
use crate::http::admin::{Fields, Permit, rights};
use crate::http::extract::Name;
use crate::http::{Problem, Services};
use crate::model::audit::{Action, Entry, Level, Outcome};
use crate::store::{Anchored, Head, LogPage, LoggedEntry};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the address of the page says besides the filters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Shown {
    /// Whether new entries come by themselves.
    live: Option<String>,
    /// Only the rows, for a page that is there.
    part: Option<String>,
}

/// An entry as a row shows it.
struct Row {
    index: u64,
    entry: Entry,
    actor: String,
}

impl Row {
    fn new(logged: &LoggedEntry, names: &BTreeMap<String, String>) -> Option<Self> {
        let entry = Entry::parse(&logged.entry)?;
        let id = entry.actor.id.as_deref().unwrap_or_default();
        let known = names.get(id).map_or(id, String::as_str);
        let actor = format!("{} {known}", entry.actor.kind).trim_end().to_owned();
        Some(Self { index: logged.idx, actor, entry })
    }

    /// How much it matters, as a class and a word.
    fn state(&self) -> &'static str {
        match (self.entry.outcome, self.entry.known_action().map(Action::level)) {
            (Outcome::Failed, _) => "bad",
            (Outcome::Refused, _) | (_, Some(Level::Warning)) => "warn",
            _ => "good",
        }
    }
}

/// The rows of the page alone.
#[derive(Template)]
#[template(path = "audit-rows.html", config = "src/http/console/askama.toml")]
struct Rows {
    rows: Vec<Row>,
}

/// The page of the log.
#[derive(Template)]
#[template(path = "audit.html", config = "src/http/console/askama.toml")]
struct LogPageView {
    frame: Frame,
    rows: Vec<Row>,
    /// The filters that are set, as hidden fields of the export's form.
    fields: Vec<(&'static str, String)>,
    areas: BTreeSet<&'static str>,
    actions: &'static [Action],
    /// The filters as the address says them.
    address: String,
    live: bool,
    older: Option<u64>,
    status: Status,
    error: String,
}

/// How the log fares.
struct Status {
    head: Option<Head>,
    pending: u64,
    anchors: Vec<(&'static str, Anchored)>,
    now: Timestamp,
}

impl Status {
    async fn of(services: &Services, now: Timestamp) -> Result<Self, Problem> {
        let (pending, anchors) = (services.audit.waiting().await?, services.audit.anchored().await?);
        Ok(Self { head: services.audit.checkpoint().await?, pending, anchors, now })
    }

    /// How many entries the log has.
    fn size(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.edge.size())
    }

    /// How long ago the newest checkpoint was signed, in words.
    fn age(&self) -> String {
        let Some(head) = &self.head else { return "nothing is signed yet".to_owned() };
        match self.now.duration_since(head.signed_at).as_secs().max(0) {
            seconds @ 0..120 => format!("{seconds} s ago"),
            seconds @ 120..7_200 => format!("{} min ago", seconds / 60),
            seconds => format!("{} h ago", seconds / 3_600),
        }
    }
}

impl LogPageView {
    /// What a filter is set to; nothing where it is not.
    fn asked(&self, name: &str) -> &str {
        let mut set = self.fields.iter().filter(|(field, _)| *field == name);
        set.next().map_or("", |(_, value)| value)
    }

    /// Whether a filter is set to that.
    fn is(&self, name: &str, value: &str) -> bool {
        self.asked(name) == value
    }
}

/// The filters that are given, by their names.
fn fields(query: &AuditQuery) -> Vec<(&'static str, String)> {
    let all = [
        ("action", &query.action),
        ("outcome", &query.outcome),
        ("actor", &query.actor),
        ("country", &query.country),
        ("subject", &query.subject),
        ("from", &query.from),
        ("until", &query.until),
    ];
    let given = all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    given.filter(|(_, value)| !value.is_empty()).collect()
}

/// The admins' names, by the names of their rows.
async fn names(services: &Services) -> Result<BTreeMap<String, String>, Problem> {
    let team = services.admins.team().await?;
    Ok(team.into_iter().map(|admin| (admin.id.to_string(), admin.name.to_string())).collect())
}

/// `GET /admin/audit`.
pub(in crate::http) async fn page(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeAuditLog>,
    Query(query): Query<AuditQuery>,
    Query(shown): Query<Shown>,
) -> Result<Response, PageRefused> {
    // What cannot be understood shows everything, and says so.
    let filter = query.filter().unwrap_or_default();
    let (names, limit) = (names(&services).await?, query.page().unwrap_or(50));
    let found = services.audit.find(&filter, LogPage::Before(query.before), limit).await?;
    let rows: Vec<Row> = found.iter().filter_map(|logged| Row::new(logged, &names)).collect();
    if shown.part.is_some() {
        return Ok(Page(Rows { rows }).into_response());
    }
    let full = i64::try_from(found.len()).is_ok_and(|found| found == limit);
    let status = Status::of(&services, permit.now).await?;
    let error = query.filter().err();
    let page = LogPageView {
        older: found.last().map(|last| last.idx).filter(|last| full && *last > 0),
        frame: permit.frame(Section::Audit),
        rows,
        areas: Action::ALL.iter().filter_map(|action| action.as_str().split('.').next()).collect(),
        actions: Action::ALL,
        address: form_urlencoded::Serializer::new(String::new()).extend_pairs(fields(&query)).finish(),
        fields: fields(&query),
        live: shown.live.is_some() && query.before.is_none(),
        status,
        error: error.as_ref().map(|problem| problem.detail().to_owned()).unwrap_or_default(),
    };
    Ok(match error {
        None => Page(page).into_response(),
        Some(problem) => again(page, &problem),
    })
}

/// One entry, with all that it says.
#[derive(Template)]
#[template(path = "audit-entry.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct EntryPage {
    frame: Frame,
    row: Row,
    meaning: &'static str,
    leaf: String,
    json: String,
}

/// `GET /admin/audit/{index}`.
pub(in crate::http) async fn entry(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeAuditLog>,
    Name(index): Name,
) -> Result<Page<EntryPage>, PageRefused> {
    let logged = at(&services, &index).await?;
    let row = Row::new(&logged, &names(&services).await?).ok_or_else(Problem::not_found)?;
    let json = serde_json::to_string_pretty(&row.entry).unwrap_or_default();
    let meaning = row.entry.known_action().map_or("", Action::meaning);
    let leaf = hex::encode(logged.leaf.0);
    Ok(Page(EntryPage { frame: permit.frame(Section::Audit), row, meaning, leaf, json }))
}

/// What a verification has found.
#[derive(Template)]
#[template(path = "audit-verified.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct VerifiedPage {
    frame: Frame,
    found: Verified,
    keys: Vec<String>,
}

/// `POST /admin/audit/verify`.
pub(in crate::http) async fn verify(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::VerifyAuditLog>,
) -> Result<Page<VerifiedPage>, PageRefused> {
    let found = verified(&services).await?;
    let keys = services.audit.public_keys().await.map_err(Problem::from)?;
    let keys = keys.iter().map(|key| format!("{key:?}")).collect();
    Ok(Page(VerifiedPage { frame: permit.frame(Section::Audit), found, keys }))
}

/// `POST /admin/audit/export`.
pub(in crate::http) async fn export(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::ExportAuditLog>,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let field = |name: &str| Some(fields.text(name).to_owned()).filter(|value| !value.is_empty());
    let query = AuditQuery {
        action: field("action"),
        outcome: field("outcome"),
        actor: field("actor"),
        country: field("country"),
        subject: field("subject"),
        from: field("from"),
        until: field("until"),
        ..AuditQuery::default()
    };
    let format = format(fields.text("format"))?;
    Ok(export_of(&services, query.filter()?, format, permit.now).await?)
}
