//! Runs each statement about what persons sign in with on both engines, and compares the outcomes.

use super::{
    accounts::{codes, link, phone, proof},
    world::{World, half, sign_in_id, signed_in},
};
use crate::directory::{Base, at};
use anyhow::Result;
use countersign_core::{
    people::{
        account::AccountChange,
        link::LinkKind,
        session::{HalfSignIn, SignIn, SignInOutcome},
        waits::{WaitCount, WaitRule},
    },
    ports::people::{
        activity::Activity as _,
        codes::PendingCodes as _,
        links::Links as _,
        sessions::{LateForm, Sessions as _},
        waits::Waits as _,
    },
};
use countersign_stores::{
    directory::STRANGERS,
    people::STATEMENTS,
    sql::{Batch, Kind, Row, Statement, Value},
};

macro_rules! dump {
    ($($table:literal by $order:literal: $columns:literal),+ $(,)?) => {
        [$(&Statement {
            table: $table,
            text: concat!("SELECT ", $columns, " FROM ", $table, " ORDER BY ", $order),
            params: &[],
        }),+]
    };
}

static DUMP: [&Statement; 12] = dump!(
    "people" by "id": "id, epoch, version, password, password_at, session_idle, session_total, reset_2fa_at",
    "former_passwords" by "person_id, made_at": "person_id, made_at, password",
    "recovery_codes" by "person_id, mark": "person_id, mark",
    "devices" by "id": "id, secret_hash, agent, made_at, seen_at",
    "device_people" by "person_id, device_id":
        "person_id, device_id, first_at, last_at, trusted_at, mailed_at",
    "sessions" by "id": "id, secret_hash, person_id, epoch, device_id, tenant_id, factors, invited,
        signed_in_at, seen_at, address, flash",
    "half_sign_ins" by "secret_hash": "person_id, secret_hash, epoch, device_id, verification, sends,
        wrong_recovery, made_at, expires_at",
    "proofs" by "session_id": "session_id, person_id, epoch, act, object, digest, verification, sends, sealed,
        made_at, expires_at",
    "links" by "secret_hash": "kind, secret_hash, person_id, epoch, sealed, made_at, expires_at, used_at",
    "sign_ins" by "id": "id, at, outcome, person_id, email, tenant_id, address, country, device_id, agent,
        number, guesses, place",
    "late_forms" by "person_id": "person_id, tenant_id, sealed, expires_at",
    "sign_in_waits" by "key": "failures, since, last, until",
);

/// Values that are mostly those of the seeded rows, by the name of the column or place that takes them.
fn values_for(statement: &Statement, world: &World, round: i64) -> Vec<Value> {
    let session = super::world::session(world.owner.person, 1);
    let text = statement.text;
    let after = |place: usize| {
        // The words before the placeholder say what it is.
        let at = text.find(&format!("${place}")).unwrap_or(0);
        text[..at].split_whitespace().rev().take(3).collect::<Vec<_>>().join(" ")
    };
    let value = |(index, kind): (usize, &Kind)| -> Value {
        let before = after(index + 1);
        match kind {
            Kind::Int => match before.as_str() {
                before if before.contains("epoch") => 2.into(),
                before if before.contains("LIMIT") => 9.into(),
                before if before.contains('<') => at(100 + round).micros().into(),
                _ => (at(30).micros() + round).into(),
            },
            Kind::Bytes => session.secret.bytes().as_slice().into(),
            Kind::Text if before.contains("session") => session.id.to_string().into(),
            Kind::Text if before.contains("device") => session.device.to_string().into(),
            Kind::Text if before.contains("tenant") => world.tenant.to_string().into(),
            Kind::Text if statement.table == "sessions" && index == 0 && text.contains("WHERE id = $1") => {
                session.id.to_string().into()
            }
            Kind::Text => session.person.to_string().into(),
        }
    };
    statement.params.iter().enumerate().map(value).collect()
}

/// The text of a statement, its rows or its error, and all tables after it.
type Trace = Vec<(&'static str, Result<Vec<Row>, String>, Vec<Vec<Row>>)>;

async fn seed(world: &World) -> Result<()> {
    let (people, id) = (&world.people, world.owner.person);
    let mut marks = codes(id);
    marks.iter_mut().enumerate().for_each(|(place, mark)| mark.0 = [place as u8; 16]);
    world.change(AccountChange::TwoFactorOn(phone(id, "+48500600700"), marks)).await?;
    let session = world.sign_in(1).await?;
    world.sign_in(2).await?;
    people.begin_half(&HalfSignIn { epoch: 2, ..half(id, 1) }).await?;
    people.begin_proof(&proof(&session)).await?;
    people.add_link(&link(LinkKind::UndoAddress, Some(id), 1), &[]).await?;
    for number in 10..12 {
        let outcome = SignInOutcome::WrongPassword;
        let guess = SignIn { id: sign_in_id(number), outcome, ..signed_in(&session) };
        people.note_sign_in(&guess, None).await?;
    }
    people.keep_form(&LateForm { person: id, tenant: None, sealed: vec![1], expires_at: at(50) }).await?;
    let count = WaitCount { key: [5; 16], rule: WaitRule::Ladder { free: 5 } };
    assert_eq!(people.count_try(&[count], at(10)).await?, Ok(()));
    Ok(())
}

async fn trace(base: &Base) -> Result<Trace> {
    base.sql.migrate().await?;
    let world = World::new(base).await?;
    seed(&world).await?;
    let mut trace = Vec::new();
    // Reading and inserting before changing and deleting.
    let order = |statement: &&&Statement| match statement.text.split(' ').next() {
        Some("SELECT") => 0,
        Some("INSERT") => 1,
        Some("UPDATE") => 2,
        _ => 3,
    };
    let mut statements: Vec<_> = STATEMENTS.iter().chain(STRANGERS).collect();
    statements.sort_by_key(order);
    for (round, statement) in statements.into_iter().enumerate() {
        let batch = Batch::default().run(statement, values_for(statement, &world, round as i64));
        let outcome = base.sql.batch(batch).await.map_err(|error| error.to_string());
        let outcome = outcome.map(|rows| rows.into_iter().flatten().collect::<Vec<_>>());
        let dump = DUMP.iter().fold(Batch::default(), |batch, one| batch.run(one, vec![]));
        trace.push((statement.text, outcome, base.sql.batch(dump).await?));
    }
    Ok(trace)
}

#[tokio::test]
async fn each_statement_does_the_same_on_both_engines() -> Result<()> {
    let sqlite = trace(&Base::sqlite()?).await?;
    let base = Base::postgres().await?;
    let postgres = trace(&base).await;
    base.close().await?;
    let postgres = postgres?;
    let all = STATEMENTS.len() + STRANGERS.len();
    assert_eq!((sqlite.len(), postgres.len()), (all, all));
    for (a, b) in sqlite.iter().zip(&postgres) {
        let counts = |one: &Result<Vec<Row>, String>| one.as_ref().map(Vec::len).map_err(String::clone);
        assert_eq!(counts(&a.1), counts(&b.1), "the outcomes differ: {}", a.0);
        // Values are never shown, so a plain comparison says more than a diff.
        assert!(a.2 == b.2, "the tables differ after: {}", a.0);
    }
    Ok(())
}
