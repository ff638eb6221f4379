//! Countries and territories that have phone numbers of their own.

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region as Iso};

/// A country or territory, ISO 3166-1 alpha-2, that has phone numbers of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(pub(super) Iso);

/// A text that is no [`Region`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown region {0:?}, expected two letters of ISO 3166-1 such as US or GB")]
pub struct UnknownRegion(pub String);

impl Region {
    /// The United States.
    pub const US: Self = Self(Iso::US);

    /// The region of two letters, in either case.
    pub fn parse(code: &str) -> Result<Self, UnknownRegion> {
        Iso::from_code(code)
            .ok()
            .filter(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(*region).is_some())
            .map(Self)
            .ok_or_else(|| UnknownRegion(code.to_owned()))
    }

    /// Whether the region shares country code 1.
    pub(super) fn is_north_american(self) -> bool {
        PHONE_NUMBER_UTIL.is_nanpa_country(self.0)
    }

    /// Whether calls to the region cost about as much as calls inside the United States and Canada. The rest of
    /// country code 1 looks domestic and is not, which is a well-known trap of toll fraud.
    pub(super) fn is_domestic_to_the_us_and_canada(self) -> bool {
        self.0 == Iso::CA || self.country() == Iso::US
    }

    /// Whether both are one country with its territories, whose people write each other's numbers nationally.
    pub(super) fn is_one_country_with(self, other: Self) -> bool {
        self.country() == other.country()
    }

    /// The country whose numbering plan a territory shares, or that reaches it by a national number.
    fn country(self) -> Iso {
        match self.0 {
            Iso::PR | Iso::VI | Iso::GU | Iso::AS | Iso::MP => Iso::US,
            Iso::GG | Iso::JE | Iso::IM => Iso::GB,
            Iso::GP | Iso::MQ | Iso::GF | Iso::RE | Iso::YT | Iso::BL | Iso::MF => Iso::FR,
            Iso::AX => Iso::FI,
            Iso::SJ => Iso::NO,
            Iso::CX | Iso::CC => Iso::AU,
            Iso::VA => Iso::IT,
            Iso::EH => Iso::MA,
            Iso::TA => Iso::SH,
            own => own,
        }
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.as_region_str())
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.as_region_str())
    }
}

impl std::str::FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(code: &str) -> Result<Self, UnknownRegion> {
        Self::parse(code)
    }
}
