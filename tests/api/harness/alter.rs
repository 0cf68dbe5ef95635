//! What the server never does to its own database.

use super::Engine;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

impl Engine {
    /// Runs a statement on a connection of its own; says how many rows it touched.
    pub(crate) async fn alter(self, url: &str, statement: &'static str, binds: &[&[u8]]) -> u64 {
        macro_rules! run {
            ($connection:ty) => {{
                let mut connection = <$connection>::connect(url).await.unwrap();
                let bound =
                    binds.iter().fold(sqlx::query(statement), |query, bind| query.bind(bind.to_vec()));
                bound.execute(&mut connection).await.unwrap().rows_affected()
            }};
        }
        match self {
            Self::Sqlite => run!(SqliteConnection),
            Self::Postgres => run!(PgConnection),
        }
    }
}
