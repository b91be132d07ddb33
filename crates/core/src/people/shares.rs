//! The things of a tenant that a member may use.

use crate::{
    access::share::Share,
    id::{ProfileId, SenderId, TemplateId},
};
use std::{fmt, str::FromStr};

/// The name of a group of subjects: 1 to 64 letters, digits, hyphens, underscores and dots.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName(String);

/// A text that is not the name of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a group")]
pub struct GroupNameError;

impl GroupName {
    /// The maximum length, in characters.
    pub const MAX: usize = 64;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupName {
    type Err = GroupNameError;

    fn from_str(text: &str) -> Result<Self, GroupNameError> {
        let fits = (1..=Self::MAX).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        // The stored form of a share has these two words for other things than names.
        let word = matches!(text, "all" | "none");
        if fits && plain && !word { Ok(Self(text.to_owned())) } else { Err(GroupNameError) }
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The share of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    pub senders: Share<SenderId>,
    pub templates: Share<TemplateId>,
    pub profiles: Share<ProfileId>,
    pub groups: Share<GroupName>,
}

impl Shares {
    pub const fn all() -> Self {
        Self { senders: Share::all(), templates: Share::all(), profiles: Share::all(), groups: Share::all() }
    }

    /// Returns whether the other shares admit everything that these admit.
    pub fn is_within(&self, other: &Self) -> bool {
        let Self { senders, templates, profiles, groups } = self;
        senders.is_within(&other.senders)
            && templates.is_within(&other.templates)
            && profiles.is_within(&other.profiles)
            && groups.is_within(&other.groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_compared() {
        let all = Shares::all();
        let narrowed = [
            Shares { senders: Share::none(), ..Shares::all() },
            Shares { templates: Share::none(), ..Shares::all() },
            Shares { profiles: Share::none(), ..Shares::all() },
            Shares { groups: Share::of(["vip".parse().unwrap()]).unwrap(), ..Shares::all() },
        ];
        for one in &narrowed {
            assert!(one.is_within(&all) && !all.is_within(one), "{one:?}");
            assert_eq!(narrowed.iter().filter(|other| one.is_within(other)).count(), 1);
        }
    }

    #[test]
    fn group_names_are_words() {
        for text in ["vip", "a", "North-1_b.c", &"x".repeat(64)] {
            assert_eq!(text.parse::<GroupName>().unwrap().as_str(), text);
        }
        for text in ["", "all", "none", "a b", "ż", "a,b", &"x".repeat(65)] {
            assert_eq!(text.parse::<GroupName>(), Err(GroupNameError), "{text}");
        }
    }
}
