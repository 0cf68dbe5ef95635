//! Entries that several filters let through, of which neither is rare.
//!
//! Going along one and looking at the other on the way may mean to look at everything. So it goes along an index of
//! all of them, once for each actor, action and outcome that may be meant, and merges what it finds.

use super::log::{LogFilter, Row};
use crate::store::{Store, StoreError, read};
use jiff::Timestamp;

const OUTCOMES: [&str; 3] = ["success", "refused", "failed"];
const AT: &str = "SELECT idx, event_id, leaf, entry FROM audit_log WHERE idx = $1";
const NEXT_ACTOR: &str = "SELECT MIN(actor) FROM audit_log WHERE country = $1 AND actor > $2";

/// The next action by name. Binds: the last, actor, country.
macro_rules! next_action {
    ($by:literal) => {
        concat!("SELECT MIN(action) FROM audit_log WHERE action > $1 AND ", $by)
    };
}

/// The newest places of one action and outcome. Binds: these, places from and until, times from and until, how many,
/// actor, country.
macro_rules! places {
    ($by:literal) => {
        concat!(
            "SELECT idx FROM audit_log WHERE action = $1 AND outcome = $2 AND idx >= $3 AND idx < $4
            AND at >= $5 AND at < $6 AND ",
            $by,
            " ORDER BY idx DESC LIMIT $7"
        )
    };
}

/// How entries of several filters are found: the statements for the next action and for places.
#[derive(Clone, Copy)]
pub(super) struct Mixed {
    next_action: &'static str,
    places: &'static str,
}

const OF_ALL: Mixed = Mixed {
    next_action: next_action!("$2 IS NULL AND $3 IS NULL"),
    places: places!("$8 IS NULL AND $9 IS NULL"),
};
const OF_ACTOR: Mixed = Mixed {
    next_action: next_action!("actor = $2 AND $3 IS NULL"),
    places: places!("actor = $8 AND $9 IS NULL"),
};
const OF_COUNTRY: Mixed = Mixed {
    next_action: next_action!("actor = $2 AND country = $3"),
    places: places!("actor = $8 AND country = $9"),
};

/// What may be meant.
struct Kind {
    actor: Option<String>,
    action: String,
    outcome: String,
}

impl Mixed {
    /// `None` where a filter names only one thing, or a person.
    pub(super) const fn of(filter: &LogFilter) -> Option<Self> {
        let what = filter.action.is_some() || filter.area.is_some() || filter.outcome.is_some();
        match filter {
            LogFilter { subject: Some(_), .. } => None,
            LogFilter { actor, country: Some(_), .. } if what || actor.is_some() => Some(OF_COUNTRY),
            LogFilter { actor: Some(_), .. } if what => Some(OF_ACTOR),
            LogFilter { action, area, outcome: Some(_), .. } if action.is_some() || area.is_some() => {
                Some(OF_ALL)
            }
            _ => None,
        }
    }
}

impl Store {
    /// Up to `limit` entries between two places, the newest first.
    pub(super) async fn find_mixed_entries(
        &self,
        (filter, mixed): (&LogFilter, Mixed),
        (from, until): (i64, i64),
        limit: i64,
    ) -> Result<Vec<Row>, StoreError> {
        let time = |time: Option<Timestamp>, open: i64| time.map_or(open, Timestamp::as_millisecond);
        let (since, before) = (time(filter.from, i64::MIN), time(filter.until, i64::MAX));
        let mut found: Vec<i64> = Vec::new();
        for Kind { actor, action, outcome } in self.kinds_of(filter, mixed).await? {
            let places: Vec<i64> = read!(self, conn => {
                sqlx::query_scalar(mixed.places)
                    .bind(&action)
                    .bind(&outcome)
                    .bind(from)
                    .bind(until)
                    .bind(since)
                    .bind(before)
                    .bind(limit)
                    .bind(&actor)
                    .bind(&filter.country)
                    .fetch_all(conn)
                    .await?
            });
            found.extend(places);
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.truncate(usize::try_from(limit).unwrap_or_default());
        Ok(read!(self, conn => {
            let mut rows: Vec<Row> = Vec::with_capacity(found.len());
            for idx in &found {
                rows.extend(sqlx::query_as(AT).bind(idx).fetch_optional(&mut *conn).await?);
            }
            rows
        }))
    }

    /// What may be meant: whatever the log has, be it of another version.
    async fn kinds_of(&self, filter: &LogFilter, mixed: Mixed) -> Result<Vec<Kind>, StoreError> {
        let actors = match (&filter.actor, &filter.country) {
            (None, Some(country)) => self.actors_of(country).await?.into_iter().map(Some).collect(),
            (actor, _) => vec![actor.clone()],
        };
        let outcomes = match &filter.outcome {
            Some(outcome) => vec![outcome.clone()],
            None => OUTCOMES.map(ToOwned::to_owned).to_vec(),
        };
        let mut kinds = Vec::new();
        for actor in actors {
            for action in self.actions_of(filter, mixed, actor.as_ref()).await? {
                kinds.extend(outcomes.iter().map(|outcome| Kind {
                    actor: actor.clone(),
                    action: action.clone(),
                    outcome: outcome.clone(),
                }));
            }
        }
        Ok(kinds)
    }

    async fn actors_of(&self, country: &str) -> Result<Vec<String>, StoreError> {
        let (mut actors, mut last) = (Vec::new(), String::new());
        loop {
            let next: Option<String> = read!(self, conn => {
                sqlx::query_scalar(NEXT_ACTOR).bind(country).bind(&last).fetch_one(conn).await?
            });
            let Some(next) = next else { return Ok(actors) };
            actors.push(next.clone());
            last = next;
        }
    }

    async fn actions_of(
        &self,
        filter: &LogFilter,
        mixed: Mixed,
        actor: Option<&String>,
    ) -> Result<Vec<String>, StoreError> {
        if let Some(action) = &filter.action {
            return Ok(vec![action.clone()]);
        }
        let area = filter.area.as_ref().map(|area| format!("{area}."));
        let (mut actions, mut last) = (Vec::new(), area.clone().unwrap_or_default());
        loop {
            let next: Option<String> = read!(self, conn => {
                let next = sqlx::query_scalar(mixed.next_action).bind(&last).bind(actor).bind(&filter.country);
                next.fetch_one(conn).await?
            });
            let next = next.filter(|next| area.as_ref().is_none_or(|area| next.starts_with(area)));
            let Some(next) = next else { return Ok(actions) };
            actions.push(next.clone());
            last = next;
        }
    }
}
