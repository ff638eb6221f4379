//! What Twilio's error codes mean to a dialer: who or what is at fault, and what a person can do about it.
//! Source of the titles: <https://www.twilio.com/docs/api/errors>; who is at fault is our own reading.

use crate::domain::outcome::Outcome;

/// Who or what is at fault when Twilio refuses to place a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This contact alone: the attempt ends with this outcome, and the campaign goes on.
    Contact(Outcome),
    /// The called person has opted out with the provider, of whatever this calling number or account sends: the attempt
    /// ends as blocked, and the number is not to be contacted again.
    OptedOut,
    /// The country or prefix that was called: all its other contacts would fare the same.
    Destination,
    /// The number that calls.
    Sender,
    /// The account or its credentials.
    Account,
    /// What we sent: a defect here, or a wrong configuration. Every contact would fare the same.
    Request,
    /// Only the moment: the same request may succeed later.
    Moment,
}

/// What a refusal means. Codes that only ever describe a call already under way (13805, 32014, 32015) or that
/// belong to messages are not listed, with one exception: a person who has opted out has, whatever the channel.
///
/// No other code says that a person wants no calls. Twilio's block list (13225, 21216) holds numbers for Twilio's own
/// reasons, also because of our account, and what a carrier refuses (32017) it refuses the calling number.
pub fn meaning(http: u16, code: Option<u32>) -> Fault {
    use Fault::{Account, Contact, Destination, Moment, OptedOut, Request, Sender};

    // An unreachable arm is a warning, so no code can be listed twice.
    match code {
        // Rates, queues and the provider's own troubles.
        Some(10004) => Moment, // Call concurrency limit exceeded
        Some(20409) => Moment, // Conflict
        Some(20429) => Moment, // Too many requests
        Some(20500) => Moment, // Internal server error
        Some(20503) => Moment, // Service unavailable
        Some(20504) => Moment, // Gateway timeout
        Some(21220) => Moment, // Invalid call state
        Some(22005) => Moment, // Call queue full
        Some(64109) => Moment, // ConversationRelay: concurrency limit reached

        // The account and its credentials.
        Some(10001) => Account, // Account is not active
        Some(10002) => Account, // Trial account does not support the feature
        Some(10005) => Account, // Voice calling has been disabled for this account
        Some(20003) => Account, // Permission denied
        Some(20005) => Account, // Account not active
        Some(20006) => Account, // Access denied
        Some(20008) => Account, // Test credentials used on a resource that does not allow them
        Some(20010) => Account, // Action disabled for account
        Some(20403) => Account, // Forbidden

        // The number that calls.
        Some(13214) => Sender, // Dial: invalid callerId value
        Some(13247) => Sender, // Dial: invalid From number
        Some(21210) => Sender, // 'From' phone number not verified
        Some(21212) => Sender, // Invalid 'From' phone number
        Some(32017) => Sender, // Carrier blocked call due to calling number reputation

        // Where the call would go.
        Some(13227) => Destination, // Dial: geo permission does not permit the call
        Some(21203) => Destination, // International calling not enabled
        Some(21215) => Destination, // Geo permission configuration is not permitting the call

        // The person who is called.
        Some(21610) => OptedOut, // Attempt to send to unsubscribed recipient

        // The number that is called.
        Some(13223) => Contact(Outcome::InvalidNumber), // Dial: invalid phone number format
        Some(13224) => Contact(Outcome::InvalidNumber), // Dial: number unsupported or invalid
        Some(13225) => Contact(Outcome::Blocked),       // Dial: number blocked by Twilio's block list
        Some(13226) => Contact(Outcome::InvalidNumber), // Dial: invalid country code
        Some(21202) => Contact(Outcome::Blocked),       // Called number is a premium number
        Some(21211) => Contact(Outcome::InvalidNumber), // Invalid 'To' phone number
        Some(21214) => Contact(Outcome::Failed),        // 'To' phone number cannot be reached
        Some(21216) => Contact(Outcome::Blocked),       // Call blocked by Twilio's blocklist
        Some(21217) => Contact(Outcome::InvalidNumber), // Phone number does not appear to be valid
        Some(21219) => Contact(Outcome::Blocked),       // 'To' phone number not verified (trial account)
        Some(22001) => Contact(Outcome::Failed),        // Call timed out in the queue
        Some(32016) => Contact(Outcome::Failed),        // PSTN post-dial-delay timeout

        // What we sent.
        Some(20001) => Request,                 // Unknown parameters
        Some(20004) => Request,                 // Method not allowed
        Some(20404) => Request,                 // Not found
        Some(21201) => Request,                 // No called number specified
        Some(21205) => Request,                 // Invalid URL
        Some(21206) => Request,                 // Invalid SendDigits
        Some(21207) => Request,                 // Invalid IfMachine
        Some(21208) => Request,                 // Invalid Timeout
        Some(21209) => Request,                 // Invalid Method
        Some(21213) => Request,                 // 'From' phone number is required
        Some(21218) => Request,                 // Invalid ApplicationSid
        Some(21221..=21229) => Request,         // SIP and related parameters
        Some(31920 | 31921 | 31951) => Request, // Media Streams: handshake, close, invalid message
        Some(32009 | 32011) => Request,         // SIP registration, SIP infrastructure
        Some(32018) => Request,                 // Twiml parameter too long
        Some(32019) => Request,                 // Both Url and Twiml given
        Some(64101..=64108 | 64110) => Request, // ConversationRelay: invalid attributes or messages
        Some(86006 | 86008) => Request,         // ConversationRelay: integration settings

        // The status alone has to tell. Where no API of Twilio's answered, the base URL is wrong, or somebody on the
        // way refuses: nobody's number is at fault, and the next one would fare the same.
        _ if matches!(http, 401 | 403) => Account,
        _ if matches!(http, 408 | 409 | 429) || http >= 500 => Moment,
        None => Request,
        Some(_) => Contact(Outcome::Failed),
    }
}

/// What a code means in a sentence, with what to do about it: for whoever finds the campaign paused in the morning.
/// `None` where nobody has to do anything, or nothing better is known than the title.
pub fn explain(code: u32) -> Option<&'static str> {
    Some(match code {
        10001 | 20005 => "the Twilio account is not active: reactivate it in the Twilio Console",
        10002 => "a trial account cannot do this: upgrade the Twilio account",
        10004 => {
            "the account's limit of simultaneous calls is reached: complete its Customer Profile to raise it"
        }
        10005 => "voice calling is disabled for this account: ask Twilio's support why",
        20003 => {
            "Twilio refused the credentials: check the account SID and the auth token or API key, \
                  and whether the account is suspended"
        }
        20006 | 20403 => "these credentials may not place calls: use an API key of the type Main or Standard",
        20008 => "these are test credentials: use the account's live ones",
        20010 => "Twilio disabled this action for the account: ask Twilio's support why",
        20404 => "Twilio knows no such account or call: check the account SID and the base URL",
        13214 | 13247 | 21210 => {
            "the calling number is not ours at Twilio: buy it there or verify it as a caller id, \
             or choose another"
        }
        21212 => {
            "the calling number is not valid, or is on the do-not-originate list: write it as +1… or choose another"
        }
        32017 => {
            "carriers block this calling number for its reputation: register it (SHAKEN/STIR, Free Caller Registry) \
             or choose another"
        }
        13227 | 21203 | 21215 => {
            "calls to this country are not permitted: permit it in the Twilio Console under Voice, Geo permissions"
        }
        21205 => {
            "Twilio refused one of our URLs: check that the public URL is absolute and reachable from outside"
        }
        21219 => {
            "a trial account may call only numbers verified with it: verify the number, or upgrade the Twilio account"
        }
        21202 => "this is a premium number, which Twilio does not call",
        13225 | 21216 => "Twilio blocks calls to this number",
        21610 => "this person has opted out with Twilio, and is on the list of suppressed numbers now",
        21214 => "Twilio found no route to this number",
        22001 => "the call waited too long in Twilio's queue: lower OUTDIAL_CPS to what the account allows",
        22005 => "Twilio's queue of our calls is full: lower OUTDIAL_CPS to what the account allows",
        32018 => "the script's TwiML is longer than Twilio takes inline",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_who_is_at_fault() {
        for (http, code, fault) in [
            (400, 21211, Fault::Contact(Outcome::InvalidNumber)),
            (400, 21217, Fault::Contact(Outcome::InvalidNumber)),
            (400, 21216, Fault::Contact(Outcome::Blocked)),
            (400, 21214, Fault::Contact(Outcome::Failed)),
            (400, 21610, Fault::OptedOut),
            (400, 13225, Fault::Contact(Outcome::Blocked)),
            (400, 21215, Fault::Destination),
            (400, 21210, Fault::Sender),
            (400, 21212, Fault::Sender),
            (401, 20003, Fault::Account),
            (403, 20008, Fault::Account),
            (400, 21205, Fault::Request),
            (400, 21224, Fault::Request),
            (429, 20429, Fault::Moment),
            (400, 10004, Fault::Moment),
        ] {
            assert_eq!(meaning(http, Some(code)), fault, "{http} {code}");
        }
    }

    #[test]
    fn an_unknown_code_is_the_contacts_fault_unless_the_status_says_otherwise() {
        assert_eq!(meaning(400, Some(99_999)), Fault::Contact(Outcome::Failed));
        assert_eq!(meaning(404, Some(99_999)), Fault::Contact(Outcome::Failed));
        assert_eq!(meaning(401, Some(99_999)), Fault::Account);
        for http in [408, 409, 429, 503] {
            assert_eq!(meaning(http, Some(99_999)), Fault::Moment, "{http}");
        }
    }

    #[test]
    fn without_a_code_the_status_has_to_tell() {
        for http in [400, 404, 407, 413, 451] {
            assert_eq!(meaning(http, None), Fault::Request, "{http}");
        }
        assert_eq!(meaning(401, None), Fault::Account);
        assert_eq!(meaning(403, None), Fault::Account);
        assert_eq!(meaning(429, None), Fault::Moment);
    }

    #[test]
    fn what_pauses_a_campaign_for_the_accounts_or_senders_sake_is_explained() {
        for code in 10_000..90_000 {
            let needs_a_person = match meaning(400, Some(code)) {
                Fault::Account | Fault::Sender | Fault::Destination => true,
                Fault::Contact(_) | Fault::OptedOut | Fault::Request | Fault::Moment => false,
            };
            if needs_a_person {
                assert!(explain(code).is_some(), "{code}");
            }
        }
    }
}
