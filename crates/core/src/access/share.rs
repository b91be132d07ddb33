//! The part of a tenant's things that a member or a key may use.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

/// The maximum number of things in a list.
pub const MOST: usize = 100;

/// All things of one kind, none of them, or the listed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share<T> {
    /// `None` for all; an empty set for none. Each request copies the share of its key, so a copy is cheap.
    listed: Option<Arc<BTreeSet<T>>>,
}

/// A list has more than [`MOST`] things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share lists at most {MOST} things")]
pub struct TooMany;

/// The actor's share lacks a thing. The answer is the same for a thing that does not exist, so that the actor
/// learns nothing about the things of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not in the share of the actor")]
pub struct NotShared;

impl<T: Ord> Share<T> {
    pub const fn all() -> Self {
        Self { listed: None }
    }

    pub fn none() -> Self {
        Self { listed: Some(Arc::default()) }
    }

    /// The share of exactly these things. An empty list is the share of none.
    pub fn of(things: impl IntoIterator<Item = T>) -> Result<Self, TooMany> {
        let mut listed = BTreeSet::new();
        for thing in things {
            listed.insert(thing);
            if listed.len() > MOST {
                return Err(TooMany);
            }
        }
        Ok(Self { listed: Some(Arc::new(listed)) })
    }

    /// The share of one thing.
    pub fn one(thing: T) -> Self {
        Self { listed: Some(Arc::new(BTreeSet::from([thing]))) }
    }

    /// The listed things; `None` if the share contains all.
    pub fn listed(&self) -> Option<&BTreeSet<T>> {
        self.listed.as_deref()
    }

    pub fn admits(&self, thing: &T) -> bool {
        self.listed.as_ref().is_none_or(|listed| listed.contains(thing))
    }

    /// Returns whether the share is not that of all.
    pub fn is_bounded(&self) -> bool {
        self.listed.is_some()
    }

    /// Refuses a thing that was found, or was not (`None`), unless the share contains it. A share of all
    /// refuses nothing: its holder may know what does not exist.
    pub fn demand(&self, found: Option<&T>) -> Result<(), NotShared> {
        match &self.listed {
            None => Ok(()),
            Some(listed) => {
                let shared = found.is_some_and(|thing| listed.contains(thing));
                if shared { Ok(()) } else { Err(NotShared) }
            }
        }
    }

    /// Returns whether the other share admits everything that this one admits. A share of all is within no
    /// list, because the tenant may get more things.
    pub fn is_within(&self, other: &Self) -> bool {
        match (&self.listed, &other.listed) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(others)) => own.is_subset(others),
        }
    }

    /// The things that both shares admit.
    pub fn within(&self, other: &Self) -> Self
    where
        T: Clone,
    {
        match (&self.listed, &other.listed) {
            (_, None) => self.clone(),
            (None, Some(_)) => other.clone(),
            (Some(own), Some(others)) => Self { listed: Some(Arc::new(&**own & &**others)) },
        }
    }
}

impl<T: Ord + FromStr> Share<T> {
    /// Reads the stored form: `all`, `none`, or the things with spaces between them.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::all()),
            "none" => Some(Self::none()),
            "" => None,
            list => Self::of(list.split(' ').map(str::parse).collect::<Result<Vec<_>, _>>().ok()?).ok(),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Share<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.listed {
            None => f.write_str("all"),
            Some(listed) if listed.is_empty() => f.write_str("none"),
            Some(listed) => {
                for (index, thing) in listed.iter().enumerate() {
                    write!(f, "{}{thing}", if index == 0 { "" } else { " " })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn share() -> impl Strategy<Value = Share<u8>> {
        let listed = proptest::collection::btree_set(0u8..6, 0..6);
        prop_oneof![Just(Share::all()), listed.prop_map(|things| Share::of(things).unwrap())]
    }

    proptest! {
        #[test]
        fn the_stored_form_reads_back(share in share()) {
            prop_assert_eq!(Share::parse(&share.to_string()), Some(share));
        }

        #[test]
        fn a_share_within_another_admits_no_more(one in share(), other in share()) {
            // 6 is in no list: only the share of all admits it.
            let no_more = (0..=6).all(|thing| !one.admits(&thing) || other.admits(&thing));
            prop_assert_eq!(one.is_within(&other), no_more);
            let both = one.within(&other);
            for thing in 0..=6 {
                prop_assert_eq!(both.admits(&thing), one.admits(&thing) && other.admits(&thing));
            }
        }
    }

    #[test]
    fn only_a_share_of_all_tells_what_does_not_exist() {
        assert_eq!([None, Some(&7)].map(|found| Share::all().demand(found)), [Ok(()); 2]);
        let listed = Share::of([7, 8]).unwrap();
        let answers = [None, Some(&9), Some(&7)].map(|found| listed.demand(found));
        assert_eq!(answers, [Err(NotShared), Err(NotShared), Ok(())]);
        assert_eq!(Share::none().demand(Some(&7)), Err(NotShared));
        assert_eq!(Share::one(7), Share::of([7]).unwrap());
    }

    #[test]
    fn a_list_is_bounded() {
        assert!(Share::of(0..MOST).is_ok());
        assert_eq!(Share::of(0..=MOST), Err(TooMany));
        for text in ["", " ", "1  2", "1 x", "All"] {
            assert_eq!(Share::<u8>::parse(text), None, "{text}");
        }
    }
}
