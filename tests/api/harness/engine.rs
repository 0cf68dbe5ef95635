//! A fresh database on either engine.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::path::Path;

/// The two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Names a PostgreSQL server where databases may be made; `scripts/test` starts one.
const SERVER: &str = "TUTTU_TEST_POSTGRES";

/// The role under which nodes serve that own no tables.
#[allow(dead_code, reason = "only some of the tests that share this file look at roles")]
pub(crate) const SERVING: &str = "tuttu_serving";

impl Engine {
    /// The URL of an empty database.
    pub(crate) async fn fresh_database(self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}", folder.join("tuttu.db").display()),
            Self::Postgres => {
                let name = format!("tuttu_{}", uuid::Uuid::new_v4().simple());
                administer(&format!("CREATE DATABASE {name}")).await;
                format!("{}/{name}", server())
            }
        }
    }

    /// The URL by which the serving role reaches a database; the role is made if it is not there.
    #[allow(dead_code, reason = "only some of the tests that share this file look at roles")]
    pub(crate) async fn let_serve(self, url: &str) -> String {
        administer(&format!(
            "DO $$ BEGIN CREATE ROLE {SERVING} LOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        ))
        .await;
        url.replacen("postgres@", &format!("{SERVING}@"), 1)
    }

    /// Drops the database of a URL that [`Engine::fresh_database`] gave.
    pub(crate) async fn drop_database(self, url: &str) {
        if let (Self::Postgres, Some((_, name))) = (self, url.rsplit_once('/')) {
            administer(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| panic!("{SERVER} is not set: run the tests by scripts/test"))
}

async fn administer(statement: &str) {
    let mut connection = PgConnection::connect(&format!("{}/postgres", server())).await.unwrap();
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
}
