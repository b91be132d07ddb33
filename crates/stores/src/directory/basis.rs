//! What a write was decided by, looked at anew in its own transaction.

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Statement,
};
use countersign_core::tenant::resource::Basis;

/// Gives its row if the tenant has these of the kind, in these versions, and no others.
pub(super) const UNCHANGED_KIND: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT coalesce(string_agg(id || ' ' || version, ' ' ORDER BY id), '')
            FROM resources WHERE tenant_id = $1 AND kind = $2) = $3",
    params: &[Text, Text, Text],
};

/// Gives its row if the tenant has this one, in this version.
pub(super) const UNCHANGED_ONE: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND EXISTS (SELECT 1 FROM resources WHERE tenant_id = $1 AND id = $2 AND version = $3)",
    params: &[Text, Text, Int],
};

/// Gives its row if the number that was just taken is the first since then.
pub(super) const UNCHANGED_ALL: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1 AND n = $1 + 1",
    params: &[Int],
};

/// Adds the statements that roll back what was decided by something that is so no more. They
/// stand between the number of the change, from when on no other writer comes before the
/// commit, and what is written.
pub(super) fn unchanged(batch: Batch, basis: &[Basis]) -> Batch {
    basis.iter().fold(batch, |batch, one| match one {
        Basis::Kind { tenant, kind, listed } => {
            let values = vec![tenant.to_string().into(), kind.as_str().into(), listed.as_str().into()];
            batch.run_unmoved(&UNCHANGED_KIND, values)
        }
        Basis::One { tenant, id, version } => {
            let values = vec![tenant.to_string().into(), id.as_str().into(), (*version).into()];
            batch.run_unmoved(&UNCHANGED_ONE, values)
        }
        Basis::Everything(seen) => batch.run_unmoved(&UNCHANGED_ALL, vec![(*seen).into()]),
    })
}
