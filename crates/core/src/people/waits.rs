//! Waits after wrong passwords. The server counts each try before it looks at the password, so tries at the same
//! time cannot pass together.

use crate::{
    id::{DeviceId, PersonId},
    keyring::KeyRing,
    people::person::{EmailMark, Person},
    tenant::OPERATOR,
    time::Timestamp,
};
use std::{net::IpAddr, time::Duration};

/// A count is forgotten this long after its last failure.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);
/// The waits after each further failure, once the free ones are used up. The last one applies from then on.
pub const LADDER: [Duration; 7] = {
    let seconds = [15, 30, 60, 120, 240, 480, 900];
    let mut ladder = [Duration::ZERO; 7];
    let mut step = 0;
    while step < ladder.len() {
        ladder[step] = Duration::from_secs(seconds[step]);
        step += 1;
    }
    ladder
};

/// How failures make a caller wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitRule {
    /// The first failures are free. Then the waits of [`LADDER`] follow.
    Ladder { free: u16 },
    /// At most so many failures in each window.
    Window { most: u16, length: Duration },
}

/// Where a right password was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightPassword {
    /// At the sign-in, in a browser that is not the person's.
    Stranger,
    /// At the sign-in, in a browser of the person.
    Known,
    /// As a proof, in a session.
    Proof,
}

/// One count of failures, and its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitCount {
    /// A keyed hash of what is counted.
    pub key: [u8; 16],
    pub rule: WaitRule,
}

impl WaitCount {
    /// Failures for an e-mail address, known or not, from one customer network.
    pub fn of_pair(email: EmailMark, network: IpAddr, keyring: &KeyRing) -> Self {
        let network = network.to_string();
        Self {
            key: keyring.hash("wait-pair", OPERATOR, &[&email.0, network.as_bytes()]),
            rule: WaitRule::Ladder { free: 5 },
        }
    }

    /// Failures for an e-mail address, known or not, from everywhere.
    pub fn of_account(email: EmailMark, keyring: &KeyRing) -> Self {
        let key = keyring.hash("wait-account", OPERATOR, &[&email.0]);
        Self { key, rule: WaitRule::Ladder { free: 20 } }
    }

    /// Failures from one customer network, for all addresses.
    pub fn of_network(network: IpAddr, keyring: &KeyRing) -> Self {
        let network = network.to_string();
        let rule = WaitRule::Window { most: 30, length: Duration::from_secs(600) };
        Self { key: keyring.hash("wait-network", OPERATOR, &[network.as_bytes()]), rule }
    }

    /// Right passwords of a person: they cost work and rows, too. A stranger who knows the password does not use up what
    /// the person's own browsers have. Each epoch has a count of its own: who used the former password up learns
    /// nothing of the new one.
    pub fn of_right_passwords(person: &Person, place: RightPassword, keyring: &KeyRing) -> Self {
        let (id, epoch, place) = (person.id.bytes(), person.epoch.to_be_bytes(), [place as u8]);
        let key = keyring.hash("right-passwords", OPERATOR, &[id, &epoch, &place]);
        Self { key, rule: WaitRule::Window { most: 60, length: Duration::from_secs(3_600) } }
    }

    /// Failures in a browser that belongs to the person, in place of the count of the account.
    pub fn of_device(device: DeviceId, person: PersonId, keyring: &KeyRing) -> Self {
        let rule = WaitRule::Window { most: 10, length: FORGOTTEN_AFTER };
        Self { key: keyring.hash("wait-device", OPERATOR, &[device.bytes(), person.bytes()]), rule }
    }
}

/// A count refuses a try until this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub count: WaitCount,
    pub until: Timestamp,
}
