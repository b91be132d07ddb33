//! Shares as JSON: `all`, `none`, or the names of the things. The store has ids, because a template may get
//! another name.

use crate::http::values::{profile_name, sender, template_name};
use countersign_core::{
    access::{actor::Actor, share},
    acts::shares::judge_whole_tenant,
    context::Replica,
    id::{ProfileId, SenderId, TemplateId},
    management::{profiles::list_profiles, senders::list_senders, templates::list_templates},
    message::{sender_text::SenderText, template::set::TemplateName},
    people::shares::{GroupName, Shares},
    tenant::profile::ProfileName,
};
use countersign_web::{
    fields::{Fields, array, text},
    problem::{Fault, FieldError, Problem, ProblemCode},
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeSet;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema, Type,
        schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder},
    },
};

/// `all` things of a kind, `none` of them, or a list of names.
#[derive(Debug, PartialEq)]
pub enum Share {
    All,
    None,
    Listed(Vec<String>),
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::None => serializer.serialize_str("none"),
            Self::Listed(names) => names.serialize(serializer),
        }
    }
}

impl ToSchema for Share {}
impl PartialSchema for Share {
    fn schema() -> RefOr<Schema> {
        let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["all", "none"]));
        let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(64));
        let most = Some(share::MOST);
        OneOfBuilder::new()
            .item(word)
            .item(ArrayBuilder::new().items(name).max_items(most))
            .description(Some("`all`, `none`, or a list of at most 100 names."))
            .examples([serde_json::json!(["default"])])
            .into()
    }
}

impl Share {
    /// The share of things with these names. It leaves out deleted things, and those that the caller does not reach.
    fn of<T: Ord>(share: &share::Share<T>, name: impl Fn(&T) -> Option<String>) -> Self {
        match share.listed() {
            None => Self::All,
            Some(listed) if listed.is_empty() => Self::None,
            Some(listed) => Self::Listed(listed.iter().filter_map(name).collect()),
        }
    }
}

/// The shares of a member.
#[derive(Serialize, ToSchema)]
pub struct MemberShares {
    /// The senders that it may name, by their texts.
    senders: Share,
    /// The templates that it may name.
    templates: Share,
    /// The profiles that it reaches.
    profiles: Share,
    /// The groups of subjects that it reaches.
    groups: Share,
}

/// A share in a request.
pub enum Asked<T> {
    All,
    None,
    Listed(BTreeSet<T>),
}

/// Reads a share. Each wrong entry is an error of its own, named `field[3]`.
pub fn share<T: Ord>(
    read: impl Fn(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &str) -> Option<Option<Asked<T>>> {
    move |fields, field| {
        let Some(value) = fields.given(field, Ok) else { return Some(None) };
        let word = value.as_str().map(|word| match word {
            "all" => Ok(Asked::All),
            "none" => Ok(Asked::None),
            _ => Err(Fault::format("must be all, none or a list")),
        });
        let listed = match word {
            Some(Ok(word)) => return Some(Some(word)),
            Some(Err(fault)) => Err(fault),
            None => array(value).map_err(|_| Fault::new("wrong_type", "must be all, none or a list")),
        };
        let listed = listed.and_then(|listed| match listed.len() {
            0..=share::MOST => Ok(listed),
            _ => Err(Fault::new("too_long", format!("must have at most {} entries", share::MOST))),
        });
        let listed = listed.map_err(|fault| fields.fail(field, fault)).ok()?;
        let mut found = BTreeSet::new();
        for (place, value) in listed.into_iter().enumerate() {
            match read(value) {
                Ok(value) => drop(found.insert(value)),
                Err(fault) => fields.fail(&format!("{field}[{place}]"), fault),
            }
        }
        Some(Some(Asked::Listed(found)))
    }
}

countersign_web::request! {
    /// Shares of a member. Absent shares stay as they are; those of a new member are `all`.
    pub struct AskedShares {
        /// The senders that it may name, by their texts.
        #[schema(nullable = false)]
        senders: Option<Asked<SenderText>> as Option<Share> = share(sender),
        /// The templates that it may name.
        #[schema(nullable = false)]
        templates: Option<Asked<TemplateName>> as Option<Share> = share(template_name),
        /// The profiles that it reaches.
        #[schema(nullable = false)]
        profiles: Option<Asked<ProfileName>> as Option<Share> = share(profile_name),
        /// The groups of subjects that it reaches.
        #[schema(nullable = false)]
        groups: Option<Asked<GroupName>> as Option<Share> = share(group),
    }
}

fn group(value: Value) -> Result<GroupName, Fault> {
    let fault = "must be 1 to 64 letters, digits, hyphens, underscores and dots, and neither all nor none";
    text(value)?.parse().map_err(|_| Fault::format(fault))
}

/// The shares of a request, by ids.
#[derive(Default)]
pub struct FoundShares {
    pub senders: Option<share::Share<SenderId>>,
    pub templates: Option<share::Share<TemplateId>>,
    pub profiles: Option<share::Share<ProfileId>>,
    pub groups: Option<share::Share<GroupName>>,
}

/// The kinds of things whose names are needed.
#[derive(Clone, Copy, Default)]
struct Kinds {
    senders: bool,
    templates: bool,
    profiles: bool,
}

/// The names of a tenant's senders, templates and profiles, as far as the caller reaches them.
#[derive(Default)]
pub struct Names {
    senders: Vec<(SenderId, String)>,
    templates: Vec<(TemplateId, String)>,
    profiles: Vec<(ProfileId, String)>,
}

impl Names {
    async fn read(replica: &Replica, actor: &Actor, kinds: Kinds) -> Result<Self, Problem> {
        let mut names = Self::default();
        if kinds.senders {
            let found = list_senders(replica, actor).await?.into_iter();
            names.senders = found.map(|one| (one.id, one.text.as_str().to_owned())).collect();
        }
        if kinds.templates {
            let found = list_templates(replica, actor).await?.into_iter();
            names.templates = found.map(|(one, ..)| (one.id, one.name.as_str().to_owned())).collect();
        }
        if kinds.profiles {
            let found = list_profiles(replica, actor).await?.into_iter();
            names.profiles = found.map(|one| (one.id, one.name.as_str().to_owned())).collect();
        }
        Ok(names)
    }

    /// The names that these shares need.
    pub async fn of_shares(
        replica: &Replica,
        actor: &Actor,
        shares: impl Iterator<Item = &Shares>,
    ) -> Result<Self, Problem> {
        let kinds = shares.fold(Kinds::default(), |kinds, shares| Kinds {
            senders: kinds.senders || lists(&shares.senders),
            templates: kinds.templates || lists(&shares.templates),
            profiles: kinds.profiles || lists(&shares.profiles),
        });
        Self::read(replica, actor, kinds).await
    }

    /// The names of the profiles that these shares need.
    pub async fn of_profiles(
        replica: &Replica,
        actor: &Actor,
        mut shares: impl Iterator<Item = &share::Share<ProfileId>>,
    ) -> Result<Self, Problem> {
        Self::read(replica, actor, Kinds { profiles: shares.any(lists), ..Kinds::default() }).await
    }

    pub fn profiles(&self, share: &share::Share<ProfileId>) -> Share {
        Share::of(share, |id| name_of(&self.profiles, id))
    }

    pub fn shares(&self, shares: &Shares) -> MemberShares {
        MemberShares {
            senders: Share::of(&shares.senders, |id| name_of(&self.senders, id)),
            templates: Share::of(&shares.templates, |id| name_of(&self.templates, id)),
            profiles: self.profiles(&shares.profiles),
            groups: Share::of(&shares.groups, |name| Some(name.to_string())),
        }
    }
}

fn lists<T: Ord>(share: &share::Share<T>) -> bool {
    share.listed().is_some_and(|listed| !listed.is_empty())
}

fn name_of<T: PartialEq>(names: &[(T, String)], id: &T) -> Option<String> {
    names.iter().find(|(one, _)| one == id).map(|(_, name)| name.clone())
}

/// Finds the ids of the names in a request.
struct Finder {
    names: Names,
    errors: Vec<(FieldError, ProblemCode)>,
}

impl Finder {
    fn find<T, I: Ord + Copy>(
        &mut self,
        (field, missing): (&str, &'static str),
        asked: Asked<T>,
        known: impl Fn(&Names) -> &[(I, String)],
        text: impl Fn(&T) -> &str,
    ) -> share::Share<I> {
        let listed = match asked {
            Asked::All => return share::Share::all(),
            Asked::None => return share::Share::none(),
            Asked::Listed(listed) => listed,
        };
        let mut ids = Vec::new();
        for name in &listed {
            match known(&self.names).iter().find(|(_, one)| one == text(name)) {
                Some((id, _)) => ids.push(*id),
                None => self.errors.push(Fault::new("not_found", missing).of_field(field)),
            }
        }
        // The reader refused longer lists.
        share::Share::of(ids).unwrap_or_else(|_| share::Share::none())
    }

    /// Returns what was found. For a name that is missing, an actor with a bounded share gets the same answer whether
    /// or not the tenant has the thing.
    fn finish<T>(self, replica: &Replica, actor: &Actor, found: T) -> Result<T, Problem> {
        if self.errors.is_empty() {
            return Ok(found);
        }
        judge_whole_tenant(replica, actor)?;
        Err(Problem::of_fields(&self.errors))
    }
}

const NO_PROFILE: &str = "names no profile of the tenant";

/// Finds the profiles that the field `profiles` of a request names.
pub async fn find_profiles(
    replica: &Replica,
    actor: &Actor,
    asked: Option<Asked<ProfileName>>,
) -> Result<Option<share::Share<ProfileId>>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    let kinds = Kinds { profiles: matches!(asked, Asked::Listed(_)), ..Kinds::default() };
    let mut finder = Finder { names: Names::read(replica, actor, kinds).await?, errors: Vec::new() };
    let found = finder.find(("profiles", NO_PROFILE), asked, |names| &names.profiles, |name| name.as_str());
    finder.finish(replica, actor, Some(found))
}

/// Finds the things that the field `shares` of a request names.
pub async fn find_shares(
    replica: &Replica,
    actor: &Actor,
    asked: Option<AskedShares>,
) -> Result<FoundShares, Problem> {
    let Some(AskedShares { senders, templates, profiles, groups }) = asked else {
        return Ok(FoundShares::default());
    };
    let kinds = Kinds {
        senders: matches!(senders, Some(Asked::Listed(_))),
        templates: matches!(templates, Some(Asked::Listed(_))),
        profiles: matches!(profiles, Some(Asked::Listed(_))),
    };
    let mut finder = Finder { names: Names::read(replica, actor, kinds).await?, errors: Vec::new() };
    let senders = senders.map(|asked| {
        let of = ("shares.senders", "names no sender of the tenant");
        finder.find(of, asked, |names| &names.senders, |text| text.as_str())
    });
    let templates = templates.map(|asked| {
        let of = ("shares.templates", "names no template of the tenant");
        finder.find(of, asked, |names| &names.templates, |name| name.as_str())
    });
    let profiles = profiles.map(|asked| {
        finder.find(("shares.profiles", NO_PROFILE), asked, |names| &names.profiles, |name| name.as_str())
    });
    let groups = groups.map(|asked| match asked {
        Asked::All => share::Share::all(),
        Asked::None => share::Share::none(),
        // The reader refused longer lists.
        Asked::Listed(listed) => share::Share::of(listed).unwrap_or_else(|_| share::Share::none()),
    });
    finder.finish(replica, actor, FoundShares { senders, templates, profiles, groups })
}
