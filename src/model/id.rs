//! Identifiers: random UUIDs (RFC 9562, version 4), which never say when or in which order they were made.

use super::entropy::random_bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh random identifier.
            #[must_use]
            pub fn random() -> Self {
                Self(uuid::Builder::from_random_bytes(random_bytes()).into_uuid())
            }

            /// The identifier whose bytes these are, most significant first.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The identifier stored as these bytes; `None` unless there are 16.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }

            /// The identifier written as a UUID; `None` for anything else.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }

            /// The 16 bytes, most significant first.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// Names an account: what a contact that is a user resolves to.
    AccountId
);
id!(
    /// Names a device of an account.
    DeviceId
);
id!(
    /// Names a verification. Public: it appears in logs; the verification's secret is what authorises.
    VerificationId
);
id!(
    /// Names one message handed to a gateway.
    DeliveryId
);
id!(
    /// Names an admin.
    AdminId
);
id!(
    /// Names a session of an admin, without being what authorises it.
    AdminSessionId
);
id!(
    /// Names an API token of the admin API.
    ApiTokenId
);
