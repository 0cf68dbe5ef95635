//! Enums that are one word each in JSON, metrics and the database.

/// Defines an enum with the word of each variant, the variant's name in `snake_case`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// Every one of them.
            #[allow(dead_code, reason = "not every list of words is gone through")]
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it in JSON, metrics and the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads that word; `None` for any other.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        /// Says which words there are, where serde would name the enum.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(deserializer)?;
                let choices = concat!("must be one of:" $(, " ", $word)+);
                Self::parse(&word).ok_or_else(|| serde::de::Error::custom(choices))
            }
        }
    };
}
pub(crate) use words;
