//! Why a text is not a number to call.

use super::Region;

/// Why a text is not a number to call. Its name is stable; its sentence never repeats the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// There is nothing.
    #[error("expected a phone number, found nothing")]
    Empty,
    /// No phone number at all.
    #[error("expected a phone number, found something else")]
    NotANumber,
    /// A date.
    #[error("expected a phone number, found a date")]
    Date,
    /// Letters where digits belong. They may be typing errors: which digit was meant is not ours to say.
    #[error("expected digits, found letters among them, such as O for 0")]
    Letters,
    /// A spreadsheet has rounded the number away.
    #[error(
        "expected all digits, found a rounded number such as 1.2E+10; format the column as text and export again"
    )]
    LossyScientific,
    /// A code that tells the network what to do.
    #[error("expected a phone number, found a service code with * or #")]
    ServiceCode,
    /// Several numbers that do not each stand for themselves.
    #[error("expected one number, or several that are each complete, found something between")]
    SeveralNumbers,
    /// More digits after the number than an extension has.
    #[error("expected an extension of at most 7 digits")]
    ExtensionTooLong,
    /// Too few digits, or no area code.
    #[error("expected more digits; the area code may be missing")]
    TooShort,
    /// Too many digits.
    #[error("expected fewer digits")]
    TooLong,
    /// The digits make no number that exists there.
    #[error("expected a number that can exist in {region}")]
    Invalid {
        /// The region that was expected, or that the country code names.
        region: Region,
    },
    /// No country has this code.
    #[error("expected a country code that exists")]
    UnknownCountryCode,
    /// A number of another country whose `+` got lost, as it seems.
    #[error("expected a + before the country code if a number in {region} is meant")]
    MissingPlus {
        /// Where it would be.
        region: Region,
    },
    /// A number that looks domestic and is in another country that shares the country code.
    #[error("expected + and the country code in front, as this number is in {region}")]
    OtherCountry {
        /// Where it is.
        region: Region,
    },
    /// Police, fire, information: never dialed by a machine.
    #[error("expected at least 7 digits, found an emergency, service or otherwise short number")]
    EmergencyOrShort,
    /// The called party earns by the call.
    #[error("expected an ordinary number, found one at a premium rate")]
    PremiumRate,
    /// The caller pays more than usual.
    #[error("expected an ordinary number, found one at a shared cost")]
    SharedCost,
    /// It follows a person, at the caller's cost.
    #[error("expected an ordinary number, found a personal number that is forwarded at the caller's cost")]
    PersonalNumber,
    /// It takes no calls.
    #[error("expected an ordinary number, found a pager")]
    Pager,
    /// A company's number at a rate of its own.
    #[error("expected an ordinary number, found a universal access number")]
    UniversalAccess,
    /// A mailbox.
    #[error("expected an ordinary number, found a voicemail box")]
    Voicemail,
    /// A satellite or international service that belongs to no country.
    #[error("expected a number of a country, found a satellite or international service")]
    SatelliteOrGlobal,
    /// Not a text in E.164.
    #[error("expected a number in E.164 such as +12025550143")]
    NotE164,
}

impl PhoneError {
    /// The stable name of the reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotANumber => "not-a-number",
            Self::Date => "date",
            Self::Letters => "letters",
            Self::LossyScientific => "lossy-scientific",
            Self::ServiceCode => "service-code",
            Self::SeveralNumbers => "several-numbers",
            Self::ExtensionTooLong => "extension-too-long",
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::Invalid { .. } => "invalid",
            Self::UnknownCountryCode => "unknown-country-code",
            Self::MissingPlus { .. } => "missing-plus",
            Self::OtherCountry { .. } => "other-country",
            Self::EmergencyOrShort => "emergency-or-short",
            Self::PremiumRate => "premium-rate",
            Self::SharedCost => "shared-cost",
            Self::PersonalNumber => "personal-number",
            Self::Pager => "pager",
            Self::UniversalAccess => "universal-access",
            Self::Voicemail => "voicemail",
            Self::SatelliteOrGlobal => "satellite-or-global",
            Self::NotE164 => "not-e164",
        }
    }
}
