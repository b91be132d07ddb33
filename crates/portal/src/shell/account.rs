//! The person who signed in, as every page shows it, and the pages that this person may open.

use crate::text::Text;
use countersign_core::{mode::Mode, people::member::Role, time::Timestamp};

/// What the member may open. A page that it may not open is not in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A person who has not chosen a tenant yet.
    Nowhere,
    Subuser,
    Owner,
}

impl From<Role> for Reach {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Subuser => Self::Subuser,
        }
    }
}

/// A fact that stays on top of every page as long as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banner {
    /// The tenant asks for a new password, and it can be put off.
    PasswordOld { days: u16 },
    /// The owner acts as this member.
    Acting { name: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub person: String,
    pub reach: Reach,
    /// The name of the tenant that the session is in.
    pub tenant: Option<String>,
    /// Whether the person belongs to several tenants.
    pub may_change: bool,
    /// The path of the page, for the navigation.
    pub path: String,
    pub banners: Vec<Banner>,
    /// The mode of the data on the page, if it shows any.
    pub mode: Option<Mode>,
    /// When the session ends if nothing happens.
    pub ends_at: Option<Timestamp>,
}

pub struct NavItem {
    pub path: &'static str,
    pub label: &'static str,
    pub icon: &'static str,
    pub is_current: bool,
}

pub struct NavGroup {
    /// The key of the heading; the first group has none.
    pub label: &'static str,
    pub items: Vec<NavItem>,
}

struct Page {
    group: &'static str,
    path: &'static str,
    label: &'static str,
    icon: &'static str,
    for_owners: bool,
}

/// All pages of the navigation in their order.
const PAGES: [Page; 2] = [
    Page { group: "", path: "/portal", label: "nav-home", icon: "home", for_owners: false },
    Page {
        group: "nav-access",
        path: "/portal/ip-lists",
        label: "nav-ip-lists",
        icon: "list",
        for_owners: true,
    },
];

impl Account {
    /// The pages that this person may open.
    pub fn navigation(&self) -> Vec<NavGroup> {
        let mut groups: Vec<NavGroup> = Vec::new();
        let open = PAGES.iter().filter(|page| match self.reach {
            Reach::Nowhere => false,
            Reach::Subuser => !page.for_owners,
            Reach::Owner => true,
        });
        for page in open {
            let Page { group, path, label, icon, .. } = *page;
            let below = || self.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
            let is_current = self.path == path || path != "/portal" && below();
            let item = NavItem { path, label, icon, is_current };
            match groups.last_mut().filter(|last| last.label == group) {
                Some(last) => last.items.push(item),
                None => groups.push(NavGroup { label: group, items: vec![item] }),
            }
        }
        groups
    }

    pub fn shows_test(&self) -> bool {
        self.mode == Some(Mode::Test)
    }

    pub fn has_bands(&self) -> bool {
        self.shows_test() || !self.banners.is_empty()
    }

    pub fn is_owner(&self) -> bool {
        self.reach == Reach::Owner
    }

    /// The word for the role under the name.
    pub fn role(&self, t: &Text) -> String {
        match self.reach {
            Reach::Nowhere => String::new(),
            Reach::Subuser => t.get("role-member").into_owned(),
            Reach::Owner => t.get("role-owner").into_owned(),
        }
    }

    /// The first letters of the first and the last name.
    pub fn initials(&self) -> String {
        initials(&self.person)
    }

    pub fn is_at(&self, path: &str) -> bool {
        self.path == path
    }

    /// The end of the session for the script, in milliseconds.
    pub fn ends_at_millis(&self) -> Option<i64> {
        self.ends_at.map(Timestamp::millis)
    }
}

/// The first letters of the first and the last word of a name.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let (first, last) = (words.next(), words.next_back());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(reach: Reach, path: &str) -> Account {
        Account {
            person: "Marta Anna Wiśniewska".to_owned(),
            reach,
            tenant: Some("Zielony Koszyk".to_owned()),
            may_change: false,
            path: path.to_owned(),
            banners: Vec::new(),
            mode: None,
            ends_at: None,
        }
    }

    fn paths(account: &Account) -> Vec<(&'static str, bool)> {
        let items = account.navigation().into_iter().flat_map(|group| group.items);
        items.map(|item| (item.path, item.is_current)).collect()
    }

    #[test]
    fn a_page_that_a_member_may_not_open_is_not_in_the_navigation() {
        assert_eq!(paths(&account(Reach::Nowhere, "/portal/tenants")), []);
        assert_eq!(paths(&account(Reach::Subuser, "/portal")), [("/portal", true)]);
        let owner = account(Reach::Owner, "/portal/ip-lists/confirm");
        assert_eq!(paths(&owner), [("/portal", false), ("/portal/ip-lists", true)]);
    }

    #[test]
    fn initials_are_those_of_the_first_and_the_last_name() {
        for (name, letters) in
            [("Marta Anna Wiśniewska", "MW"), ("łucja", "Ł"), ("<script>", "S"), ("", ""), ("— 3 b", "3B")]
        {
            assert_eq!(initials(name), letters, "{name}");
        }
    }
}
