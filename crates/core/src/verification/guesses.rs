//! Wrong codes in a row for a phone number, and the waits that they cause.
//!
//! A verification ends after five wrong codes, but an attacker can start another one and guess on. So the
//! server also counts the wrong codes for the phone number, over all profiles and verifications. The count
//! ends with an approval, when the tenant clears it, or after 30 days. NIST SP 800-63B-4 (3.2.2) allows at
//! most 100 failures in a row, and sending a new code must not reset the count.
//!
//! A second count is for the phone number together with the end user's address that the start named. It slows
//! down one attacker early, and nobody else: the owner of the phone has another address and does not wait.

use crate::{
    code::CodeShape,
    pack::{Reader, Writer},
    time::Timestamp,
};
use std::time::Duration;

/// A wait that wrong codes in a row caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessWait {
    /// The time until the server compares a code again.
    pub wait: Duration,
    /// True if the count of the phone number caused the wait, false if the count of the end user's address
    /// did.
    pub of_number: bool,
}

/// The source of guesses: a keyed hash of the address that the start named. Four bytes are enough to tell the
/// few sources of one phone number apart. Zeros mean that the start named no address; then only the count of
/// the phone number applies. A common count for all starts without an address would let a stranger make the
/// phone's owner wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source(pub [u8; 4]);

/// After this long without a wrong code, the count starts again from zero.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 86_400);
/// The longest wait. It applies from the last step on.
const LONGEST: Duration = Duration::from_secs(86_400);
/// The numbers of wrong codes in a row, and the wait after each.
const STEPS: [(u16, Duration); 5] = [
    (10, Duration::from_secs(60)),
    (20, Duration::from_secs(300)),
    (30, Duration::from_secs(900)),
    (50, Duration::from_secs(3_600)),
    (75, Duration::from_secs(6 * 3_600)),
];
/// From this number of wrong codes in a row, each one from a source causes a wait.
const SOURCE_PATIENCE: u16 = 5;
const SOURCE_FIRST_WAIT: Duration = Duration::from_secs(15);
const SOURCE_LONGEST: Duration = Duration::from_secs(15 * 60);
/// The maximum number of sources for which a phone number has counts. A phone number has at most 20 starts a
/// day, so guesses from more sources are slower than the number's own count allows.
pub const MOST_SOURCES: usize = 20;

/// From this number of wrong codes in a row, each further one costs a day. It is 100, which allows 100
/// guesses at a million codes, and lower if there are fewer possible codes.
const fn last_step(shape: CodeShape) -> u16 {
    match (shape.length, shape.alphabet.characters().len()) {
        (..=4, 10) => 5,
        (5, 10) => 10,
        // There are a quarter of a million codes: 22^4.
        (..=4, _) => 20,
        _ => 100,
    }
}

fn number_wait(wrong: u16, shape: CodeShape) -> Option<Duration> {
    if wrong >= last_step(shape) {
        return Some(LONGEST);
    }
    STEPS.iter().find(|(step, _)| *step == wrong).map(|(_, wait)| *wait)
}

fn source_wait(wrong: u16) -> Option<Duration> {
    let doublings = wrong.checked_sub(SOURCE_PATIENCE)?;
    Some((SOURCE_FIRST_WAIT * (1 << doublings.min(6))).min(SOURCE_LONGEST))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    wrong: u16,
    last: Timestamp,
    until: Timestamp,
}

impl Count {
    fn is_forgotten(&self, now: Timestamp) -> bool {
        now.since(self.last) >= FORGOTTEN_AFTER
    }

    fn add(&mut self, wait: impl FnOnce(u16) -> Option<Duration>, now: Timestamp) -> Option<Duration> {
        if self.is_forgotten(now) {
            *self = Self::default();
        }
        self.wrong = self.wrong.saturating_add(1);
        self.last = now;
        let wait = wait(self.wrong)?;
        self.until = now + wait;
        Some(wait)
    }

    /// Moves times that lie in the future back to now, and shortens the wait to `longest`.
    fn pull_back(&mut self, longest: Duration, now: Timestamp) {
        self.last = self.last.min(now);
        self.until = self.until.min(now + longest);
    }

    fn pack(&self, writer: Writer) -> Writer {
        writer.number(self.wrong.into()).time(self.last).time(self.until)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let wrong = u16::try_from(reader.number()?).ok()?;
        Some(Self { wrong, last: reader.time()?, until: reader.time()? })
    }
}

/// The counts of wrong codes in a row for one phone number of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    number: Count,
    sources: Vec<(Source, Count)>,
}

impl Guesses {
    /// The wait that still applies to a check of a verification from `source`.
    pub fn wait(&self, source: Source, now: Timestamp) -> Option<GuessWait> {
        let of_source = self.sources.iter().find(|(known, _)| *known == source);
        let of_source = of_source.map_or(Duration::ZERO, |(_, count)| count.until.since(now));
        let of_number = self.number.until.since(now);
        longer(of_number, of_source)
    }

    /// The number of wrong codes in a row for the phone number.
    pub fn in_row(&self, now: Timestamp) -> u16 {
        if self.number.is_forgotten(now) { 0 } else { self.number.wrong }
    }

    /// Counts a wrong code. Returns the number of wrong codes in a row, and the wait that this one causes.
    pub fn note_wrong(
        &mut self,
        source: Source,
        shape: CodeShape,
        now: Timestamp,
    ) -> (u16, Option<GuessWait>) {
        let of_number = self.number.add(|wrong| number_wait(wrong, shape), now);
        if source == Source::default() {
            return (self.number.wrong, longer(of_number.unwrap_or_default(), Duration::ZERO));
        }
        let index = self.sources.iter().position(|(known, _)| *known == source).unwrap_or_else(|| {
            if self.sources.len() >= MOST_SOURCES {
                self.sources.remove(0);
            }
            self.sources.push((source, Count::default()));
            self.sources.len() - 1
        });
        // The most recent source is moved to the end, so that the one idle for longest is dropped first.
        let (source, mut count) = self.sources.remove(index);
        let of_source = count.add(source_wait, now);
        self.sources.push((source, count));
        (self.number.wrong, longer(of_number.unwrap_or_default(), of_source.unwrap_or_default()))
    }

    /// Resets the counts, after an approval or when the tenant clears them. Returns the old count of the
    /// phone number.
    pub fn clear(&mut self, now: Timestamp) -> u16 {
        let counted = self.in_row(now);
        *self = Self::default();
        counted
    }

    /// Call this after the clock was set back while the store was closed. It shortens each wait to what its
    /// rule allows.
    pub fn pull_back(&mut self, now: Timestamp) {
        self.number.pull_back(LONGEST, now);
        self.sources.iter_mut().for_each(|(_, count)| count.pull_back(SOURCE_LONGEST, now));
    }

    /// The time from which the counts have no effect any more.
    pub fn kept_until(&self) -> Option<Timestamp> {
        (self.number.wrong > 0).then(|| self.number.last + FORGOTTEN_AFTER)
    }

    pub(crate) fn pack(&self, writer: Writer) -> Writer {
        if self.number.wrong == 0 {
            return writer.byte(0);
        }
        let writer = self.number.pack(writer.byte(1)).byte(self.sources.len() as u8);
        self.sources.iter().fold(writer, |writer, (source, count)| count.pack(writer.short(&source.0)))
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut guesses = Self::default();
        if reader.byte()? == 0 {
            return Some(guesses);
        }
        guesses.number = Count::read(reader)?;
        for _ in 0..reader.byte()? {
            guesses.sources.push((Source(reader.short()?), Count::read(reader)?));
        }
        Some(guesses)
    }
}

fn longer(of_number: Duration, of_source: Duration) -> Option<GuessWait> {
    let wait = GuessWait { wait: of_number.max(of_source), of_number: of_number >= of_source };
    (!wait.wait.is_zero()).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Alphabet;

    const HOUR: u64 = 3_600;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000) + Duration::from_secs(seconds)
    }

    fn digits(length: u8) -> CodeShape {
        CodeShape { length, alphabet: Alphabet::Digits }
    }

    fn source(n: u8) -> Source {
        Source([n; 4])
    }

    #[test]
    fn a_source_waits_from_its_fifth_wrong_code_on_and_only_that_source() {
        let (mut guesses, mut now, mut waits) = (Guesses::default(), 0, Vec::new());
        for _ in 0..13 {
            let (_, wait) = guesses.note_wrong(source(1), digits(6), at(now));
            let wait = wait.filter(|wait| !wait.of_number).map_or(0, |wait| wait.wait.as_secs());
            waits.push(wait);
            assert_eq!(guesses.wait(source(2), at(now + 61)), None, "somebody else never waits for it");
            now += wait.max(61);
        }
        assert_eq!(waits[..9], [0, 0, 0, 0, 15, 30, 60, 120, 240]);
        assert_eq!(waits[10..], [900, 900, 900]);
    }

    #[test]
    fn without_an_address_only_the_number_counts() {
        let mut guesses = Guesses::default();
        for n in 1..=9 {
            assert_eq!(guesses.note_wrong(Source::default(), digits(6), at(0)), (n, None));
        }
        assert!(guesses.sources.is_empty());
        let (_, wait) = guesses.note_wrong(Source::default(), digits(6), at(0));
        assert_eq!(wait, Some(GuessWait { wait: Duration::from_secs(60), of_number: true }));
    }

    #[test]
    fn the_number_waits_at_its_steps_whatever_the_source() {
        let (mut guesses, mut now, mut steps) = (Guesses::default(), 0, Vec::new());
        for n in 1..=102u16 {
            let (in_row, wait) = guesses.note_wrong(source(n as u8), digits(6), at(now));
            assert_eq!(in_row, n);
            if let Some(wait) = wait {
                assert!(wait.of_number);
                steps.push((n, wait.wait.as_secs()));
                assert_eq!(guesses.wait(source(0), at(now)), Some(wait));
                now += wait.wait.as_secs();
                assert_eq!(guesses.wait(source(0), at(now)), None);
            }
        }
        let day = 24 * HOUR;
        let expected =
            [(10, 60), (20, 300), (30, 900), (50, HOUR), (75, 6 * HOUR), (100, day), (101, day), (102, day)];
        assert_eq!(steps, expected);
    }

    #[test]
    fn short_codes_reach_the_day_sooner() {
        let letters = |length| CodeShape { length, alphabet: Alphabet::Letters };
        for (shape, last) in [
            (digits(4), 5),
            (digits(5), 10),
            (letters(4), 20),
            (letters(5), 100),
            (digits(6), 100),
            (digits(10), 100),
        ] {
            assert_eq!(number_wait(last, shape), Some(LONGEST));
            assert_ne!(number_wait(last - 1, shape), Some(LONGEST));
            assert_eq!(number_wait(last + 1, shape), Some(LONGEST));
        }
        // Wrong guesses at a long code also count when the next code is short.
        let mut guesses = Guesses::default();
        for n in 1..10 {
            guesses.note_wrong(source(n), digits(6), at(0));
        }
        let (_, wait) = guesses.note_wrong(source(10), digits(4), at(0));
        assert_eq!(wait.map(|wait| wait.wait), Some(LONGEST));
    }

    #[test]
    fn thirty_days_and_a_clear_forget() {
        let mut guesses = Guesses::default();
        for _ in 0..7 {
            guesses.note_wrong(source(1), digits(6), at(0));
        }
        assert_eq!(guesses.in_row(at(30 * 24 * HOUR - 1)), 7);
        assert_eq!(guesses.in_row(at(30 * 24 * HOUR)), 0);
        assert_eq!(guesses.kept_until(), Some(at(30 * 24 * HOUR)));
        let (in_row, _) = guesses.clone().note_wrong(source(1), digits(6), at(30 * 24 * HOUR));
        assert_eq!(in_row, 1);
        assert_eq!(guesses.clear(at(1)), 7);
        assert_eq!(guesses, Guesses::default());
    }

    #[test]
    fn sources_are_bounded_and_the_idlest_is_forgotten() {
        let mut guesses = Guesses::default();
        for n in 1..=MOST_SOURCES as u8 {
            guesses.note_wrong(source(n), digits(6), at(n.into()));
        }
        guesses.note_wrong(source(1), digits(6), at(100));
        guesses.note_wrong(source(200), digits(6), at(101));
        assert_eq!(guesses.sources.len(), MOST_SOURCES);
        let known = |n| guesses.sources.iter().any(|(known, _)| *known == source(n));
        assert!(known(1) && known(200) && !known(2));
    }

    #[test]
    fn a_clock_that_stepped_back_makes_no_wait_longer_than_the_rule() {
        let mut guesses = Guesses::default();
        for _ in 0..100 {
            guesses.note_wrong(source(1), digits(6), at(90 * 24 * HOUR));
        }
        guesses.pull_back(at(0));
        assert_eq!(guesses.wait(source(2), at(10)).unwrap().wait, LONGEST - Duration::from_secs(10));
        assert_eq!(guesses.in_row(at(10)), 100, "and the count stays");
    }

    #[test]
    fn packed_form_round_trips() {
        let mut guesses = Guesses::default();
        for n in 0..3 {
            let packed = guesses.pack(Writer::default()).finish();
            assert_eq!(Guesses::read(&mut Reader(&packed)), Some(guesses.clone()));
            guesses.note_wrong(source(n), digits(4), at(n.into()));
        }
    }
}
