//! Receivers: the servers of others, which are told or asked something by a signed POST. What they are told is `hooks`', what
//! they are asked is `actors`'; here is how it gets there, once, and only to where it may.

mod post;
mod signature;

pub use post::{BadPoster, Parcel, Posted, Poster};
pub use signature::{fresh_secret, written};
