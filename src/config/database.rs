//! The database, and how long it is waited for.

use super::Database;
use crate::store::{Connections, DatabaseUrl};
use std::time::Duration;

/// A shorter wait would refuse what is only far away.
const SHORTEST: Duration = Duration::from_millis(100);

impl Database {
    /// The connections to PostgreSQL.
    #[must_use]
    pub fn connections(&self) -> Connections {
        Connections {
            count: self.connections,
            request_timeout: self.request_timeout.get(),
            statement_timeout: self.statement_timeout.get(),
        }
    }

    /// Every rule that these settings break.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.connections == 0 {
            problems.push("database.connections must be at least 1".to_owned());
        }
        let (request, statement) = (self.request_timeout.get(), self.statement_timeout.get());
        if request < SHORTEST || statement < request {
            problems.push(
                "database.request_timeout must be at least 100ms, and database.statement_timeout at least as long"
                    .to_owned(),
            );
        }
        if let Err(cause) = DatabaseUrl::parse(self.url.expose()) {
            problems.push(format!("database.url {cause}"));
        }
        problems
    }
}
