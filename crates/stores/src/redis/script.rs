//! The scripts, each with the part that all share before it.

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
    ($($name:ident = $file:literal;)+) => {$(
        pub static $name: Script = {
            const TEXT: &str =
                concat!(include_str!("scripts/lib.lua"), include_str!(concat!("scripts/", $file)));
            Script { text: TEXT, hashed: LazyLock::new(|| Hashed::new(TEXT)) }
        };
    )+};
}

scripts! {
    START = "start.lua";
    CHECK = "check.lua";
    RESEND = "resend.lua";
    CANCEL = "cancel.lua";
    READ = "read.lua";
    FIND = "find.lua";
    ERASE = "erase.lua";
    CLEAR = "clear.lua";
    CLAIM = "claim.lua";
    SETTLE = "settle.lua";
    TAKE = "take.lua";
    GIVE = "give.lua";
    SLOT = "slot.lua";
    OUTCOME = "outcome.lua";
    EVENTS = "events.lua";
    WAITING = "waiting.lua";
    PRESENT = "present.lua";
}
