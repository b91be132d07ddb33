//! `/portal/ip-lists`: the addresses from which the tenant's people may sign in.

use super::proof::Proof;
use crate::{
    errors::Errors,
    http::{
        answer::page_with,
        proving::{Step, done, own, own_error, step},
        visiting::{Sent, Visiting},
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;
use countersign_core::{
    access::{
        allowlist::{Allowlist, Description, Entry, ListChange, parse_range},
        change::Change,
    },
    management::{
        allowlists::{AllowlistError, read_portal_allowlist},
        security::SecurityError,
    },
    people::proof_act::ActName,
    sign_in::{
        own::{
            owners::owner_of,
            rules::{RulesError, change_portal_list, judge_portal_list},
        },
        proof::needs_proof,
        signed_in::OwnError,
        visit::Inside,
    },
};
use countersign_web::{
    problem::{Problem, directory},
    rng,
};

/// The key of the title.
pub const TITLE: &str = "list-title";
pub const TITLE_LOCKOUT: &str = "lockout-title";

#[derive(Template)]
#[template(path = "portal/portal_list.html")]
pub struct PortalListPage {
    pub shell: Shell,
    /// A line each: an address or a network, a space, and a description.
    pub entries: String,
    /// Whether the list is on: it has entries.
    pub is_on: bool,
    /// The caller's address.
    pub address: String,
    /// Whether the list covers it.
    pub is_covered: bool,
    pub proof: Proof,
}

/// The list would exclude its author, who has to say so a second time.
#[derive(Template)]
#[template(path = "portal/portal_list_lockout.html")]
pub struct LockoutPage {
    pub shell: Shell,
    pub entries: String,
    pub address: String,
    /// The names of those who would be signed out.
    pub names: Vec<String>,
    pub proof: Proof,
}

/// `GET /portal/ip-lists`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    let inside = owner(&here).await?;
    let list = read_portal_allowlist(&here.entrance.context, inside.actor.tenant).await;
    let list = list.map_err(list_error)?;
    let first = first_proof(&here);
    let late = here.late_form().await?;
    let typed = late.map_or_else(|| write(&list), |late| late.raw("entries").to_owned());
    answer(&here, typed, &list, first, Errors::default()).await
}

/// `POST /portal/ip-lists`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, form } = sent;
    let inside = owner(&here).await?;
    let (own, t, typed) = (own(&here), here.t, form.raw("entries").to_owned());
    let present =
        read_portal_allowlist(&here.entrance.context, inside.actor.tenant).await.map_err(list_error)?;
    let list = match read(&typed) {
        Ok(list) => list,
        Err(line) => {
            let errors = Errors::one("entries", t.one("list-unreadable", "line", line));
            return answer(&here, typed, &present, first_proof(&here), errors).await;
        }
    };
    let (change, confirmed) = (ListChange::Replace(list), form.is_on("lockout"));
    match judge_portal_list(&own, &inside.actor, &change, confirmed).await {
        Ok(()) => {}
        Err(RulesError::List(AllowlistError::LockOut(_))) => {
            return lockout(&here, typed, first_proof(&here), Errors::default()).await;
        }
        Err(RulesError::AllOwnersOut) => {
            let errors = Errors::one("entries", t.get("list-all-out"));
            return answer(&here, typed, &present, first_proof(&here), errors).await;
        }
        Err(error) => return Err(rules_error(error)),
    }
    let proven = match step(&here, &form, ActName::List, "portal").await? {
        Step::Proven(proven) => proven,
        Step::Missing(proof, errors) if confirmed => return lockout(&here, typed, proof, errors).await,
        Step::Missing(proof, errors) => return answer(&here, typed, &present, proof, errors).await,
    };
    let by = Change::by(&inside.actor, here.visitor.request, here.now());
    let changed =
        change_portal_list(&own, &inside.actor, (change, confirmed), &proven, &by, &mut rng()).await;
    let (_, secret) = changed.map_err(rules_error)?;
    done(&here, "/portal/ip-lists", secret.as_ref(), t.get("list-saved")).await
}

/// What the form asks for at first.
fn first_proof(here: &Visiting) -> Proof {
    let needed = needs_proof(ActName::List, &here.visit.session, here.now());
    if needed { Proof::Password } else { Proof::Nothing }
}

/// Reads the list; the error is the number of the first line that is none.
fn read(text: &str) -> Result<Allowlist, usize> {
    let mut entries = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (range, description) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let entry = parse_range(range)
            .and_then(|range| Some(Entry { range, description: Description::parse(description.trim())? }));
        entries.push(entry.ok_or(n + 1)?);
    }
    let count = entries.len();
    Allowlist::new(entries).map_err(|_| count)
}

fn write(list: &Allowlist) -> String {
    let line =
        |entry: &Entry| format!("{} {}", entry.range, entry.description.as_str()).trim_end().to_owned();
    list.entries().iter().map(line).collect::<Vec<_>>().join("\n")
}

async fn answer(
    here: &Visiting,
    entries: String,
    present: &Allowlist,
    proof: Proof,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let shell = here.shell(here.t.get(TITLE).into_owned()).await?.with_errors(errors);
    let address = here.visitor.address;
    let view = PortalListPage {
        shell,
        entries,
        is_on: !present.is_empty(),
        address: address.to_string(),
        is_covered: present.allows(address),
        proof,
    };
    Ok(page_with(status, &view)?)
}

/// The author would be out: only a second button does that.
async fn lockout(
    here: &Visiting,
    entries: String,
    proof: Proof,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let shell = here.shell(here.t.get(TITLE_LOCKOUT).into_owned()).await?.with_errors(errors);
    let address = here.visitor.address.to_string();
    let view = LockoutPage { shell, entries, address, names: vec![here.name().to_owned()], proof };
    Ok(page_with(status, &view)?)
}

/// The owner in its tenant. For everybody else there is no such page.
pub(super) async fn owner(here: &Visiting) -> Result<&Inside, Error> {
    let inside = here.inside()?;
    let owner = owner_of(&here.entrance, &inside.actor).await.map_err(directory)?;
    owner.map(|_| inside).map_err(|_| Problem::not_found("There is no such page.").into())
}

fn list_error(error: AllowlistError) -> Error {
    match error {
        AllowlistError::Directory(error) => directory(error).into(),
        _ => own_error(OwnError::Moved),
    }
}

pub(super) fn rules_error(error: RulesError) -> Error {
    match error {
        RulesError::Own(error) => own_error(error),
        RulesError::NoOwner(_) => Problem::not_found("There is no such page.").into(),
        RulesError::List(error) => list_error(error),
        RulesError::Security(SecurityError::Directory(error)) => directory(error).into(),
        RulesError::Security(_) | RulesError::AllOwnersOut => own_error(OwnError::Moved),
    }
}
