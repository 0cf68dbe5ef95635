//! The development gateway: messages stay in memory, where `/try` and the command line read them.

use super::OutgoingMessage;
use crate::model::delivery::Channel;
use crate::model::id::DeliveryId;
use crate::model::message::MessageText;
use crate::model::number::PhoneNumber;
use jiff::Timestamp;
use moka::sync::Cache;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

const KEPT: usize = 20;
const NUMBERS: u64 = 10_000;
const LIFETIME: Duration = Duration::from_hours(1);

/// A message that was "delivered".
#[derive(Debug, Clone)]
pub struct InboxMessage {
    /// The delivery it is.
    pub delivery: DeliveryId,
    /// How it travelled.
    pub channel: Channel,
    /// What it says.
    pub text: MessageText,
    /// When it came.
    pub at: Timestamp,
}

/// The last messages to each number, shared by everything that holds a clone.
#[derive(Debug, Clone)]
pub struct Inbox {
    messages: Cache<PhoneNumber, Arc<VecDeque<InboxMessage>>>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { messages: Cache::builder().max_capacity(NUMBERS).time_to_live(LIFETIME).build() }
    }
}

impl Inbox {
    /// Puts a message into the number's inbox; the oldest beyond 20 goes.
    pub fn put(&self, message: &OutgoingMessage) {
        let arrived = InboxMessage {
            delivery: message.delivery,
            channel: message.channel,
            text: message.text.clone(),
            at: message.at,
        };
        self.messages.entry(message.to.clone()).and_upsert_with(|before| {
            let mut messages = before.map(|entry| (*entry.into_value()).clone()).unwrap_or_default();
            messages.push_back(arrived);
            if messages.len() > KEPT {
                messages.pop_front();
            }
            Arc::new(messages)
        });
    }

    /// The last 20 messages to a number, the newest last.
    #[must_use]
    pub fn of(&self, number: &PhoneNumber) -> Vec<InboxMessage> {
        self.messages.get(number).map(|messages| messages.iter().cloned().collect()).unwrap_or_default()
    }
}
