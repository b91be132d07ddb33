//! The replies of scripts, taken apart. No error quotes a reply, because it may hold a tenant's data.

use countersign_core::{ports::error::StoreError, time::Timestamp};
use redis::Value;

/// What a script did, which its reply says by a number.
pub trait Kind: Sized {
    fn from_number(number: i64) -> Option<Self>;
}

/// One enum for each script that says by a number what it did. The scripts use the same numbers by
/// these names.
macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)+ })+) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant = $number,)+ }

        impl Kind for $name {
            fn from_number(number: i64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        })+

        /// The names of all of them in scripts, and their numbers.
        pub const NAMES: &[(&str, i64)] =
            &[$($((concat!(stringify!($name), ".", stringify!($variant)), $number),)+)+];
    };
}

replies! {
    /// What start.lua did.
    StartReply {
        /// It made the verification.
        Started = 0,
        /// A limit of the number refused.
        Limited = 1,
        /// An equal request was carried out before.
        Replay = 2,
        /// The same call, sent before, made the verification.
        MadeBefore = 3,
        /// Another verification of the listing is pending.
        Changed = 4,
    }
    /// What check.lua found.
    CheckReply {
        /// There is no such verification.
        Missing = 0,
        /// The verification was over before.
        Ended = 1,
        /// Such a code cannot be the right one.
        InvalidCode = 2,
        /// A wait for wrong codes runs.
        GuessLimit = 3,
        /// The record has a key version that this node cannot read.
        UnknownKeyVersion = 4,
        /// The code is right.
        Approved = 5,
        /// The code is wrong.
        Wrong = 6,
        /// The code is wrong, and was the last try.
        Exhausted = 7,
        /// An equal request was carried out before.
        Replay = 8,
        /// The code is for another payment, or for none.
        TransactionMismatch = 9,
    }
    /// What resend.lua did.
    ResendReply {
        /// There is no such verification.
        Missing = 0,
        /// It queued a message.
        Queued = 1,
        /// The verification was over before.
        Ended = 2,
        /// All sends are used.
        SendsExhausted = 3,
        /// The cooldown runs.
        TooSoon = 4,
        /// Another resend came between the read and this one.
        Changed = 5,
        /// An equal request was carried out before.
        Replay = 8,
    }
    /// What cancel.lua did.
    CancelReply {
        /// There is no such verification.
        Missing = 0,
        /// It canceled the verification.
        Canceled = 1,
        /// The verification was over before.
        Ended = 2,
    }
    /// What read.lua found.
    ReadReply {
        /// There is no such verification.
        Missing = 0,
        /// Its record.
        Found = 1,
    }
    /// What settle.lua did.
    SettleReply {
        /// The claim is lost.
        Lost = 0,
        /// It noted how the claim ended.
        Noted = 1,
    }
    /// What attempt.lua did.
    AttemptReply {
        /// The claim is lost, or no provider needs to be asked any more.
        Lost = 0,
        /// It noted the attempt, and the claim goes on.
        Noted = 1,
    }
    /// What receive.lua did.
    ReceiveReply {
        /// There is no such verification.
        Missing = 0,
        /// It noted the report.
        Noted = 1,
        /// The report says nothing new, or is about an older message.
        Known = 2,
    }
    /// What slot.lua found.
    SlotReply {
        /// The Idempotency-Key was free; it is bound to this request now.
        Bound = 0,
        /// It was bound to the same request before.
        Same = 1,
        /// It is bound to another request.
        Other = 2,
    }
    /// What take.lua or pool.lua did.
    TakeReply {
        /// The bucket or the pool has no room.
        Refused = 0,
        /// The bucket has room for one, or the pool for the message.
        Admitted = 1,
    }
}

/// A reply: an array of whole numbers, byte strings and further arrays.
pub struct Reply(Vec<Value>);

fn unexpected() -> StoreError {
    StoreError::unavailable("a script answered in an unexpected form")
}

impl Reply {
    pub fn new(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Array(values) => Ok(Self(values)),
            _ => Err(unexpected()),
        }
    }

    pub fn number(&self, place: usize) -> Result<i64, StoreError> {
        match self.0.get(place) {
            Some(Value::Int(number)) => Ok(*number),
            _ => Err(unexpected()),
        }
    }

    /// What the script did: the number at the beginning.
    pub fn kind<T: Kind>(&self) -> Result<T, StoreError> {
        T::from_number(self.number(0)?).ok_or_else(unexpected)
    }

    /// A number that must fit.
    pub fn small<T: TryFrom<i64>>(&self, place: usize) -> Result<T, StoreError> {
        T::try_from(self.number(place)?).map_err(|_| unexpected())
    }

    /// A time in milliseconds.
    pub fn time(&self, place: usize) -> Result<Timestamp, StoreError> {
        self.number(place).map(Timestamp::from_millis)
    }

    pub fn bytes(&self, place: usize) -> Result<&[u8], StoreError> {
        match self.0.get(place) {
            Some(Value::BulkString(bytes)) => Ok(bytes),
            _ => Err(unexpected()),
        }
    }

    /// The array at this index.
    pub fn part(&mut self, place: usize) -> Result<Self, StoreError> {
        self.0
            .get_mut(place)
            .ok_or_else(unexpected)
            .and_then(|value| Self::new(std::mem::replace(value, Value::Nil)))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// A byte string, or nothing.
pub fn bytes_or_nil(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(unexpected()),
    }
}

/// A time as records keep it: milliseconds in 48 bits.
pub fn packed_time(bytes: &[u8]) -> Timestamp {
    Timestamp::from_millis(bytes.iter().fold(0, |time, byte| time << 8 | i64::from(*byte)))
}

/// What a script did whose reply is a number alone.
pub fn kind<T: Kind>(value: Value) -> Result<T, StoreError> {
    T::from_number(number(value)?).ok_or_else(unexpected)
}

/// One whole number.
pub fn number(value: Value) -> Result<i64, StoreError> {
    match value {
        Value::Int(number) => Ok(number),
        _ => Err(unexpected()),
    }
}
