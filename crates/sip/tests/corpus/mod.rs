//! The messages of RFC 4475, octet for octet, with what we do with each.

use strowger_sip::message::{Message, MessageLimits, ParseError, StatusCode};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handed on.
    Accepted,
    /// A request refused with this status.
    Refused(StatusCode),
    /// A response that is dropped.
    Discarded,
    /// Not represented at all.
    Unparsable(ParseError),
}

/// One message.
#[derive(Debug)]
#[allow(dead_code, reason = "not every test binary reads every field")]
pub struct Torture {
    /// The name the RFC gives it.
    pub name: &'static str,
    /// Section of RFC 4475.
    pub section: &'static str,
    /// Its octets.
    pub octets: &'static [u8],
    /// What becomes of it.
    pub verdict: Verdict,
    /// Whether writing the parsed message gives the same octets.
    pub same_octets: bool,
}

macro_rules! torture {
    ($($name:literal $section:literal $verdict:expr, $same:literal;)*) => {
        &[$(Torture {
            name: $name,
            section: $section,
            octets: include_bytes!(concat!("../rfc4475/", $name, ".sip")),
            verdict: $verdict,
            same_octets: $same,
        }),*]
    };
}

use Verdict::{Accepted, Discarded, Refused, Unparsable};

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const SCHEME: StatusCode = StatusCode::UNSUPPORTED_URI_SCHEME;
const VERSION: StatusCode = StatusCode::VERSION_NOT_SUPPORTED;

/// All of them, in the order of the RFC. Where the octets differ after writing
/// it is since the Content-Length was missing, wrong or ambiguous, octets lay
/// beyond it, or the start line was not as RFC 3261 §7 wants it.
pub const TORTURE: &[Torture] = torture! {
    "wsinv"      "3.1.1.1"  Accepted, true;
    "intmeth"    "3.1.1.2"  Accepted, true;
    "esc01"      "3.1.1.3"  Accepted, true;
    "escnull"    "3.1.1.4"  Accepted, true;
    "esc02"      "3.1.1.5"  Accepted, true;
    "lwsdisp"    "3.1.1.6"  Accepted, true;
    "longreq"    "3.1.1.7"  Accepted, true;
    "dblreq"     "3.1.1.8"  Accepted, false;
    "semiuri"    "3.1.1.9"  Accepted, true;
    "transports" "3.1.1.10" Accepted, true;
    "mpart01"    "3.1.1.11" Accepted, true;
    "unreason"   "3.1.1.12" Accepted, true;
    "noreason"   "3.1.1.13" Accepted, true;
    "badinv01"   "3.1.2.1"  Refused(BAD), true;
    "clerr"      "3.1.2.2"  Refused(BAD), false;
    "ncl"        "3.1.2.3"  Refused(BAD), false;
    "scalar02"   "3.1.2.4"  Refused(BAD), true;
    "scalarlg"   "3.1.2.5"  Discarded, true;
    "quotbal"    "3.1.2.6"  Refused(BAD), true;
    "ltgtruri"   "3.1.2.7"  Refused(BAD), true;
    "lwsruri"    "3.1.2.8"  Refused(BAD), true;
    "lwsstart"   "3.1.2.9"  Refused(BAD), false;
    "trws"       "3.1.2.10" Refused(BAD), false;
    "escruri"    "3.1.2.11" Refused(BAD), true;
    // The Date is nobody's business here, as the RFC allows.
    "baddate"    "3.1.2.12" Accepted, true;
    "regbadct"   "3.1.2.13" Refused(BAD), true;
    "badaspec"   "3.1.2.14" Refused(BAD), true;
    "baddn"      "3.1.2.15" Refused(BAD), true;
    "badvers"    "3.1.2.16" Refused(VERSION), false;
    "mismatch01" "3.1.2.17" Refused(BAD), true;
    "mismatch02" "3.1.2.18" Refused(BAD), true;
    "bigcode"    "3.1.2.19" Unparsable(ParseError::StatusCode), false;
    // A transaction matter: matched by the rules of RFC 2543.
    "badbranch"  "3.2.1"    Accepted, true;
    "insuf"      "3.3.1"    Refused(BAD), true;
    "unkscm"     "3.3.2"    Refused(SCHEME), true;
    "novelsc"    "3.3.3"    Refused(SCHEME), true;
    // A registrar's 400, well formed as a message.
    "unksm2"     "3.3.4"    Accepted, true;
    // 420, 415 and 406 are given above the message layer.
    "bext01"     "3.3.5"    Accepted, true;
    "invut"      "3.3.6"    Accepted, true;
    "regaut01"   "3.3.7"    Accepted, true;
    "multi01"    "3.3.8"    Refused(BAD), true;
    "mcl01"      "3.3.9"    Refused(BAD), false;
    // Matches no transaction, which is what discards it.
    "bcast"      "3.3.10"   Accepted, true;
    "zeromf"     "3.3.11"   Accepted, true;
    "cparam01"   "3.3.12"   Accepted, true;
    "cparam02"   "3.3.13"   Accepted, true;
    "regescrt"   "3.3.14"   Accepted, true;
    "sdp01"      "3.3.15"   Accepted, true;
    "inv2543"    "3.4.1"    Accepted, false;
};

/// The message of that name, parsed.
#[allow(dead_code, reason = "not every test binary looks single messages up")]
pub fn message(name: &str) -> Message {
    let torture = TORTURE
        .iter()
        .find(|torture| torture.name == name)
        .expect("a name of the RFC");
    Message::parse(torture.octets.into(), &MessageLimits::default()).expect("a message")
}
