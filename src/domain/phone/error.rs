//! Why a text is not a number to call.

use super::{Phone, Region};

/// A text that is not a number to call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// Why.
    pub error: PhoneError,
    /// The number that could be meant, which is not certain enough to call somebody. It would be accepted.
    pub suggestion: Option<Phone>,
}

impl From<PhoneError> for Refusal {
    fn from(error: PhoneError) -> Self {
        Self { error, suggestion: None }
    }
}

/// Declares the reasons: for each its documentation, its stable name and its sentence.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $({ $region:ident })? = $reason:literal: $sentence:literal,)+) => {
        /// Why a text is not a number to call. Its name is stable; its sentence never repeats the number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        pub enum PhoneError {
            $(
                $(#[$doc])*
                #[error($sentence)]
                $variant $({
                    /// The region that is spoken of.
                    $region: Region,
                })?,
            )+
        }

        impl PhoneError {
            /// The stable name of the reason.
            pub fn reason(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $reason,)+ }
            }
        }
    };
}

reasons! {
    /// There is nothing.
    Empty = "empty": "expected a phone number, found nothing",
    /// The mark of a failed formula.
    CellError = "cell-error": "expected a value, found the mark of a failed formula",
    /// What people and programs write where they have no number.
    Placeholder = "placeholder": "expected a phone number, found what stands for a missing one",
    /// No phone number at all.
    NotANumber = "not-a-number": "expected a phone number, found something else",
    /// An e-mail address.
    Email = "email": "expected a phone number, found an e-mail address",
    /// A date.
    Date = "date": "expected a phone number, found a date",
    /// Letters where digits belong. They may be typing errors: which digit was meant is not ours to say.
    Letters = "letters": "expected digits, found letters among them, such as O for 0",
    /// It does not speak.
    Fax = "fax": "expected a number that a person answers, found a fax",
    /// The text says that the number should not be called, or is not right.
    Remark = "remark": "expected a number to call, found a remark beside it that speaks against it",
    /// A spreadsheet has rounded the number away.
    LossyScientific = "lossy-scientific": "expected all digits, found a rounded number such as 1.2E+10; format \
        the column as text and export again",
    /// A code that tells the network what to do.
    ServiceCode = "service-code": "expected a phone number, found a service code with * or #",
    /// Several numbers that do not each stand for themselves.
    SeveralNumbers = "several-numbers": "expected one number, or several that are each complete, found something \
        between",
    /// More digits after the number than an extension has.
    ExtensionTooLong = "extension-too-long": "expected an extension of at most 7 digits",
    /// Too few digits, or no area code.
    TooShort = "too-short": "expected more digits; the area code may be missing",
    /// Too many digits.
    TooLong = "too-long": "expected fewer digits",
    /// The digits make no number that exists there.
    Invalid { region } = "invalid": "expected a number that can exist in {region}",
    /// No country has this code.
    UnknownCountryCode = "unknown-country-code": "expected a country code that exists",
    /// A number of another country whose `+` got lost, as it seems.
    MissingPlus { region } = "missing-plus": "expected a + before the country code if a number in {region} is meant",
    /// A number without a country code that is in another country all the same: several share the code.
    WrittenNationally { region } = "written-nationally":
        "expected + and the country code in front, as this number is in {region}",
    /// A number in a country that the campaign does not call.
    OtherCountry { region } = "other-country":
        "expected a number in a country that the campaign calls, found one in {region}",
    /// Police, fire, ambulance: never dialed by a machine.
    Emergency = "emergency": "expected a person's number, found an emergency number",
    /// Information, operators, text messages.
    ShortNumber = "short-number": "expected at least 7 digits without the country code, found a short number",
    /// The called party earns by the call.
    PremiumRate = "premium-rate": "expected an ordinary number, found one at a premium rate",
    /// The caller pays more than usual.
    SharedCost = "shared-cost": "expected an ordinary number, found one at a shared cost",
    /// Another country's free number, which seldom works from abroad.
    ForeignTollFree { region } = "foreign-toll-free":
        "expected an ordinary number, found a toll-free number of {region}, which seldom works from abroad",
    /// It follows a person, at the caller's cost.
    PersonalNumber = "personal-number":
        "expected an ordinary number, found a personal number that is forwarded at the caller's cost",
    /// It takes no calls.
    Pager = "pager": "expected an ordinary number, found a pager",
    /// A company's number at a rate of its own.
    UniversalAccess = "universal-access": "expected an ordinary number, found a universal access number",
    /// A mailbox.
    Voicemail = "voicemail": "expected an ordinary number, found a voicemail box",
    /// A satellite or international service that belongs to no country.
    SatelliteOrGlobal = "satellite-or-global":
        "expected a number of a country, found a satellite or international service",
    /// Not a text in E.164.
    NotE164 = "not-e164": "expected a number in E.164 such as +12025550143",
}

impl PhoneError {
    /// Whether the text is a whole number all the same, only none that is called.
    pub(super) fn is_of_a_whole_number(&self) -> bool {
        match self {
            Self::WrittenNationally { .. }
            | Self::OtherCountry { .. }
            | Self::PremiumRate
            | Self::SharedCost
            | Self::ForeignTollFree { .. }
            | Self::PersonalNumber
            | Self::Pager
            | Self::UniversalAccess
            | Self::Voicemail
            | Self::SatelliteOrGlobal
            | Self::Fax
            | Self::Remark => true,
            Self::Empty
            | Self::CellError
            | Self::Placeholder
            | Self::NotANumber
            | Self::Email
            | Self::Date
            | Self::Letters
            | Self::LossyScientific
            | Self::ServiceCode
            | Self::SeveralNumbers
            | Self::ExtensionTooLong
            | Self::TooShort
            | Self::TooLong
            | Self::Invalid { .. }
            | Self::UnknownCountryCode
            | Self::MissingPlus { .. }
            | Self::Emergency
            | Self::ShortNumber
            | Self::NotE164 => false,
        }
    }
}
