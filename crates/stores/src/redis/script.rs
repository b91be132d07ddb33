//! The scripts, each after the parts of `scripts/lib` that it uses.

use redis::Script as Hashed;
use std::sync::LazyLock;

/// A script with its hash.
pub struct Script {
    text: &'static str,
    hashed: LazyLock<Hashed>,
}

impl Script {
    /// The text, for a server that does not know it yet.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// What names it to a server that does.
    pub fn hash(&self) -> &str {
        self.hashed.get_hash()
    }
}

macro_rules! scripts {
    ($($name:ident = [$($part:literal),+];)+) => {$(
        pub static $name: Script = {
            const TEXT: &str = concat!($(include_str!(concat!("scripts/", $part))),+);
            Script { text: TEXT, hashed: LazyLock::new(|| Hashed::new(TEXT)) }
        };
    )+};
}

scripts! {
    START = ["lib/base.lua", "lib/record.lua", "lib/number.lua", "lib/event.lua", "lib/due.lua", "lib/outcome.lua", "start.lua"];
    CHECK = ["lib/base.lua", "lib/record.lua", "lib/number.lua", "lib/event.lua", "lib/outcome.lua", "check.lua"];
    RESEND = ["lib/base.lua", "lib/record.lua", "lib/event.lua", "lib/due.lua", "lib/outcome.lua", "resend.lua"];
    CANCEL = ["lib/base.lua", "lib/record.lua", "lib/event.lua", "cancel.lua"];
    READ = ["lib/base.lua", "lib/record.lua", "read.lua"];
    FIND = ["lib/base.lua", "lib/record.lua", "lib/number.lua", "find.lua"];
    ERASE = ["lib/base.lua", "lib/record.lua", "lib/number.lua", "lib/event.lua", "erase.lua"];
    CLEAR = ["lib/base.lua", "lib/number.lua", "clear.lua"];
    CLAIM = ["lib/base.lua", "lib/record.lua", "lib/event.lua", "lib/due.lua", "claim.lua"];
    SETTLE = ["lib/base.lua", "lib/record.lua", "lib/event.lua", "lib/due.lua", "settle.lua"];
    ATTEMPT = ["lib/base.lua", "lib/record.lua", "lib/event.lua", "attempt.lua"];
    RECEIVE = ["lib/base.lua", "lib/record.lua", "receive.lua"];
    BIND = ["lib/base.lua", "lib/match.lua", "bind.lua"];
    MATCH = ["lib/base.lua", "lib/match.lua", "match.lua"];
    TAKE = ["lib/base.lua", "take.lua"];
    GIVE = ["lib/base.lua", "give.lua"];
    SLOT = ["lib/base.lua", "slot.lua"];
    OUTCOME = ["lib/base.lua", "lib/outcome.lua", "outcome.lua"];
    EVENTS = ["lib/base.lua", "lib/waiting.lua", "events.lua"];
    WAITING = ["lib/base.lua", "lib/waiting.lua", "waiting.lua"];
    RELAY = ["lib/base.lua", "relay.lua"];
    PRESENT = ["lib/base.lua", "present.lua"];
}
