//! The authors of acts: in the events on each engine, and in the audit log.

use super::{Bench, new_member, number, rng, seconds, wrong};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        change::Change,
    },
    acts::{
        cancel::{CancelError, cancel_verification},
        resend::{ResendError, resend_verification},
        show::{ShowError, show_number},
    },
    context::{Context, Management, Replica},
    fakes::directory::NoDirectory,
    id::{MemberId, RecordKey, VerificationId},
    people::{hours::Zone, member::Limits},
    phone::PhoneNumber,
    ports::{clock::Clock, directory::audit::AuditFilter},
    verification::{event::Event, status::Status},
};
use std::sync::Arc;

async fn as_member(bench: &Bench) -> Actor {
    let limits = Limits::of_owner(Zone::default());
    let member = new_member(&bench.context, bench.caller.tenant, limits, bench.clock.now()).await;
    let who = Who::Member { id: member.id, acted_by: Some(MemberId::from_bytes([8; 16])) };
    Actor { who, member: Some(member.id), ..bench.caller.clone() }
}

fn as_operator(bench: &Bench) -> Actor {
    Actor { who: Who::Operator(None), member: None, ..bench.caller.clone() }
}

async fn authors(bench: &Bench, id: VerificationId) -> Vec<(&'static str, Option<Who>)> {
    let key = RecordKey { tenant: bench.caller.tenant, mode: bench.caller.mode, id };
    let events = bench.codes().timeline(key).await.unwrap();
    // The recorder reads the same authors.
    let waiting = bench.codes().unrecorded(0..64, 1_000).await.unwrap().events;
    for event in &events {
        let one = waiting.iter().find(|one| one.id == event.id).unwrap();
        assert_eq!(one.who, event.who, "{event:?}");
    }
    events.iter().map(|event: &Event| (event.kind.name(), event.author())).collect()
}

pub async fn each_act_names_its_author(bench: Bench) {
    let (member, operator, key) = (as_member(&bench).await, as_operator(&bench), bench.caller.who);
    let by = |actor: &Actor| Change::by(actor, None, bench.clock.now());
    let (first, code) = bench.start_with_code(&number(1)).await;
    let _ = bench.check(first, &wrong(&code)).await;
    bench.clock.turn(seconds(60));
    resend_verification(&bench.context, &member, first, None, &by(&member), &mut rng()).await.unwrap();
    cancel_verification(&bench.context, &operator, first, &by(&operator), &mut rng()).await.unwrap();
    let expected = [
        ("started", Some(key)),
        ("check_wrong", Some(key)),
        ("resent", Some(member.who)),
        ("canceled", Some(operator.who)),
    ];
    assert_eq!(authors(&bench, first).await, expected);
    let second = bench.start_as(&member, &number(2)).await.unwrap().id;
    let claims = bench.claim().await;
    let code = bench.code_of(claims.iter().find(|claim| claim.key.id == second).unwrap());
    let _ = bench.check(second, &code).await;
    assert_eq!(authors(&bench, second).await, [("started", Some(member.who)), ("approved", Some(key))]);
}

pub async fn what_a_person_cancels_or_resends_is_audited_and_a_keys_is_not(bench: Bench) {
    let (member, operator) = (as_member(&bench).await, as_operator(&bench));
    let by = |actor: &Actor| Change::by(actor, None, bench.clock.now());
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(bench.start(&number(n)).await.unwrap().id);
    }
    bench.clock.turn(seconds(60));
    let resend = async |context: &Context, actor: &Actor, id| {
        resend_verification(context, actor, id, None, &by(actor), &mut rng()).await
    };
    let cancel = async |context: &Context, actor: &Actor, id| {
        cancel_verification(context, actor, id, &by(actor), &mut rng()).await
    };
    resend(&bench.context, &member, ids[0]).await.unwrap();
    assert!(matches!(resend(&bench.context, &member, ids[0]).await, Err(ResendError::TooSoon(_))));
    cancel(&bench.context, &operator, ids[1]).await.unwrap();
    resend(&bench.context, &bench.caller, ids[2]).await.unwrap();
    cancel(&bench.context, &bench.caller, ids[2]).await.unwrap();
    let filter = AuditFilter { action: Some("verification".to_owned()), ..AuditFilter::default() };
    let log = async || {
        let directory = &bench.context.directory;
        let mut entries = directory.list_audit(bench.caller.tenant, &filter, None, 100).await.unwrap();
        entries.reverse();
        entries
    };
    let entries = log().await;
    let told: Vec<_> = entries.iter().map(|one| (one.action.as_str(), one.object.clone())).collect();
    let expected = [
        ("verification.resend.asked", ids[0].to_string()),
        ("verification.resend.done", ids[0].to_string()),
        ("verification.resend.asked", ids[0].to_string()),
        ("verification.resend.failed", ids[0].to_string()),
        ("verification.cancel.asked", ids[1].to_string()),
        ("verification.cancel.done", ids[1].to_string()),
    ];
    assert_eq!(told, expected);
    assert_eq!(entries[1].after.as_deref(), Some(r#"{"replayed":false,"sends":2}"#));
    assert_eq!(entries[0].author.actor, MemberId::from_bytes([8; 16]).to_string());
    assert_eq!(entries[0].author.acting_for, member.member.map(|id| id.to_string()));
    assert_eq!(entries[5].author.actor, "operator");

    // Without the database a key goes on, and a person's act is not begun.
    let replica = Replica { directory: Arc::new(NoDirectory), ..bench.context.management.replica.clone() };
    let management = Management { replica, ..bench.context.management.clone() };
    let without = Context { management, ..bench.context.clone() };
    assert!(matches!(cancel(&without, &member, ids[3]).await, Err(CancelError::Directory(_))));
    assert!(matches!(resend(&without, &operator, ids[3]).await, Err(ResendError::Directory(_))));
    assert_eq!(bench.read(ids[3]).await.status, Status::Pending);
    resend(&without, &bench.caller, ids[3]).await.unwrap();
    assert_eq!(cancel(&without, &bench.caller, ids[3]).await.unwrap().status, Status::Canceled);
    assert_eq!(log().await.len(), 6);
}

pub async fn a_member_reads_sixty_audited_things_a_minute(bench: Bench) {
    let member = as_member(&bench).await;
    let id = bench.start(&number(1)).await.unwrap().id;
    let show = async |actor: &Actor| {
        let by = Change::by(actor, None, bench.clock.now());
        show_number(&bench.context, actor, id, &by).await
    };
    for _ in 0..60 {
        assert_eq!(show(&member).await.unwrap(), PhoneNumber::parse(&number(1)).ok());
    }
    let Err(error) = show(&member).await else { panic!("it has a bound") };
    let ShowError::Limited(hit) = &error else { panic!("{error}") };
    assert!(hit.retry_after > seconds(0) && hit.retry_after <= seconds(1), "{hit:?}");
    assert_eq!(hit.name, "audited_reads_1m");
    // The owner who acted as that member has read as much, under each of its members.
    let (id_of_owner, other) = (MemberId::from_bytes([8; 16]), MemberId::from_bytes([9; 16]));
    let owner = Actor { who: Who::Member { id: id_of_owner, acted_by: None }, ..member.clone() };
    assert!(matches!(show(&owner).await, Err(ShowError::Limited(_))));
    let another = Actor { who: Who::Member { id: other, acted_by: None }, ..member.clone() };
    show(&another).await.unwrap();
    show(&bench.caller).await.unwrap();
    let filter = AuditFilter { action: Some("number.show.done".to_owned()), ..AuditFilter::default() };
    let entries = bench.context.directory.list_audit(bench.caller.tenant, &filter, None, 100).await.unwrap();
    assert_eq!(entries.len(), 62, "a refused read is not in the log");
    bench.clock.turn(seconds(1));
    show(&member).await.unwrap();
}
