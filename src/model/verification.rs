//! A verification: one attempt to prove a number, and what may still happen to it.

use super::code::{Code, CodeUnderivable, Guess};
use super::counter::Counter;
use super::delivery::Channel;
use super::grant::Grant;
use super::guard::Subject;
use super::id::VerificationId;
use super::keys::{KeyRing, NumberIndex, SecretKey};
use super::ledger::Hardness;
use super::number::PhoneNumber;
use super::sealed::Place;
use super::secret::HashedSecret;
use super::words::words;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a grant is good after its verification was approved.
pub const GRANT_LIFETIME: Duration = Duration::from_mins(10);

/// How often the right code is answered again after the approval, for clients whose answer was lost.
pub const APPROVAL_REPEATS: i64 = 3;

/// How much life a code must have left to be worth sending again.
pub const RESEND_MARGIN: Duration = Duration::from_mins(2);

/// Where a verification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A code is out; checks are left.
    Pending,
    /// The number is proven.
    Approved,
    /// The code's life ended first.
    Expired,
    /// Every check was spent on wrong codes.
    Exhausted,
}

/// One attempt to prove a number.
#[derive(Debug, Clone)]
pub struct Verification {
    /// Its public name.
    pub id: VerificationId,
    /// The digest of the secret that every later call must show.
    pub secret: HashedSecret,
    /// Finds the number's rows.
    pub number_index: NumberIndex,
    /// The number in E.164, sealed for [`Verification::number_place`].
    pub number_sealed: Vec<u8>,
    /// How its code travels.
    pub template: MessageTemplate,
    /// Digits of its code.
    pub code_length: u8,
    /// Checks spent.
    pub checks: i64,
    /// Checks in all.
    pub checks_limit: i64,
    /// When it was started.
    pub created_at: Timestamp,
    /// When its code ends.
    pub expires_at: Timestamp,
    /// When another send was promised.
    pub resend_at: Timestamp,
    /// When the right code came.
    pub approved_at: Option<Timestamp>,
    /// When its grant was spent.
    pub grant_used_at: Option<Timestamp>,
    /// The country of its number.
    pub country: Option<String>,
    /// Its number less the last six digits.
    pub prefix: Option<Subject>,
    /// Among whose sends it counts.
    pub counter: Counter,
    /// When its first code was sent; until then there is none to be guessed.
    pub sent_at: Option<Timestamp>,
    /// The send that waits for a challenge.
    pub awaiting: Option<Awaiting>,
    /// Since when its last message is known to be rejected.
    pub rejected_at: Option<Timestamp>,
    /// The version of the key that derives its code and its grant.
    pub key_version: u8,
}

words! {
    /// What a channel waits for before it may carry a code again.
    WaitReason {
        /// The wait after the send before.
        ResendWait = "resend_wait",
        /// A call waits for the message before it.
        SmsFirst = "sms_first",
    }
}

/// A send that waits for a challenge to be solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaiting {
    /// How the code shall travel.
    pub channel: Channel,
    /// What the solution must be for: a proof opens the way once.
    pub nonce: [u8; 16],
    /// How hard the proof of work is; without one, only a captcha opens the way.
    pub difficulty: Option<u32>,
}

/// The kind of challenge that was solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A proof of work, which machines solve as well: it opens the guard's second lane.
    Work,
    /// A captcha, which passes the guard also where both its lanes are empty.
    Captcha,
}

/// What the message of a verification is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageTemplate {
    /// BCP 47 tag of its language, chosen when the verification is started, so that every send speaks alike.
    pub locale: Option<String>,
    /// Android SMS Retriever hash, 11 characters.
    pub app_hash: Option<String>,
    /// WebOTP host.
    pub web_origin: Option<String>,
}

/// What came of one counted check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The code is right.
    Right,
    /// The code is wrong.
    Wrong,
}

impl Verification {
    /// Where the sealed number of a verification lies.
    #[must_use]
    pub const fn number_place(id: &VerificationId) -> Place<'_> {
        Place { table: "verifications", column: "number_sealed", row: id.as_bytes() }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match self {
            Self { approved_at: Some(_), .. } => Status::Approved,
            Self { checks, checks_limit, .. } if checks >= checks_limit => Status::Exhausted,
            Self { expires_at, .. } if *expires_at <= now => Status::Expired,
            _ => Status::Pending,
        }
    }

    /// Checks that are left at `now`; none once it is over.
    #[must_use]
    pub fn checks_left(&self, now: Timestamp) -> i64 {
        match self.status(now) {
            Status::Pending => self.checks_limit - self.checks,
            _ => 0,
        }
    }

    /// Makes its code as hard to guess as that.
    pub fn harden(&mut self, hardness: Hardness) {
        (self.code_length, self.checks_limit) = (hardness.digits, hardness.checks);
    }

    /// Derives its code.
    ///
    /// # Errors
    /// [`CodeUnderivable`] where its code length is none, or its version of the key is not there.
    pub fn code(&self, keys: &KeyRing) -> Result<Code, CodeUnderivable> {
        let key = self.key(keys)?;
        Code::derive(&key, self.id, self.code_length)
    }

    /// Derives its grant, which only an approved one may be given.
    ///
    /// # Errors
    /// [`CodeUnderivable`] where its version of the key is not there.
    pub fn grant(&self, keys: &KeyRing) -> Result<Grant, CodeUnderivable> {
        let key = self.key(keys)?;
        Ok(Grant::derive(&key, self.id))
    }

    fn key(&self, keys: &KeyRing) -> Result<Arc<SecretKey>, CodeUnderivable> {
        keys.version(self.key_version).ok_or(CodeUnderivable::KeyMissing(self.key_version))
    }

    /// Judges a guess against its code. The check is already spent, so every verdict has cost one.
    #[must_use]
    pub fn judge(&self, guess: &Guess, code: &Code) -> Verdict {
        if code.matches(guess) { Verdict::Right } else { Verdict::Wrong }
    }

    /// Whether its code lives long enough after `now` to be worth sending again.
    #[must_use]
    pub fn can_resend(&self, now: Timestamp) -> bool {
        self.status(now) == Status::Pending && self.worth_sending_at(now)
    }

    /// Whether its code will have life enough left at `time` to be worth sending.
    #[must_use]
    pub fn worth_sending_at(&self, time: Timestamp) -> bool {
        time + RESEND_MARGIN <= self.expires_at
    }

    /// The earliest time at which `channel` may carry the code to `number` again.
    #[must_use]
    pub fn not_before(&self, channel: Channel, number: &PhoneNumber) -> Timestamp {
        self.promised_at(channel).max(self.channel_opens_at(channel, number))
    }

    /// When the waits allow `channel` again: a call at once where the message before it was rejected.
    #[must_use]
    pub fn promised_at(&self, channel: Channel) -> Timestamp {
        match self.rejected_at {
            Some(rejected_at) if channel == Channel::Voice => rejected_at.min(self.resend_at),
            _ => self.resend_at,
        }
    }

    /// The send that it was promised, if a first one has happened; else the end of time.
    #[must_use]
    pub fn promised_send(&self, channel: Channel) -> Timestamp {
        self.sent_at.map_or(Timestamp::MAX, |_| self.promised_at(channel))
    }

    /// What `channel` waits for until it may carry the code to `number` again, if it waits at `now`.
    #[must_use]
    pub fn waits_for(&self, channel: Channel, number: &PhoneNumber, now: Timestamp) -> Option<WaitReason> {
        let (promised_at, opens_at) = (self.promised_at(channel), self.channel_opens_at(channel, number));
        let reason = if opens_at > promised_at { WaitReason::SmsFirst } else { WaitReason::ResendWait };
        (promised_at.max(opens_at) > now).then_some(reason)
    }

    /// When `channel` is there at all: a call waits for the message before it, but to a landline and where that
    /// message was rejected.
    #[must_use]
    pub fn channel_opens_at(&self, channel: Channel, number: &PhoneNumber) -> Timestamp {
        if channel == Channel::Voice && number.can_receive_sms() && self.rejected_at.is_none() {
            self.sent_at.map_or(self.expires_at, |sent_at| sent_at + super::delivery::VOICE_DELAY)
        } else {
            self.created_at
        }
    }
}
