//! Profiles.

use super::SqlDirectory;
use super::change::{note_change, take_number};
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::ports::directory::profiles::Profiles;
use countersign_core::{
    access::change::Change,
    audit::{entry::Draft, state::of_profile},
    code::Alphabet,
    id::{ProfileId, TenantId},
    management::profiles::MOST_PROFILES,
    ports::error::StoreError,
    tenant::{
        limits::{LimitNotes, NamedLimits},
        profile::{DisplayName, Policy, Profile, ProfileName, ResendPolicy},
    },
    time::Timestamp,
};
use std::time::Duration;

pub(super) fn read_profile(row: &Row) -> Result<Profile, StoreError> {
    let small = |index| u8::try_from(row.int(index)?).map_err(|_| row.corrupt());
    Ok(Profile {
        id: row.parsed(0, |text| text.parse().ok())?,
        tenant: row.parsed(1, |text| text.parse().ok())?,
        name: row.parsed(2, ProfileName::parse)?,
        policy: Policy {
            code_length: small(3)?,
            alphabet: row.parsed(4, Alphabet::parse)?,
            expires_in: Duration::from_secs(u64::try_from(row.int(5)?).map_err(|_| row.corrupt())?),
            max_checks: small(6)?,
            max_sends: small(7)?,
            resend: row.parsed(8, ResendPolicy::parse)?,
        },
        created_at: Timestamp::from_micros(row.int(9)?),
        limits: row.parsed(10, NamedLimits::parse)?,
        display_name: match row.text(11)? {
            "" => None,
            _ => Some(row.parsed(11, DisplayName::parse)?),
        },
        limit_notes: row.parsed(12, LimitNotes::parse)?,
    })
}

fn profile_values(profile: &Profile) -> Vec<Value> {
    let mut values: Vec<Value> = vec![
        profile.tenant.to_string().into(),
        profile.id.to_string().into(),
        profile.name.as_str().into(),
        profile.created_at.micros().into(),
    ];
    values.extend(changeable_values(profile));
    values
}

fn changeable_values(profile: &Profile) -> [Value; 9] {
    let policy = &profile.policy;
    let seconds = i64::try_from(policy.expires_in.as_secs()).unwrap_or(i64::MAX);
    [
        i64::from(policy.code_length).into(),
        policy.alphabet.as_str().into(),
        seconds.into(),
        i64::from(policy.max_checks).into(),
        i64::from(policy.max_sends).into(),
        policy.resend.as_str().into(),
        profile.limits.to_string().into(),
        profile.display_name.as_ref().map_or("", DisplayName::as_str).into(),
        profile.limit_notes.to_string().into(),
    ]
}

pub(super) const INSERT_PROFILE: Statement = Statement {
    table: "profiles",
    text: "INSERT INTO profiles (tenant_id, id, name, created_at, code_length, code_alphabet, expires_in_s,
            max_checks, max_sends, resend_policy, limits, display_name, limit_notes)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    params: &[Text, Text, Text, Int, Int, Text, Int, Int, Int, Text, Text, Text, Text],
};

pub(super) fn insert_profile(batch: Batch, profile: &Profile) -> Batch {
    batch.run_touching(1, &INSERT_PROFILE, profile_values(profile))
}

pub(super) const SELECT_PROFILE: Statement = Statement {
    table: "profiles",
    text: "SELECT id, tenant_id, name, code_length, code_alphabet, expires_in_s, max_checks,
            max_sends, resend_policy, created_at, limits, display_name, limit_notes
        FROM profiles WHERE tenant_id = $1 AND name = $2",
    params: &[Text, Text],
};

pub(super) const LIST_PROFILES: Statement = Statement {
    table: "profiles",
    text: "SELECT id, tenant_id, name, code_length, code_alphabet, expires_in_s, max_checks,
            max_sends, resend_policy, created_at, limits, display_name, limit_notes
        FROM profiles WHERE tenant_id = $1 ORDER BY name",
    params: &[Text],
};

pub(super) async fn list_profiles(sql: &Sql, tenant: TenantId) -> Result<Vec<Profile>, StoreError> {
    let rows = sql.query(&LIST_PROFILES, vec![tenant.to_string().into()]).await?;
    rows.iter().map(read_profile).collect()
}

/// Returns one row if the tenant may have another profile, or already has this one. The insert decides
/// between the two.
pub(super) const COUNT_PROFILES: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND ((SELECT count(*) FROM profiles WHERE tenant_id = $1) < $2
            OR EXISTS (SELECT 1 FROM profiles WHERE tenant_id = $1 AND name = $3))",
    params: &[Text, Int, Text],
};

/// Replaces the profile only if it is exactly as the caller saw it.
pub(super) const REPLACE_PROFILE: Statement = Statement {
    table: "profiles",
    text: "UPDATE profiles SET code_length = $3, code_alphabet = $4, expires_in_s = $5, max_checks = $6,
            max_sends = $7, resend_policy = $8, limits = $9, display_name = $10, limit_notes = $11
        WHERE tenant_id = $1 AND id = $2 AND code_length = $12 AND code_alphabet = $13
            AND expires_in_s = $14 AND max_checks = $15 AND max_sends = $16 AND resend_policy = $17
            AND limits = $18 AND display_name = $19 AND limit_notes = $20",
    params: &[
        Text, Text, Int, Text, Int, Int, Int, Text, Text, Text, Text, Int, Text, Int, Int, Int, Text, Text,
        Text, Text,
    ],
};

pub(super) const DELETE_PROFILE: Statement = Statement {
    table: "profiles",
    text: "DELETE FROM profiles WHERE tenant_id = $1 AND id = $2",
    params: &[Text, Text],
};

#[async_trait]
impl Profiles for SqlDirectory {
    async fn profile(&self, tenant: TenantId, name: &ProfileName) -> Result<Option<Profile>, StoreError> {
        let rows =
            self.sql.query(&SELECT_PROFILE, vec![tenant.to_string().into(), name.as_str().into()]).await?;
        rows.first().map(read_profile).transpose()
    }

    async fn list_profiles(&self, tenant: TenantId) -> Result<Vec<Profile>, StoreError> {
        list_profiles(&self.sql, tenant).await
    }

    /// Inserts a profile whose name must be free.
    async fn create_profile(&self, profile: &Profile, by: &Change) -> Result<(), StoreError> {
        let tenant = profile.tenant;
        let draft = &Draft::created("profile.create", profile.id, of_profile(profile));
        self.audited(tenant, by, |mut chains| async move {
            let count = vec![
                tenant.to_string().into(),
                i64::from(MOST_PROFILES).into(),
                profile.name.as_str().into(),
            ];
            let batch = chains.append(take_number(Batch::default()), draft, by);
            let batch = batch.run_within(("profiles", MOST_PROFILES), &COUNT_PROFILES, count);
            let batch = insert_profile(batch, profile);
            self.sql.batch(note_change(batch, tenant, "profile", profile.id, by)).await.map(drop)
        })
        .await
    }

    async fn replace_profile(&self, old: &Profile, new: &Profile, by: &Change) -> Result<(), StoreError> {
        let draft = &Draft::updated("profile.update", old.id, of_profile(old), of_profile(new));
        self.audited(old.tenant, by, |mut chains| async move {
            let mut values = vec![old.tenant.to_string().into(), old.id.to_string().into()];
            values.extend(changeable_values(new));
            values.extend(changeable_values(old));
            let batch = chains.append(take_number(Batch::default()), draft, by);
            let batch = batch.run_touching(1, &REPLACE_PROFILE, values);
            self.sql.batch(note_change(batch, old.tenant, "profile", old.id, by)).await.map(drop)
        })
        .await
    }

    async fn delete_profile(&self, tenant: TenantId, id: ProfileId, by: &Change) -> Result<bool, StoreError> {
        self.audited_until(tenant, (by, true), |mut chains| async move {
            let all = list_profiles(&self.sql, tenant).await?;
            let Some(old) = all.into_iter().find(|profile| profile.id == id) else { return Ok(false) };
            let draft = Draft::deleted("profile.delete", id, of_profile(&old));
            let values = vec![tenant.to_string().into(), id.to_string().into()];
            let batch = chains.append(take_number(Batch::default()), &draft, by);
            let batch = batch.run_unmoved(&DELETE_PROFILE, values);
            self.sql.batch(note_change(batch, tenant, "profile", id, by)).await?;
            Ok(true)
        })
        .await
    }
}
