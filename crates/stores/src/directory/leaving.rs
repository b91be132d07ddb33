//! A person who leaves all tenants at once.

use super::{
    SqlDirectory,
    audit::Chains,
    change::{note_change, take_number},
    last_owner::owned,
    member_keys::{ends, raise_keys},
    members::{DELETE_MEMBER, read_member},
    people::DELETE_STRANGER,
    stranger::delete_rows_of_stranger,
    told::{tell_member, told_webhooks},
};
use crate::sql::{Batch, Kind::Text, Statement};
use countersign_core::{
    access::{actor::Who, change::Change},
    audit::{entry::Draft, state::of_member},
    id::PersonId,
    people::member::Member,
    ports::error::StoreError,
    snapshot::ends::KeyEnd,
    webhook::event::WebhookEvent,
};
use std::sync::Arc;

pub(super) const LIST_MEMBERSHIPS: Statement = Statement {
    table: "members",
    text: "SELECT id, tenant_id, person_id, disabled, version, created_at, role, permissions, zone, hours,
            senders, templates, profiles, subject_groups, pool, most_parts
        FROM members WHERE person_id = $1 ORDER BY id",
    params: &[Text],
};

impl SqlDirectory {
    pub(super) async fn memberships_of(&self, person: PersonId) -> Result<Vec<Member>, StoreError> {
        let rows = self.sql.query(&LIST_MEMBERSHIPS, vec![person.to_string().into()]).await?;
        rows.iter().map(read_member).collect()
    }

    /// Deletes the person with these memberships, in one batch.
    pub(super) async fn leave(
        &self,
        person: PersonId,
        memberships: &[Member],
        by: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError> {
        let tenants: Vec<_> = memberships.iter().map(|member| member.tenant).collect();
        self.audited_in(&tenants, |chains| async move {
            let Chains { keyring, heads, .. } = chains;
            let (mut batch, mut places, mut owners) = (Batch::default(), Vec::new(), Vec::new());
            for (member, head) in memberships.iter().zip(heads) {
                let (tenant, id) = (member.tenant, member.id);
                self.unmoved(member).await?;
                owners.push((tenant, self.has_owner(tenant).await?));
                let who = Who::Member { id, acted_by: None };
                let by = &Change { who, of: Some(tenant), ..*by };
                let draft = Draft::deleted("member.delete", id, of_member(member));
                let mut chains = Chains { keyring: Arc::clone(&keyring), heads: vec![head], ends: true };
                let webhooks = told_webhooks(&self.sql, tenant).await?;
                let values = vec![tenant.to_string().into(), id.to_string().into(), member.version.into()];
                batch = chains.append(take_number(batch), &draft, by).run_unmoved(&DELETE_MEMBER, values);
                batch = note_change(batch, tenant, "member", id, by);
                places.push(batch.next_place());
                batch = raise_keys(batch, (tenant, id), by);
                let told = (member, None);
                batch = tell_member(batch, &webhooks, WebhookEvent::MemberDeleted, told, by.at);
            }
            // A membership that the caller did not see keeps the person.
            batch = batch.run_unmoved(&DELETE_STRANGER, vec![person.to_string().into()]);
            batch = delete_rows_of_stranger(batch, person);
            for (tenant, had_owner) in owners {
                batch = owned(batch, tenant, had_owner);
            }
            let rows = self.sql.batch(batch).await?;
            let ends = places.into_iter().map(|place| ends(&rows, place)).collect::<Result<Vec<_>, _>>()?;
            Ok(ends.into_iter().flatten().collect())
        })
        .await
    }
}
