//! The scripts. The text of each begins with the files of `scripts/lib` that it uses.

use super::names;
use redis::Script as Hashed;
use std::sync::LazyLock;

/// A script. Its text is joined from its files when it is first used.
pub struct Script(LazyLock<Built>);

struct Built {
    text: String,
    hash: String,
}

impl Script {
    /// The text, for a server that does not know the script yet.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The hash, for a server that knows the script.
    pub fn hash(&self) -> &str {
        &self.0.hash
    }
}

fn build(parts: &str) -> Built {
    let text = names::fill(parts);
    let hash = Hashed::new(&text).get_hash().to_owned();
    Built { text, hash }
}

macro_rules! scripts {
    ($($name:ident = [$($part:literal),+];)+) => {
        $(pub static $name: Script =
            Script(LazyLock::new(|| build(concat!($(include_str!(concat!("scripts/", $part))),+))));)+

        #[cfg(test)]
        pub static ALL: &[&Script] = &[$(&$name),+];
    };
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
    POOL = ["lib/base.lua", "pool.lua"];
    SLOT = ["lib/base.lua", "slot.lua"];
    OUTCOME = ["lib/base.lua", "lib/outcome.lua", "outcome.lua"];
    EVENTS = ["lib/base.lua", "lib/waiting.lua", "events.lua"];
    WAITING = ["lib/base.lua", "lib/waiting.lua", "waiting.lua"];
    RELAY = ["lib/base.lua", "relay.lua"];
    PRESENT = ["lib/base.lua", "present.lua"];
}
