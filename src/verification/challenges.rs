//! Challenges: what opens the way where a send has become suspicious.

use super::again::sendable;
use super::decisions::challenged;
use super::refusals::{Shut, ready_at};
use super::{Failure, Limited, SendRefused, Starter, Verifications, number_of};
use crate::captcha::CaptchaError;
use crate::model::altcha::{self, AltchaChallenge};
use crate::model::challenge::ChallengeKind;
use crate::model::counter::Due;
use crate::model::entropy::random_bytes;
use crate::model::source::Source;
use crate::model::verification::{Awaiting, Proof, Verification};
use crate::store::{BucketState, Refusal, SendOrder, SendOutcome};
use jiff::Timestamp;

/// A challenge that may be solved now.
#[derive(Debug, Clone)]
pub enum OpenChallenge {
    /// A proof of work.
    Altcha(AltchaChallenge),
    /// A captcha of that kind, shown by its site key.
    Captcha(ChallengeKind, String),
}

impl Verifications {
    /// Sets the challenge that an order needs, as hard as the guard is empty. Where both lanes are empty only
    /// a captcha opens the way, and without one the destination is paused.
    pub(super) async fn challenge(
        &self,
        order: &SendOrder,
        promised: Timestamp,
        limit: Limited,
        now: Timestamp,
    ) -> Result<Awaiting, SendRefused> {
        if limit.due == Due::Guard
            && let Some(shut) = self.shut(order, now).await?
        {
            let refusal = self.paused(shut, now).await?;
            return Err(self.refusal(order, promised, refusal).await?);
        }
        let second = self.store.buckets(&order.second, now).await?;
        let first = self.store.buckets(&order.first, now).await?;
        let passable = ready_at(&first, now) <= now || ready_at(&second, now) <= now;
        let work = passable || !order.enforce || self.captchas.offered().next().is_none();
        let nonce = random_bytes();
        self.worthwhile(order, promised, if work { Proof::Work } else { Proof::Captcha }).await?;
        challenged(&order.country, limit);
        let deficit = second.iter().map(|bucket| bucket.deficit).fold(0.0, f64::max);
        let difficulty = work.then(|| altcha::difficulty(deficit));
        Ok(Awaiting { channel: order.delivery.channel, nonce, difficulty })
    }

    /// Pauses a bucket that is empty in both lanes. Where each lane lacks another one, coming back will do; and
    /// the quota of test numbers only waits.
    async fn paused(&self, shut: Shut, now: Timestamp) -> Result<Refusal, SendRefused> {
        let Some(BucketState { toll, .. }) = shut.empty else { return Ok(shut.refusal) };
        let until = self.store.pause_destination(toll.subject, shut.until, now).await?;
        Ok(Refusal::Destination { level: toll.level, until })
    }

    /// Nobody shall solve a challenge for a send that another limit then refuses.
    async fn worthwhile(
        &self,
        order: &SendOrder,
        promised: Timestamp,
        proof: Proof,
    ) -> Result<(), SendRefused> {
        let proven = SendOrder { proof: Some((proof, [0; 16])), ..order.clone() };
        match self.store.probe_send(&proven, &self.policy.sends, promised).await? {
            SendOutcome::Refused(refusal) => Err(self.refusal(&proven, promised, refusal).await?),
            SendOutcome::ChallengeDue(..) => match self.shut(order, order.delivery.at).await? {
                Some(shut) => Err(self.refusal(&proven, promised, shut.refusal).await?),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The challenges of which one must be solved before the awaited code is sent.
    pub(super) fn open_challenges(&self, verification: &Verification) -> Vec<OpenChallenge> {
        let Some(awaiting) = &verification.awaiting else { return Vec::new() };
        let work = awaiting.difficulty.map(|difficulty| {
            let (id, expires) = (verification.id, verification.expires_at);
            OpenChallenge::Altcha(altcha::challenge(
                self.keys.token(),
                id,
                expires,
                difficulty,
                awaiting.nonce,
            ))
        });
        let captchas = self.captchas.offered();
        work.into_iter()
            .chain(captchas.map(|(kind, site_key)| OpenChallenge::Captcha(kind, site_key.to_owned())))
            .collect()
    }

    /// Judges a solution; the right one sends the awaited code.
    ///
    /// # Errors
    /// [`SendRefused`]; a right solution that a limit refuses can be shown again.
    pub async fn solve(
        &self,
        starter: &Starter,
        kind: ChallengeKind,
        solution: &str,
        source: &Source,
        now: Timestamp,
    ) -> Result<(), SendRefused> {
        let solved = self.solve_awaited(starter, (kind, solution), source, now).await;
        if let Err(refused) = &solved {
            let number = number_of(&self.keys, &starter.verification)?;
            self.write_down(refused, &number, Some(starter.verification.id), now).await;
        }
        solved
    }

    async fn solve_awaited(
        &self,
        starter: &Starter,
        (kind, solution): (ChallengeKind, &str),
        source: &Source,
        now: Timestamp,
    ) -> Result<(), SendRefused> {
        let verification = &starter.verification;
        sendable(verification, now)?;
        let Some(awaiting) = verification.awaiting else { return Err(SendRefused::ChallengeClosed) };
        let proof = self.judge_solution(starter, awaiting, (kind, solution), source, now).await?;
        self.send_proven(starter, awaiting, proof, source, now).await
    }

    async fn judge_solution(
        &self,
        starter: &Starter,
        awaiting: Awaiting,
        (kind, solution): (ChallengeKind, &str),
        source: &Source,
        now: Timestamp,
    ) -> Result<Proof, SendRefused> {
        if kind == ChallengeKind::Altcha {
            let solved = altcha::verify(self.keys.token(), starter.verification.id, solution, now);
            let fits = solved.is_some_and(|solved| {
                solved.nonce == awaiting.nonce && Some(solved.difficulty) == awaiting.difficulty
            });
            return if fits { Ok(Proof::Work) } else { Err(SendRefused::ChallengeIncorrect) };
        }
        // A captcha is spent by being judged: not for a send that a limit refuses anyway.
        let number = number_of(&self.keys, &starter.verification)?;
        let order = self.order(&starter.verification, &number, awaiting.channel, source, now);
        self.worthwhile(&order, starter.verification.promised_send(awaiting.channel), Proof::Captcha).await?;
        match self.captchas.verify(kind, solution, source.address()).await {
            Ok(true) => Ok(Proof::Captcha),
            Ok(false) => Err(SendRefused::ChallengeIncorrect),
            Err(CaptchaError::Unavailable) => Err(Failure::Captcha.into()),
        }
    }

    /// Sends the awaited code for a challenge that was solved.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing was counted then, and the proof can be shown again.
    pub async fn send_proven(
        &self,
        starter: &Starter,
        awaiting: Awaiting,
        proof: Proof,
        source: &Source,
        now: Timestamp,
    ) -> Result<(), SendRefused> {
        let verification = &starter.verification;
        let number = number_of(&self.keys, verification)?;
        let mut order = self.order(verification, &number, awaiting.channel, source, now);
        order.proof = Some((proof, awaiting.nonce));
        self.place(verification, &number, &order, now).await
    }
}
