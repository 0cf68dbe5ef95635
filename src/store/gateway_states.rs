//! How the servers find their gateways: each says it of its own, and whoever looks at one sees all.

use super::error::Table;
use super::{Ending, Store, StoreError, read, run, transact};
use jiff::Timestamp;

const TABLE: Table = Table("gateway_states");
const REPORT: &str = "INSERT INTO gateway_states (node_id, gateway, failures, open_until, seen_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (node_id, gateway)
    DO UPDATE SET failures = excluded.failures, open_until = excluded.open_until, seen_at = excluded.seen_at";
const FORGET: &str = "DELETE FROM gateway_states WHERE seen_at <= $1";
const SEEN: &str = "SELECT gateway, failures, open_until FROM gateway_states
    WHERE seen_at > $1 ORDER BY gateway, node_id";

/// How a server finds a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayState {
    /// The gateway's configured name.
    pub gateway: String,
    /// How often in a row it failed.
    pub failures: u32,
    /// Until when it is passed over, if it is; past that, one message at a time tries it.
    pub open_until: Option<Timestamp>,
}

type Row = (String, i64, Option<i64>);

impl Store {
    /// Says how a server finds its gateways, and forgets what was said last at `old` or before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_gateways(
        &self,
        node: [u8; 16],
        states: &[GatewayState],
        (old, now): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        transact!(self, tx => {
            for state in states {
                let open = state.open_until.map(Timestamp::as_millisecond);
                let failures = i64::from(state.failures);
                run!(tx, REPORT, node.as_slice(), &state.gateway, failures, open, now.as_millisecond());
            }
            run!(tx, FORGET, old.as_millisecond());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// What servers said of their gateways after a time, by gateway.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn gateway_states(&self, after: Timestamp) -> Result<Vec<GatewayState>, StoreError> {
        let rows: Vec<Row> =
            read!(self, conn => sqlx::query_as(SEEN).bind(after.as_millisecond()).fetch_all(conn).await?);
        let state = |(gateway, failures, open): Row| {
            let failures = TABLE.some("failures", u32::try_from(failures).ok())?;
            Ok(GatewayState { gateway, failures, open_until: TABLE.time_if("open_until", open)? })
        };
        rows.into_iter().map(state).collect()
    }
}
