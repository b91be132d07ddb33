//! Allowlists: the addresses from which a tenant's keys, or one key, may be used.

use crate::access::address::parse_network;
use ipnet::IpNet;
use std::{collections::HashSet, fmt, net::IpAddr, sync::Arc};

/// The purpose of an entry, in its author's words: up to 100 characters without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// The maximum length, in characters.
    pub const MAX: usize = 100;

    /// Returns `None` if the text is too long or contains a control character.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.chars().count() <= Self::MAX && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One range of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The range, without host bits. An IPv4-mapped range is stored as the IPv4 range.
    pub range: IpNet,
    pub description: Description,
}

/// Reads an address or a range and cuts off host bits. An IPv4-mapped range becomes the IPv4 range, because
/// callers' addresses are treated alike.
pub fn parse_range(text: &str) -> Option<IpNet> {
    parse_network(text)
}

/// The reasons why entries are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// There are more than [`Allowlist::MOST`].
    #[error("an allowlist has at most 100 entries")]
    TooMany,
    /// The entries at these indexes repeat the range of an earlier entry.
    #[error("a range stands twice in the allowlist")]
    Duplicates(Vec<usize>),
}

/// A change of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListChange {
    Replace(Allowlist),
    /// Adds the entries at the end.
    Add(Vec<Entry>),
    /// Removes the entries of these ranges.
    Remove(Vec<IpNet>),
}

/// The reasons why a list is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListChangeError {
    #[error(transparent)]
    Entries(#[from] EntriesError),
    /// The list has no entry of this range.
    #[error("the list has no entry {0}")]
    Missing(IpNet),
    /// The list would have no entry left, and so would admit everybody.
    #[error("without these entries the list would be empty and admit every address")]
    Empty,
}

/// A list of ranges. An empty list admits every address. Clones share the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist(Arc<[Entry]>);

impl Allowlist {
    /// The maximum number of entries.
    pub const MOST: usize = 100;

    pub fn new(entries: Vec<Entry>) -> Result<Self, EntriesError> {
        if entries.len() > Self::MOST {
            return Err(EntriesError::TooMany);
        }
        let mut seen = HashSet::new();
        let twice = entries.iter().enumerate().filter(|(_, entry)| !seen.insert(entry.range));
        let twice: Vec<_> = twice.map(|(place, _)| place).collect();
        if twice.is_empty() { Ok(Self(entries.into())) } else { Err(EntriesError::Duplicates(twice)) }
    }

    /// The entries, in their author's order.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Returns whether the list has no entries, and so admits every address.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the list admits `address`, which must be in canonical form.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.is_empty() || self.0.iter().any(|entry| entry.range.contains(&address))
    }

    /// Returns whether `wider` admits every address that this list admits.
    pub fn is_within(&self, wider: &Self) -> bool {
        let ranges: Vec<_> = wider.0.iter().map(|entry| entry.range).collect();
        // Two entries for the halves of a network admit the same as one entry for the network.
        let ranges = IpNet::aggregate(&ranges);
        let covered = |entry: &Entry| ranges.iter().any(|range| range.contains(&entry.range));
        wider.is_empty() || (!self.is_empty() && self.0.iter().all(covered))
    }

    /// The list after a change.
    pub fn changed(&self, change: ListChange) -> Result<Self, ListChangeError> {
        match change {
            ListChange::Replace(list) => Ok(list),
            ListChange::Add(entries) => Ok(Self::new([self.entries(), &entries].concat())?),
            ListChange::Remove(ranges) => {
                let known = |range: &&IpNet| self.0.iter().any(|entry| entry.range == **range);
                if let Some(missing) = ranges.iter().find(|range| !known(range)) {
                    return Err(ListChangeError::Missing(*missing));
                }
                let rest = self.0.iter().filter(|entry| !ranges.contains(&entry.range)).cloned();
                let rest = rest.collect::<Vec<_>>();
                if rest.is_empty() { Err(ListChangeError::Empty) } else { Ok(Self::new(rest)?) }
            }
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        let entry = |line: &str| {
            let (range, description) = line.split_once('\t')?;
            Some(Entry { range: range.parse().ok()?, description: Description::parse(description)? })
        };
        Self::new(text.lines().map(entry).collect::<Option<_>>()?).ok()
    }
}

impl fmt::Display for Allowlist {
    /// Writes a line for each entry, `10.0.0.0/8<TAB>office`, as SQL stores it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|Entry { range, description }| writeln!(f, "{range}\t{}", description.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(ranges: &[&str]) -> Allowlist {
        let entry =
            |range: &&str| Entry { range: parse_range(range).unwrap(), description: Description::default() };
        Allowlist::new(ranges.iter().map(entry).collect()).unwrap()
    }

    #[test]
    fn ranges_are_written_in_one_way() {
        for (text, expected) in [
            ("203.0.113.7", Some("203.0.113.7/32")),
            ("203.0.113.7/24", Some("203.0.113.0/24")),
            ("2001:DB8::1/64", Some("2001:db8::/64")),
            ("2001:db8::1", Some("2001:db8::1/128")),
            ("::ffff:203.0.113.7", Some("203.0.113.7/32")),
            ("::ffff:203.0.113.7/120", Some("203.0.113.0/24")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("203.0.113.7/33", None),
            ("203.0.113", None),
            ("203.0.113.0/255.255.255.0", None),
            ("203.0.113.1-203.0.113.9", None),
            (" 203.0.113.7", None),
            ("fe80::1%eth0", None),
            ("office.example.com", None),
            ("", None),
        ] {
            let range = parse_range(text).map(|range| range.to_string());
            assert_eq!(range.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_empty_list_admits_everybody_and_another_only_its_ranges() {
        let admits = |ranges: &[&str], address: &str| list(ranges).allows(address.parse().unwrap());
        assert!(admits(&[], "203.0.113.7") && admits(&[], "2001:db8::1"));
        let ranges = ["203.0.113.0/24", "2001:db8::/64", "::ffff:198.51.100.1"];
        for inside in ["203.0.113.0", "203.0.113.255", "2001:db8::9", "198.51.100.1"] {
            assert!(admits(&ranges, inside), "{inside}");
        }
        for outside in ["203.0.112.255", "203.0.114.0", "2001:db8:0:1::", "198.51.100.2", "::1"] {
            assert!(!admits(&ranges, outside), "{outside}");
        }
        assert!(!admits(&["::/0"], "203.0.113.7"), "all of IPv6 is nothing of IPv4");
    }

    #[test]
    fn a_list_lies_within_another_if_it_admits_nothing_more() {
        for (narrow, wide, within) in [
            (&["10.1.0.0/16", "10.2.3.4"][..], &["10.0.0.0/8"][..], true),
            (&["10.0.0.0/8"], &["10.0.0.0/9", "10.128.0.0/9"], true),
            (&["10.0.0.0/8"], &["10.0.0.0/9"], false),
            (&["10.1.1.1", "192.0.2.1"], &["10.0.0.0/8"], false),
            (&["2001:db8::1"], &["0.0.0.0/0"], false),
            (&[], &["0.0.0.0/0"], false),
            (&["10.1.1.1"], &[], true),
            (&[], &[], true),
        ] {
            assert_eq!(list(narrow).is_within(&list(wide)), within, "{narrow:?} in {wide:?}");
        }
    }

    #[test]
    fn a_list_is_bounded_and_has_no_range_twice() {
        let entry = |text: &str| Entry {
            range: parse_range(text).unwrap(),
            description: Description::parse("x").unwrap(),
        };
        let twice = ["10.0.0.1", "10.0.0.2", "::ffff:10.0.0.1", "10.0.0.2/32"].iter().map(|text| entry(text));
        assert_eq!(Allowlist::new(twice.collect()), Err(EntriesError::Duplicates(vec![2, 3])));
        let many = |count: u8| Allowlist::new((0..count).map(|n| entry(&format!("10.0.0.{n}"))).collect());
        assert_eq!(many(100).unwrap().entries().len(), 100);
        assert_eq!(many(101), Err(EntriesError::TooMany));
        assert!(Description::parse(&"ż".repeat(100)).is_some());
        assert!(Description::parse(&"ż".repeat(101)).is_none());
        assert!(Description::parse("a\tb").is_none() && Description::parse("a\nb").is_none());
    }

    #[test]
    fn entries_are_added_at_the_end_and_removed_by_their_range() {
        let entries = |ranges: &[&str]| list(ranges).entries().to_vec();
        let range = |text: &str| parse_range(text).unwrap();
        let two = list(&["10.0.0.0/8"]).changed(ListChange::Add(entries(&["::1"]))).unwrap();
        assert_eq!(two, list(&["10.0.0.0/8", "::1"]));
        let again = two.changed(ListChange::Add(entries(&["::2", "::1"])));
        assert_eq!(again, Err(EntriesError::Duplicates(vec![3]).into()));
        let one = two.changed(ListChange::Remove(vec![range("10.9.9.9/8")]));
        assert_eq!(one, Ok(list(&["::1"])));
        let within = two.changed(ListChange::Remove(vec![range("10.0.0.0/9")]));
        assert_eq!(within, Err(ListChangeError::Missing(range("10.0.0.0/9"))));
        let none = two.changed(ListChange::Remove(vec![range("::1"), range("10.0.0.0/8")]));
        assert_eq!(none, Err(ListChangeError::Empty), "an empty list would admit everybody");
        assert_eq!(two.changed(ListChange::Replace(list(&[]))), Ok(list(&[])));
    }

    proptest! {
        #[test]
        fn a_list_is_read_as_it_is_written(
            entries in prop::collection::vec((any::<[u8; 4]>(), 0u8..=32, "\\PC{0,100}"), 0..20),
        ) {
            let entries = entries.into_iter().map(|(address, length, description)| Entry {
                range: parse_range(&format!("{}/{length}", IpAddr::from(address))).unwrap(),
                description: Description::parse(&description).unwrap(),
            });
            if let Ok(list) = Allowlist::new(entries.collect()) {
                prop_assert_eq!(Allowlist::parse(&list.to_string()), Some(list));
            }
        }
    }

    #[test]
    fn what_is_no_list_is_not_read() {
        for bad in ["10.0.0.0/8", "office\t10.0.0.0/8", "10.0.0.0/8\ta\n10.0.0.0/8\tb", "\n"] {
            assert!(Allowlist::parse(bad).is_none(), "{bad:?}");
        }
        assert_eq!(Allowlist::parse(""), Some(Allowlist::default()));
    }
}
