//! Getting hold of a code: from the command line, the development inbox or the person at the terminal.

use super::advice::in_words;
use super::{challenge, note};
use anyhow::{Context as _, Result, bail};
use secrecy::{ExposeSecret as _, SecretString};
use std::io::{self, Write as _};
use std::time::Duration;
use tuttu::client::shapes::{Approved, Channel, InboxMessage, Started, Verification};
use tuttu::client::{Client, ClientError};
use tuttu::clock::Clock;

const INBOX_POLL: Duration = Duration::from_millis(250);
const INBOX_POLLS: u32 = 80;

/// Where the code comes from.
pub(super) enum Source {
    /// It was known beforehand.
    Given(SecretString),
    /// The development inbox will hold it, in a message after those that are there already.
    Inbox { key: SecretString, phone_number: String, seen: Option<String> },
    /// The person will type it.
    Person,
}

impl Source {
    /// The inbox as it stands before the code is sent, since an older code would cost a check.
    pub(super) async fn inbox(client: &Client, key: SecretString, phone_number: &str) -> Result<Self> {
        let before = match client.inbox(&key, phone_number).await {
            Err(error) if matches!(error.code(), Some("not_found" | "token_invalid")) => bail!(
                "the inbox cannot be read: it is there only with the inbox gateway, on the loopback address, and \
                 wants the key that the service printed when it started"
            ),
            messages => messages?,
        };
        let seen = before.into_iter().next_back().map(|message| message.id);
        Ok(Self::Inbox { key, phone_number: phone_number.to_owned(), seen })
    }
}

/// The codes of one verification.
pub(super) struct Codes<'a> {
    pub(super) client: &'a Client,
    pub(super) started: &'a Started,
    pub(super) channel: Channel,
}

impl Codes<'_> {
    /// Proves the number with a code from `source`.
    pub(super) async fn prove(&self, source: Source) -> Result<Approved> {
        let code = match source {
            Source::Given(code) => code,
            Source::Inbox { key, phone_number, seen } => {
                self.await_message(&key, &phone_number, seen).await?
            }
            Source::Person => return self.ask().await,
        };
        Ok(self.client.check_code(self.started, &code).await?)
    }

    async fn await_message(
        &self,
        key: &SecretString,
        number: &str,
        seen: Option<String>,
    ) -> Result<SecretString> {
        for _ in 0..INBOX_POLLS {
            let newest = self.client.inbox(key, number).await?.into_iter().next_back();
            if let Some(message) = newest.filter(|message| Some(&message.id) != seen.as_ref()) {
                return code_in(&message).context("the newest message in the inbox holds no code");
            }
            tokio::time::sleep(INBOX_POLL).await;
        }
        bail!("no code has come to the inbox: look at the log of the service, then run the command again")
    }

    async fn ask(&self) -> Result<Approved> {
        let mut state = self.started.verification.clone();
        loop {
            let Some(code) =
                read_line(&format!("Code ({} digits; empty line: send again): ", state.code.length))?
            else {
                bail!("no code was given: run the command again, or pass --code");
            };
            if code.expose_secret().is_empty() {
                state = self.send_again(state).await?;
                continue;
            }
            match self.client.check_code(self.started, &code).await {
                Ok(approved) => return Ok(approved),
                Err(error) => state = after_wrong_code(error, state)?,
            }
        }
    }

    async fn send_again(&self, state: Verification) -> Result<Verification> {
        if let Some(wait) = wait_for(&state, self.channel) {
            note(&format!("It can be sent again in {}.", in_words(wait)));
            return Ok(state);
        }
        match self.client.send_again(self.started, self.channel).await {
            Ok(state) => {
                note("The same code is on its way again.");
                Ok(state)
            }
            Err(refusal) if refusal.code() == Some("challenge_required") => {
                let passed = challenge::pass(self.client, refusal, Some(&self.started.secret)).await?;
                note("The same code is on its way again.");
                Ok(passed.verification)
            }
            Err(ClientError::Refused { title, retry_after: Some(wait), .. }) => {
                note(&format!("{title}; it can be sent again in {}.", in_words(wait)));
                Ok(state)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The state after a code that was wrong or no code at all; an error when there is no other try.
fn after_wrong_code(error: ClientError, before: Verification) -> Result<Verification> {
    let state = match &error {
        ClientError::Refused { verification, .. } => verification.as_deref().cloned().unwrap_or(before),
        _ => before,
    };
    match error.code() {
        Some("code_incorrect") if state.code.checks_left > 0 => {
            note(&format!("That is not the code. Tries left: {}.", state.code.checks_left));
            Ok(state)
        }
        Some("code_incorrect") => {
            bail!("that was not the code, and no try is left: run the command again for a new one")
        }
        Some("field_invalid") => {
            note(&format!("A code has {} digits. That try was free.", state.code.length));
            Ok(state)
        }
        _ => Err(error.into()),
    }
}

fn wait_for(state: &Verification, channel: Channel) -> Option<Duration> {
    let wait = state.sendable_from(channel)?.duration_since(Clock::System.now());
    Duration::try_from(wait).ok().filter(|wait| !wait.is_zero())
}

/// A line from the person; none at the end of input.
fn read_line(prompt: &str) -> Result<Option<SecretString>> {
    let mut screen = io::stderr().lock();
    write!(screen, "{prompt}")?;
    screen.flush()?;
    let mut line = String::new();
    let length = io::stdin().read_line(&mut line)?;
    let digits: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    Ok((length > 0).then(|| digits.into()))
}

/// The first run of 6 to 8 digits that stands alone.
fn code_in(message: &InboxMessage) -> Option<SecretString> {
    let mut runs = message.text.expose_secret().split(|c: char| !c.is_ascii_digit());
    runs.find(|run| (6..=8).contains(&run.len())).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::code_in;
    use secrecy::ExposeSecret as _;
    use tuttu::client::shapes::InboxMessage;

    fn code(text: &str) -> Option<String> {
        let message = InboxMessage { id: "1".into(), text: text.into() };
        code_in(&message).map(|code| code.expose_secret().to_owned())
    }

    #[test]
    fn the_code_is_the_run_of_six_to_eight_digits() {
        assert_eq!(code("Tuttu: 123456 on koodisi").as_deref(), Some("123456"));
        assert_eq!(
            code("Call 112 or 0401234567890: 87654321.\n@tuttu.example #87654321").as_deref(),
            Some("87654321")
        );
        assert_eq!(code("no code in 12345"), None);
    }
}
