//! Enumerations whose variants have one fixed text, the same in code, tables, API and pages.

/// A text that names no variant of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} {text:?}, expected one of {}", expected.join(", "))]
pub struct UnknownName {
    /// What was expected: a state, an outcome, …
    pub kind: &'static str,
    /// What came instead.
    pub text: String,
    /// The texts that would have been understood.
    pub expected: Vec<&'static str>,
}

/// Declares an enumeration together with its texts, in one list: `as_str`, `parse`, `ALL` and `Display`.
macro_rules! names {
    ($(#[$meta:meta])* pub enum $name:ident: $kind:literal {
        $($(#[$doc:meta])* $variant:ident = $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The one text of this variant.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The variant of this text.
            pub fn parse(text: &str) -> Result<Self, $crate::domain::names::UnknownName> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::domain::names::UnknownName {
                        kind: $kind,
                        text: text.to_owned(),
                        expected: vec![$($text,)+],
                    }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use names;
