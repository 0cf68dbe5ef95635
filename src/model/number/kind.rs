//! Kinds of numbers, and which of them a code can be sent to.

use rlibphonenumber as library;

/// What a number is used for, in libphonenumber's classes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NumberKind {
    /// A landline.
    FixedLine,
    /// A mobile phone.
    Mobile,
    /// Either of the two: the plan does not tell them apart, as in North America.
    FixedLineOrMobile,
    /// Free for the caller.
    TollFree,
    /// Dear for the caller, who pays the called.
    PremiumRate,
    /// Paid by both ends.
    SharedCost,
    /// A line of an internet telephone service.
    Voip,
    /// A number that follows a person, often at the caller's cost.
    PersonalNumber,
    /// A pager.
    Pager,
    /// A company's one number for all its offices.
    Uan,
    /// Access to a voice mailbox.
    Voicemail,
    /// None of these; a valid number never has it.
    Unknown,
}

impl NumberKind {
    /// Whether text messages may reach such numbers: mobiles, those that may be mobiles, and internet
    /// telephony. Not personal numbers, which may charge the sender at premium rates (+44 70).
    #[must_use]
    pub fn can_receive_sms(self) -> bool {
        matches!(self, Self::Mobile | Self::FixedLineOrMobile | Self::Voip)
    }

    /// Whether a person answers calls there at an ordinary price: mobiles, landlines, internet
    /// telephony.
    #[must_use]
    pub fn can_receive_call(self) -> bool {
        matches!(self, Self::Mobile | Self::FixedLineOrMobile | Self::FixedLine | Self::Voip)
    }

    /// Its name in snake case, as the interface and the tables of tests write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FixedLine => "fixed_line",
            Self::Mobile => "mobile",
            Self::FixedLineOrMobile => "fixed_line_or_mobile",
            Self::TollFree => "toll_free",
            Self::PremiumRate => "premium_rate",
            Self::SharedCost => "shared_cost",
            Self::Voip => "voip",
            Self::PersonalNumber => "personal_number",
            Self::Pager => "pager",
            Self::Uan => "uan",
            Self::Voicemail => "voicemail",
            Self::Unknown => "unknown",
        }
    }

    /// The library's verdict; `Unknown` for exactly the numbers that are not valid.
    pub(super) fn of(number: &library::PhoneNumber) -> Self {
        use library::PhoneNumberType as Type;
        match number.get_type() {
            Type::FixedLine => Self::FixedLine,
            Type::Mobile => Self::Mobile,
            Type::FixedLineOrMobile => Self::FixedLineOrMobile,
            Type::TollFree => Self::TollFree,
            Type::PremiumRate => Self::PremiumRate,
            Type::SharedCost => Self::SharedCost,
            Type::VoIP => Self::Voip,
            Type::PersonalNumber => Self::PersonalNumber,
            Type::Pager => Self::Pager,
            Type::UAN => Self::Uan,
            Type::VoiceMail => Self::Voicemail,
            Type::Unknown => Self::Unknown,
        }
    }
}
