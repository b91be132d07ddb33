//! One walk over the file: what each object is, what it shall be, and the change between them. A dry walk
//! changes nothing and finds every fault; the other one acts by the same rules.

use super::lines::{Act, FieldChange, Line, Printer, diff};
use crate::machine::SystemClock;
use countersign_core::{
    access::{actor::Actor, change::Change},
    context::Management,
    delivery::account::Shared,
    id::TenantId,
    management::{
        allowlists::AllowlistError, keys::KeyError, profiles::ProfileError, resources::ResourceError,
        security::SecurityError, settings::SettingError, tenants::TenantError,
    },
    ports::{
        applied::{Applied, AppliedKind, AppliedNotes},
        clock::Clock as _,
        error::StoreError,
    },
    tenant::{OPERATOR, Tenant},
    time::Timestamp,
};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Why a walk ended early.
pub(super) enum Failure {
    /// Somebody else changed the same: another walk sees what it is now.
    Raced,
    /// Nothing that another walk would mend.
    Error(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Moved => Self::Raced,
            error => Self::Error(error.into()),
        }
    }
}

impl From<ResourceError> for Failure {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::NameTaken(_) | ResourceError::Changed(_) | ResourceError::NotFound(_) => {
                Self::Raced
            }
            ResourceError::Directory(error) => error.into(),
            error => Self::Error(crate::command::provider::explain(error)),
        }
    }
}

macro_rules! from_directory {
    ($($error:ident $(($raced:pat))?),+) => { $(impl From<$error> for Failure {
        fn from(error: $error) -> Self {
            match error {
                $error::Directory(error) => error.into(),
                $($raced => Self::Raced,)?
                error => Self::Error(error.into()),
            }
        }
    })+ };
}

from_directory!(
    KeyError(KeyError::NotFound),
    ProfileError(ProfileError::NotFound),
    SettingError(SettingError::NotFound),
    TenantError(TenantError::NotFound),
    AllowlistError,
    SecurityError
);

pub(super) type Walked<T = ()> = Result<T, Failure>;

/// An object as it is: its id, or what else tells it from others, and its fields.
pub(super) type Found = Option<(String, Map<String, Value>)>;

/// Which object.
#[derive(Clone, Copy)]
pub(super) struct What<'a> {
    pub owner: &'a Owner,
    pub kind: AppliedKind,
    pub name: &'a str,
    pub place: &'a str,
}

/// Whose objects are walked.
#[derive(Clone)]
pub(super) struct Owner {
    pub id: TenantId,
    /// None of the operator.
    pub name: Option<String>,
    /// A dry walk would have made it.
    pub new: bool,
}

impl Owner {
    pub(super) fn operator() -> Self {
        Self { id: OPERATOR, name: None, new: false }
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::operator(self.id)
    }
}

/// An account as the file makes it.
pub(super) struct Declared {
    /// Whether routes may lead through it.
    pub usable: bool,
    pub shared: Shared,
}

pub(super) struct Walk<'a> {
    pub management: &'a Management,
    pub notes: &'a dyn AppliedNotes,
    pub source: &'a str,
    pub dry: bool,
    pub now: Timestamp,
    printer: &'a Printer,
    /// What the source made, as it was noted when the walk began.
    pub made: HashSet<Applied>,
    /// What is there and the file names.
    pub named: HashSet<Applied>,
    /// All tenants, as they were when the walk began.
    pub tenants: Vec<Tenant>,
    /// The tenants of the file, in its order.
    pub owners: Vec<Owner>,
    /// The accounts of the file, by owner and name.
    pub accounts: HashMap<(TenantId, String), Declared>,
    pub lines: Vec<Line>,
    pub unchanged: usize,
    /// What is wrong with the file beside what is there.
    pub faults: Vec<String>,
}

impl<'a> Walk<'a> {
    pub(super) async fn begin(
        management: &'a Management,
        notes: &'a dyn AppliedNotes,
        (source, dry): (&'a str, bool),
        printer: &'a Printer,
    ) -> Walked<Self> {
        // Messages to try an account are about the tenant as the snapshot has it.
        management.refresh().await?;
        let made = notes.list_applied(source).await?.into_iter().collect();
        let mut tenants: Vec<Tenant> = Vec::new();
        loop {
            let page = management.directory.list_tenants(tenants.last().map(|last| last.id), 100).await?;
            let more = page.len() == 100;
            tenants.extend(page);
            if !more {
                break;
            }
        }
        Ok(Self {
            management,
            notes,
            source,
            dry,
            now: SystemClock.now(),
            printer,
            made,
            named: HashSet::new(),
            tenants,
            owners: Vec::new(),
            accounts: HashMap::new(),
            lines: Vec::new(),
            unchanged: 0,
            faults: Vec::new(),
        })
    }

    pub(super) fn by(&self) -> Change {
        Change::by_operator(self.now)
    }

    pub(super) fn fault(&mut self, place: &str, field: &str, message: impl std::fmt::Display) {
        self.faults.push(format!("{place}.{field}: {message}"));
    }

    /// Makes the object what it shall be, unless it is. `act` gives its id.
    pub(super) async fn object(
        &mut self,
        what: What<'_>,
        before: Found,
        after: &Map<String, Value>,
        act: impl AsyncFnOnce() -> Walked<String>,
    ) -> Walked {
        self.object_with(what, before, (after, Vec::new()), act).await
    }

    /// The same with changes that its fields do not show.
    pub(super) async fn object_with(
        &mut self,
        What { owner, kind, name, place }: What<'_>,
        before: Found,
        (after, mut hidden): (&Map<String, Value>, Vec<FieldChange>),
        act: impl AsyncFnOnce() -> Walked<String>,
    ) -> Walked {
        let of = |entity: String| Applied { tenant: owner.id, kind, entity };
        let mut changes = Vec::new();
        if let Some((entity, before)) = &before {
            self.named.insert(of(entity.clone()));
            changes = diff(before, after);
            changes.append(&mut hidden);
            if changes.is_empty() {
                self.unchanged += 1;
                return Ok(());
            }
        }
        let made = before.is_none();
        if !self.dry {
            let entity = act().await.map_err(|failure| failure.at(place))?;
            if made {
                self.note(of(entity)).await?;
            }
        }
        let act = if made { Act::Create } else { Act::Update };
        let (tenant, name) = (owner.name.clone(), name.to_owned());
        self.line(Line { act, tenant, kind, name, changes, note: None })
    }

    /// Notes that the source made it, so that the same source may delete it.
    pub(super) async fn note(&mut self, applied: Applied) -> Walked {
        if !self.dry && !self.made.contains(&applied) {
            self.notes.note_applied(self.source, &applied, self.now).await?;
        }
        self.named.insert(applied);
        Ok(())
    }

    /// Printed at once where it has happened: a process that is killed has said what it did.
    pub(super) fn line(&mut self, line: Line) -> Walked {
        if !self.dry {
            self.printer.print(&line)?;
        }
        self.lines.push(line);
        Ok(())
    }
}

impl Failure {
    fn at(self, place: &str) -> Self {
        match self {
            Self::Error(error) => Self::Error(error.context(place.to_owned())),
            raced => raced,
        }
    }
}
