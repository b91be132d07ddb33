//! Runs each statement about people on both engines and compares the results.

use super::{
    Base, at, key, people,
    statements::{Trace, assert_alike, trace_each},
};
use anyhow::Result;
use countersign_core::{
    access::change::Change,
    id::TenantId,
    people::invitation::{Author, Invitation},
    ports::directory::{invitations::Invitations as _, keys::Keys as _},
};
use countersign_stores::{
    directory::PEOPLE,
    sql::{Statement, Value},
};

const DUMPS: [Statement; 4] = [
    Statement {
        table: "people",
        text: "SELECT id, email, sealed, language, zone, epoch, version, created_at FROM people ORDER BY id",
        params: &[],
    },
    Statement {
        table: "members",
        text:
            "SELECT id, tenant_id, person_id, disabled, version, created_at, role, permissions, zone, hours,
                senders, templates, profiles, subject_groups, pool, most_parts
            FROM members ORDER BY id",
        params: &[],
    },
    Statement {
        table: "invitations",
        text:
            "SELECT id, tenant_id, email, sealed, author, secret_hash, expires_at, sends, version, created_at,
                role, permissions, zone, hours, senders, templates, profiles, subject_groups, pool, most_parts, sent_to
            FROM invitations ORDER BY id",
        params: &[],
    },
    Statement {
        table: "keys",
        text: "SELECT id, tenant_id, member, made_by, profiles, version FROM keys ORDER BY id",
        params: &[],
    },
];

/// What the statement that is called `n` in [`PEOPLE`] gets. All values of a statement differ.
fn values_for(n: usize, statement: &Statement) -> Vec<Value> {
    let tenant = || -> Value { TenantId::from_bytes([1; 16]).to_string().into() };
    let key = || -> Value { key(TenantId::from_bytes([1; 16]), 1).id.to_string().into() };
    let bytes = |n: u8| Value::from([n; 16].as_slice());
    let limits = |from: i64| -> Vec<Value> {
        let texts = ["scopes", "zone", "hours", "senders", "templates", "profiles", "groups"];
        let mut values: Vec<Value> = vec!["owner".into()];
        values.extend(texts.map(|text| format!("{text} {from}").into()));
        values.extend([from.into(), (from + 1).into()]);
        values
    };
    let (text, n) = (statement.text, n as i64);
    let with = |first: Vec<Value>, rest: Vec<Value>| first.into_iter().chain(rest).collect::<Vec<_>>();
    match statement.table {
        "first_person" => vec![7.into()],
        "people" if text.starts_with("INSERT") => {
            let zone = ["per_1".into(), bytes(1), bytes(2), "pl".into(), "Europe/Warsaw".into()];
            with(zone.into(), vec![7.into(), 8.into(), 9.into(), "a hash".into(), 10.into()])
        }
        "people" if text.contains("person_id FROM members WHERE tenant_id = $1 AND id >=") => {
            vec![tenant(), "mem_1".into(), "mem_1".into()]
        }
        "people" if text.contains("email = $1") => vec![bytes(1)],
        "people" if text.contains("id > $1") => vec!["".into(), Value::from([9].as_slice()), 9.into()],
        "people" if text.contains("count(*)") => vec![Value::from([2].as_slice())],
        "people" if text.contains("WHERE tenant_id = $1)") => vec![tenant()],
        "people" if text.contains("epoch + 1") => vec!["per_1".into()],
        "people" if text.starts_with("UPDATE") => vec!["per_1".into(), bytes(2), bytes(3)],
        "people" if text.contains("LIMIT") => vec![tenant(), 9.into()],
        "people" => vec!["per_1".into()],
        "members" if text.starts_with("INSERT") => {
            with(vec!["mem_1".into(), tenant(), "per_1".into(), 0.into(), 2.into(), 3.into()], limits(40))
        }
        "members" if text.starts_with("UPDATE") => {
            with(vec![tenant(), "mem_1".into(), 2.into(), 1.into()], limits(50))
        }
        "members" if text.contains("version = $3") && text.starts_with("DELETE") => {
            vec![tenant(), "mem_1".into(), 3.into()]
        }
        "members" if text.contains("version = $3") => vec![tenant(), "mem_1".into(), 2.into()],
        "members" if text.contains("person_id = $2") => vec![tenant(), "per_1".into()],
        "members" if text.contains("id < $2") => vec![tenant(), "mem_~".into(), 9.into()],
        "members" if text.contains("person_id = $1") => vec!["per_1".into()],
        "members" if text.contains("id > $1") => vec!["".into(), 9.into()],
        "members" if text.starts_with("DELETE") => vec![tenant(), 9.into()],
        "members" if statement.params.len() == 1 => vec![tenant()],
        "members" => vec![tenant(), "mem_1".into()],
        "keys" if text.contains("member = $4") => vec![tenant(), key(), 1.into(), "mem_1".into()],
        "keys" if text.contains("version = $3") => vec![tenant(), key(), 1.into()],
        "keys" if text.contains("disabled = 0") => vec![tenant(), "mem_1".into(), 5.into()],
        "keys" => vec![tenant(), "mem_1".into()],
        "change_head" if text.contains("people") => vec![tenant(), bytes(250)],
        "change_head" if text.contains("substr") => vec![tenant(), 1.into(), "mem_1".into(), 2.into()],
        "change_head" if text.contains("'owner'") => vec![tenant(), 1.into(), 2.into(), "mem_1".into()],
        "change_head" if text.contains("member = $2") => vec![tenant(), "mem_1".into(), 61.into()],
        "change_head" if text.contains("audit") => vec![tenant(), 1.into(), (60 + n).into()],
        "change_head" if text.contains("sent_to") => vec![tenant(), bytes(1), 1.into(), (60 + n).into()],
        "change_head" if text.contains("invitations") => vec![tenant(), 1.into(), (60 + n).into()],
        "change_head" => vec![tenant(), (60 + n).into()],
        "invitations" if text.starts_with("INSERT") => {
            let first: [Value; 10] = [
                "inv_1".into(),
                tenant(),
                bytes(1),
                bytes(2),
                "operator".into(),
                bytes(3),
                4.into(),
                5.into(),
                6.into(),
                7.into(),
            ];
            with(first.into(), limits(70))
        }
        "invitations" if text.contains("id > $1") => vec!["".into(), Value::from([9].as_slice()), 9.into()],
        "invitations" if text.contains("count(*)") => vec![Value::from([2].as_slice())],
        "invitations" if text.contains("sealed = $4") => {
            vec![tenant(), "inv_1".into(), bytes(2), bytes(8)]
        }
        "invitations" if text.contains("author = $4") => {
            vec![tenant(), "inv_1".into(), 6.into(), "mem_1".into(), bytes(9), 80.into(), 81.into()]
        }
        "invitations" if text.starts_with("UPDATE") => vec![tenant(), "inv_1".into(), 7.into()],
        "invitations" if text.contains("email = $1") => vec![bytes(1), 3.into()],
        "invitations" if text.contains("id < $2") => vec![tenant(), "inv_~".into(), 9.into()],
        "invitations" if text.contains("email IS NULL") => vec![tenant(), 90.into(), 91.into()],
        "invitations" if text.contains("expires_at < $1") => vec![at(3).micros().into()],
        "invitations" if text.starts_with("DELETE") => vec![tenant(), 9.into()],
        "invitations" => vec![tenant(), "inv_1".into()],
        other => unreachable!("{other} has no people"),
    }
}

async fn trace(base: &Base) -> Result<Trace> {
    base.sql.migrate().await?;
    let (tenant, by) = (base.tenant(1).await?.id, Change::by_system(at(1)));
    base.directory.create_key(&key(tenant, 1), None, None, &[], &by).await?;
    // One more row in each table, for the statements of the erasure.
    people::join(base, &people::member(tenant, 9, people::subuser())).await?;
    let (invitation, _) = people::invitation(tenant, 8, Author::Operator);
    base.directory.create_invitation((&invitation).into(), None, &by).await?;
    let expired = Invitation { expires_at: at(2), ..people::invitation(tenant, 7, Author::Operator).0 };
    base.directory.create_invitation((&expired).into(), None, &by).await?;
    let dumps: &'static [Statement] = &DUMPS;
    trace_each(base, PEOPLE, values_for, &dumps.iter().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn each_statement_about_people_does_the_same_on_both_engines() -> Result<()> {
    let sqlite = trace(&Base::sqlite()?).await?;
    let base = Base::postgres().await?;
    let postgres = trace(&base).await;
    base.close().await?;
    assert_alike(PEOPLE, &sqlite, &postgres?);
    Ok(())
}
