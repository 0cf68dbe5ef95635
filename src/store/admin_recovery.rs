//! Recovery codes: each works once in place of a code of the second factor.

use super::admins::of_admin;
use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::audit::Action;
use crate::model::id::AdminId;
use jiff::Timestamp;

pub(super) const ADD_RECOVERY: &str =
    "INSERT INTO admin_recovery_codes (admin_id, code_hash) VALUES ($1, $2)";
pub(super) const FORGET_RECOVERY: &str = "DELETE FROM admin_recovery_codes WHERE admin_id = $1";
const RECOVERY_LEFT: &str =
    "SELECT COUNT(*) FROM admin_recovery_codes WHERE admin_id = $1 AND used_at IS NULL";

impl Store {
    /// How many recovery codes an admin has left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_codes_left(&self, id: AdminId) -> Result<u64, StoreError> {
        let id = id.as_bytes().as_slice();
        let left: i64 =
            read!(self, conn => sqlx::query_scalar(RECOVERY_LEFT).bind(id).fetch_one(conn).await?);
        Table("admin_recovery_codes").some("count", u64::try_from(left).ok())
    }

    /// Gives an admin other recovery codes; the old ones are void.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_recovery_codes(
        &self,
        admin: AdminId,
        recovery: &[[u8; 32]],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = admin.as_bytes().as_slice();
        transact!(self, tx => {
            run!(tx, FORGET_RECOVERY, id);
            for code in recovery {
                run!(tx, ADD_RECOVERY, id, code.as_slice());
            }
            note!(self, tx, now, of_admin(Action::AdminRecoveryCodesRenewed, admin));
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
