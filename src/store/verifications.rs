//! Verifications as rows: written, found, forgotten.

use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::audit::{Action, Note};
use crate::model::counter::Counter;
use crate::model::delivery::Channel;
use crate::model::guard::Subject;
use crate::model::id::VerificationId;
use crate::model::keys::NumberIndex;
use crate::model::secret::HashedSecret;
use crate::model::verification::{Awaiting, MessageTemplate, Verification};
use jiff::Timestamp;

pub(super) const TABLE: Table = Table("verifications");

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    verification_id: Vec<u8>,
    secret_hash: Vec<u8>,
    number_index: Vec<u8>,
    number_sealed: Vec<u8>,
    locale: Option<String>,
    app_hash: Option<String>,
    web_origin: Option<String>,
    code_length: i64,
    checks: i64,
    checks_limit: i64,
    created_at: i64,
    expires_at: i64,
    resend_at: i64,
    approved_at: Option<i64>,
    grant_used_at: Option<i64>,
    country: Option<String>,
    prefix: Option<Vec<u8>>,
    counter: String,
    sent_at: Option<i64>,
    awaiting_channel: Option<String>,
    awaiting_nonce: Option<Vec<u8>>,
    awaiting_difficulty: Option<i64>,
    rejected_at: Option<i64>,
    key_version: i64,
}

impl Row {
    pub(super) fn read(self) -> Result<Verification, StoreError> {
        Ok(Verification {
            awaiting: self.awaiting()?,
            id: TABLE.some("verification_id", VerificationId::from_slice(&self.verification_id))?,
            secret: TABLE.some("secret_hash", HashedSecret::from_slice(&self.secret_hash))?,
            number_index: TABLE.some("number_index", NumberIndex::from_slice(&self.number_index))?,
            number_sealed: self.number_sealed,
            template: MessageTemplate {
                locale: self.locale,
                app_hash: self.app_hash,
                web_origin: self.web_origin,
            },
            code_length: TABLE.some("code_length", u8::try_from(self.code_length).ok())?,
            checks: self.checks,
            checks_limit: self.checks_limit,
            created_at: TABLE.time("created_at", self.created_at)?,
            expires_at: TABLE.time("expires_at", self.expires_at)?,
            resend_at: TABLE.time("resend_at", self.resend_at)?,
            approved_at: TABLE.time_if("approved_at", self.approved_at)?,
            grant_used_at: TABLE.time_if("grant_used_at", self.grant_used_at)?,
            country: self.country,
            prefix: self.prefix.as_deref().and_then(Subject::from_slice),
            counter: TABLE.some("counter", Counter::parse(&self.counter))?,
            sent_at: TABLE.time_if("sent_at", self.sent_at)?,
            rejected_at: TABLE.time_if("rejected_at", self.rejected_at)?,
            key_version: TABLE.some("key_version", u8::try_from(self.key_version).ok())?,
        })
    }

    fn awaiting(&self) -> Result<Option<Awaiting>, StoreError> {
        let (Some(channel), Some(nonce)) = (&self.awaiting_channel, &self.awaiting_nonce) else {
            return Ok(None);
        };
        let difficulty = self.awaiting_difficulty.map(|difficulty| u32::try_from(difficulty).ok());
        Ok(Some(Awaiting {
            channel: TABLE.some("awaiting_channel", Channel::parse(channel))?,
            nonce: TABLE.some("awaiting_nonce", nonce.as_slice().try_into().ok())?,
            difficulty: difficulty
                .map(|difficulty| TABLE.some("awaiting_difficulty", difficulty))
                .transpose()?,
        }))
    }
}

/// The columns of a [`Row`], by name: a statement of `*` that is prepared fails once a newer version adds a column.
macro_rules! columns {
    () => {
        "verification_id, secret_hash, number_index, number_sealed, locale, app_hash, web_origin, \
         code_length, checks, checks_limit, created_at, expires_at, resend_at, approved_at, \
         grant_used_at, country, prefix, counter, sent_at, awaiting_channel, awaiting_nonce, \
         awaiting_difficulty, rejected_at, key_version"
    };
}
pub(super) use columns;

pub(super) const INSERT: &str =
    "INSERT INTO verifications (verification_id, secret_hash, number_index, number_sealed, locale, app_hash,
    web_origin, code_length, checks, checks_limit, created_at, expires_at, resend_at, repeats_left, country,
    prefix, counter, sent_at, awaiting_channel, awaiting_nonce, awaiting_difficulty, key_version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, 0, $13, $14, $15, $16, $17, $18, $19, $20)";
pub(super) const FIND: &str =
    concat!("SELECT ", columns!(), " FROM verifications WHERE verification_id = $1");
const AWAIT: &str = "UPDATE verifications SET awaiting_channel = $2, awaiting_nonce = $3,
    awaiting_difficulty = $4 WHERE verification_id = $1";
const END_OLD_DELIVERIES: &str = "DELETE FROM deliveries WHERE verification_id IN
    (SELECT verification_id FROM verifications WHERE expires_at < $1)";
/// What was never sent is over with its code.
const END_OLD: &str =
    "DELETE FROM verifications WHERE expires_at < $1 OR (sent_at IS NULL AND expires_at < $2)";

/// Writes a verification in the transaction `$tx`.
macro_rules! insert_verification {
    ($tx:ident, $v:expr) => {{
        use $crate::store::verifications::INSERT;
        let v = $v;
        let awaiting = v.awaiting.as_ref();
        let difficulty = awaiting.and_then(|awaiting| awaiting.difficulty).map(i64::from);
        run!(
            $tx,
            INSERT,
            v.id.as_bytes().as_slice(),
            v.secret.as_bytes().as_slice(),
            v.number_index.as_bytes().as_slice(),
            &v.number_sealed,
            &v.template.locale,
            &v.template.app_hash,
            &v.template.web_origin,
            i64::from(v.code_length),
            v.checks_limit,
            v.created_at.as_millisecond(),
            v.expires_at.as_millisecond(),
            v.resend_at.as_millisecond(),
            &v.country,
            v.prefix.as_ref().map(|prefix| prefix.as_bytes().as_slice()),
            v.counter.as_str(),
            v.sent_at.map(Timestamp::as_millisecond),
            awaiting.map(|awaiting| awaiting.channel.as_str()),
            awaiting.map(|awaiting| awaiting.nonce.as_slice()),
            difficulty,
            i64::from(v.key_version),
        );
    }};
}

pub(super) use insert_verification;

/// What the audit log says of a verification.
pub(super) fn of_verification(action: Action, v: &Verification) -> Note {
    Note::new(action).of_number(&v.number_index).verification(v.id).country(v.country.as_deref())
}

impl Store {
    /// The verification of that name, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verification(&self, id: VerificationId) -> Result<Option<Verification>, StoreError> {
        let row: Option<Row> = read!(self, conn => {
            sqlx::query_as(FIND).bind(id.as_bytes().as_slice()).fetch_optional(conn).await?
        });
        row.map(Row::read).transpose()
    }

    /// Forgets every verification that ended before `time` with its deliveries, and what was never sent
    /// already where it ended before `unsent`: how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_verifications(&self, time: Timestamp, unsent: Timestamp) -> Result<u64, StoreError> {
        Ok(transact!(self.at_length(), tx => {
            run!(tx, END_OLD_DELIVERIES, time.as_millisecond());
            Ok(Ending::Commit(run!(tx, END_OLD, time.as_millisecond(), unsent.as_millisecond())))
        }))
    }

    /// Keeps in mind that a send of a verification waits for a challenge.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn await_challenge(
        &self,
        verification: &Verification,
        awaiting: &Awaiting,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (key, channel) = (verification.id.as_bytes().as_slice(), awaiting.channel.as_str());
        let (nonce, difficulty) = (awaiting.nonce.as_slice(), awaiting.difficulty.map(i64::from));
        transact!(self, tx => {
            run!(tx, AWAIT, key, channel, nonce, difficulty);
            let note = of_verification(Action::ChallengeDue, verification).channel(channel);
            note!(self, tx, now, note);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
