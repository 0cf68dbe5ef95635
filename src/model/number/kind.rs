//! Kinds of numbers, and which of them a code can be sent to.

use crate::model::words::words;
use rlibphonenumber as library;

words! {
    /// What a number is used for, in libphonenumber's classes.
    NumberKind {
        /// A landline.
        FixedLine = "fixed_line",
        /// A mobile phone.
        Mobile = "mobile",
        /// Either of the two: the plan does not tell them apart, as in North America.
        FixedLineOrMobile = "fixed_line_or_mobile",
        /// Free for the caller.
        TollFree = "toll_free",
        /// Dear for the caller, who pays the called.
        PremiumRate = "premium_rate",
        /// Paid by both ends.
        SharedCost = "shared_cost",
        /// A line of an internet telephone service.
        Voip = "voip",
        /// A number that follows a person, often at the caller's cost.
        PersonalNumber = "personal_number",
        /// A pager.
        Pager = "pager",
        /// A company's one number for all its offices.
        Uan = "uan",
        /// Access to a voice mailbox.
        Voicemail = "voicemail",
        /// None of these; a valid number never has it.
        Unknown = "unknown",
    }
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
