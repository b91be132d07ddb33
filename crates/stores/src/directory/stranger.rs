//! What goes with a person who is a member of no tenant any more. Mails on their way stay: one says that the account
//! is closed.

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Statement,
};
use countersign_core::id::{PersonId, TenantId};

pub(super) const DROP_FORMER_PASSWORDS: Statement = Statement {
    table: "former_passwords",
    text: "DELETE FROM former_passwords WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

pub(super) const DROP_RECOVERY_CODES: Statement = Statement {
    table: "recovery_codes",
    text: "DELETE FROM recovery_codes WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

pub(super) const DROP_SESSIONS: Statement = Statement {
    table: "sessions",
    text: "DELETE FROM sessions WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

pub(super) const DROP_HALF_SIGN_INS: Statement = Statement {
    table: "half_sign_ins",
    text: "DELETE FROM half_sign_ins WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

pub(super) const DROP_PROOFS: Statement = Statement {
    table: "proofs",
    text: "DELETE FROM proofs WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

pub(super) const DROP_LINKS: Statement = Statement {
    table: "links",
    text: "DELETE FROM links WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

pub(super) const DROP_DEVICE_PEOPLE: Statement = Statement {
    table: "device_people",
    text: "DELETE FROM device_people WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

pub(super) const DROP_SIGN_INS: Statement = Statement {
    table: "sign_ins",
    text: "DELETE FROM sign_ins WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

pub(super) const DROP_LATE_FORMS: Statement = Statement {
    table: "late_forms",
    text: "DELETE FROM late_forms WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE id = $1)",
    params: &[Text],
};

/// Deletes the rest of a person whose row was deleted by a statement before.
pub(super) fn delete_rows_of_stranger(batch: Batch, person: PersonId) -> Batch {
    let statements: [&Statement; 9] = [
        &DROP_FORMER_PASSWORDS,
        &DROP_RECOVERY_CODES,
        &DROP_SESSIONS,
        &DROP_HALF_SIGN_INS,
        &DROP_PROOFS,
        &DROP_LINKS,
        &DROP_DEVICE_PEOPLE,
        &DROP_SIGN_INS,
        &DROP_LATE_FORMS,
    ];
    statements
        .into_iter()
        .fold(batch, |batch, statement| batch.run(statement, vec![person.to_string().into()]))
}

pub(super) const END_SESSIONS_IN: Statement = Statement {
    table: "sessions",
    text: "DELETE FROM sessions WHERE tenant_id = $1 AND person_id = $2",
    params: &[Text, Text],
};

/// Ends the sessions in which a former member is in the tenant.
pub(super) fn end_tenant_sessions(batch: Batch, tenant: TenantId, person: PersonId) -> Batch {
    batch.run(&END_SESSIONS_IN, vec![tenant.to_string().into(), person.to_string().into()])
}

/// The attempts of the persons who are in no other tenant. They are the first to go, because a person may have many.
pub(super) const ERASE_SIGN_INS_OF_STRANGERS: Statement = Statement {
    table: "sign_ins",
    text: "DELETE FROM sign_ins WHERE id IN
            (SELECT sign_ins.id FROM sign_ins JOIN members ON members.person_id = sign_ins.person_id
            WHERE members.tenant_id = $1 AND NOT EXISTS (SELECT 1 FROM members AS others
                WHERE others.person_id = sign_ins.person_id AND others.tenant_id <> $1) LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_SIGN_INS: Statement = Statement {
    table: "sign_ins",
    text:
        "DELETE FROM sign_ins WHERE id IN (SELECT id FROM sign_ins WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_SESSIONS: Statement = Statement {
    table: "sessions",
    text:
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_FORMER_PASSWORDS_OF_STRANGERS: Statement = Statement {
    table: "former_passwords",
    text: "DELETE FROM former_passwords WHERE person_id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = former_passwords.person_id)",
    params: &[Text, Int],
};

pub(super) const ERASE_RECOVERY_CODES_OF_STRANGERS: Statement = Statement {
    table: "recovery_codes",
    text: "DELETE FROM recovery_codes WHERE person_id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = recovery_codes.person_id)",
    params: &[Text, Int],
};

pub(super) const ERASE_SESSIONS_OF_STRANGERS: Statement = Statement {
    table: "sessions",
    text: "DELETE FROM sessions WHERE person_id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = sessions.person_id)",
    params: &[Text, Int],
};

pub(super) const ERASE_HALF_SIGN_INS_OF_STRANGERS: Statement = Statement {
    table: "half_sign_ins",
    text: "DELETE FROM half_sign_ins WHERE person_id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = half_sign_ins.person_id)",
    params: &[Text, Int],
};

pub(super) const ERASE_PROOFS_OF_STRANGERS: Statement = Statement {
    table: "proofs",
    text: "DELETE FROM proofs WHERE person_id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = proofs.person_id)",
    params: &[Text, Int],
};

pub(super) const ERASE_LINKS_OF_STRANGERS: Statement = Statement {
    table: "links",
    text: "DELETE FROM links WHERE person_id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = links.person_id)",
    params: &[Text, Int],
};

pub(super) const ERASE_DEVICE_PEOPLE_OF_STRANGERS: Statement = Statement {
    table: "device_people",
    text: "DELETE FROM device_people WHERE person_id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = device_people.person_id)",
    params: &[Text, Int],
};

pub(super) const ERASE_LATE_FORMS_OF_STRANGERS: Statement = Statement {
    table: "late_forms",
    text: "DELETE FROM late_forms WHERE person_id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = late_forms.person_id)",
    params: &[Text, Int],
};

/// The rest of the persons whom the statement before these deleted. Each has few.
pub(super) const OF_STRANGERS: [&Statement; 8] = [
    &ERASE_FORMER_PASSWORDS_OF_STRANGERS,
    &ERASE_RECOVERY_CODES_OF_STRANGERS,
    &ERASE_SESSIONS_OF_STRANGERS,
    &ERASE_HALF_SIGN_INS_OF_STRANGERS,
    &ERASE_PROOFS_OF_STRANGERS,
    &ERASE_LINKS_OF_STRANGERS,
    &ERASE_DEVICE_PEOPLE_OF_STRANGERS,
    &ERASE_LATE_FORMS_OF_STRANGERS,
];
