//! Attempts that several filters let through, of which neither is rare.
//!
//! Going along one and looking at the other on the way may mean to look at everything. So it goes along an index of
//! both, once for each gateway and status that may be meant, and merges what it finds.

use super::finding::{Attempt, AttemptFilter, Depth, FIND, Row};
use crate::store::{Store, StoreError, read};

/// Every status that is kept.
const STATUSES: [&str; 4] = ["pending", "approved", "exhausted", "refused"];

/// The newest places of one gateway and status. Binds: cursor, from, how many, gateway, status, block, country.
macro_rules! places {
    ($by:literal) => {
        concat!(
            "SELECT started_at, attempt_id FROM attempts
            WHERE (started_at, attempt_id) < ($1, $2) AND started_at >= $3 AND gateway = $5 AND status = $6 AND ",
            $by,
            " ORDER BY started_at DESC, attempt_id DESC LIMIT $4"
        )
    };
}

/// The next gateway by name that has attempts in a block.
const NEXT_OF_BLOCK4: &str = "SELECT MIN(gateway) FROM attempts WHERE block4 = $1 AND gateway > $2";
const NEXT_OF_BLOCK6: &str = "SELECT MIN(gateway) FROM attempts WHERE block6 = $1 AND gateway > $2";

/// How attempts of several filters are found.
struct Mixed<'a> {
    places: &'static str,
    block: Option<(&'a Vec<u8>, &'static str)>,
}

impl<'a> Mixed<'a> {
    /// `None` where one filter, or an index of its own, does.
    const fn of(filter: &'a AttemptFilter, depth: Depth) -> Option<Self> {
        if filter.number.is_some() || filter.account.is_some() || filter.source.is_some() {
            return None;
        }
        let more = filter.gateway.is_some() || filter.status.is_some() || filter.country.is_some();
        let country = filter.country.is_some();
        let (places, block) = match (&filter.block, depth) {
            (Some(block), Depth::Four) if more && country => {
                (places!("block4 = $7 AND country = $8"), Some((block, NEXT_OF_BLOCK4)))
            }
            (Some(block), Depth::Four) if more => {
                (places!("block4 = $7 AND $8 IS NULL"), Some((block, NEXT_OF_BLOCK4)))
            }
            (Some(block), Depth::Six) if more && country => {
                (places!("block6 = $7 AND country = $8"), Some((block, NEXT_OF_BLOCK6)))
            }
            (Some(block), Depth::Six) if more => {
                (places!("block6 = $7 AND $8 IS NULL"), Some((block, NEXT_OF_BLOCK6)))
            }
            (None, _) if country && filter.gateway.is_some() => {
                (places!("$7 IS NULL AND country = $8"), None)
            }
            _ => return None,
        };
        Some(Self { places, block })
    }
}

impl Store {
    /// Up to `limit` attempts that a filter lets through, the newest first; `None` where one index finds them.
    pub(super) async fn find_mixed_attempts(
        &self,
        filter: &AttemptFilter,
        depth: Depth,
        limit: i64,
    ) -> Result<Option<Vec<Attempt>>, StoreError> {
        let Some(Mixed { places, block }) = Mixed::of(filter, depth) else { return Ok(None) };
        let gateways = match (&filter.gateway, block) {
            (Some(gateway), _) => vec![gateway.clone()],
            (None, Some((block, next))) => self.gateways_of_block(block, next).await?,
            (None, None) => return Ok(None),
        };
        let statuses = match &filter.status {
            Some(status) => vec![status.clone()],
            None => STATUSES.map(ToOwned::to_owned).to_vec(),
        };
        let mut kinds = Vec::new();
        for gateway in gateways {
            kinds.extend(statuses.iter().map(|status| (gateway.clone(), status.clone())));
        }
        let mut found: Vec<(i64, Vec<u8>)> = Vec::new();
        for (gateway, status) in kinds {
            let places: Vec<(i64, Vec<u8>)> = read!(self, conn => {
                sqlx::query_as(places)
                    .bind(filter.before.started_at)
                    .bind(filter.before.id.as_slice())
                    .bind(filter.from)
                    .bind(limit)
                    .bind(&gateway)
                    .bind(&status)
                    .bind(block.map(|(block, _)| block))
                    .bind(&filter.country)
                    .fetch_all(conn)
                    .await?
            });
            found.extend(places);
        }
        found.sort_by(|one, other| other.cmp(one));
        found.truncate(usize::try_from(limit).unwrap_or_default());
        self.attempts_of(&found).await.map(Some)
    }

    async fn gateways_of_block(&self, block: &[u8], next: &'static str) -> Result<Vec<String>, StoreError> {
        let mut gateways = vec![String::new()];
        while let Some(last) = gateways.last() {
            let found: Option<String> = read!(self, conn => {
                sqlx::query_scalar(next).bind(block).bind(last).fetch_one(conn).await?
            });
            let Some(found) = found else { break };
            gateways.push(found);
        }
        Ok(gateways)
    }

    async fn attempts_of(&self, places: &[(i64, Vec<u8>)]) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<Row> = read!(self, conn => {
            let mut rows = Vec::with_capacity(places.len());
            for (_, id) in places {
                rows.extend(sqlx::query_as(FIND).bind(id).fetch_optional(&mut *conn).await?);
            }
            rows
        });
        rows.into_iter().map(Row::read).collect()
    }
}
