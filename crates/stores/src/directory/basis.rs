//! Checks inside a transaction that the state on which a write was decided is still current.

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Statement,
};
use countersign_core::tenant::resource::Basis;

/// Returns one row if the tenant has exactly these resources of the kind, in these versions.
pub(super) const UNCHANGED_KIND: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT coalesce(string_agg(id || ' ' || version, ' ' ORDER BY id), '')
            FROM resources WHERE tenant_id = $1 AND kind = $2) = $3",
    params: &[Text, Text, Text],
};

/// Returns one row if the tenant has this resource in this version.
pub(super) const UNCHANGED_ONE: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND EXISTS (SELECT 1 FROM resources WHERE tenant_id = $1 AND id = $2 AND version = $3)",
    params: &[Text, Text, Int],
};

/// Returns one row if no change was made between the given number and the number that this batch has just
/// taken.
pub(super) const UNCHANGED_ALL: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1 AND n = $1 + 1",
    params: &[Int],
};

/// Adds the statements that roll the batch back if the caller decided on the write from an outdated state.
/// They come after the batch has taken its change number, because from then on no other writer can commit
/// first, and before the writing statements.
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
