//! Challenges: what somebody must solve before a code is sent where sending has become suspicious.

use super::words::words;

words!(
    /// Who sets a challenge and judges its solution.
    ChallengeKind {
        /// Proof of work, set and judged here ([`super::altcha`]).
        Altcha = "altcha",
        /// Cloudflare Turnstile.
        Turnstile = "turnstile",
        /// hCaptcha.
        Hcaptcha = "hcaptcha",
    }
);
