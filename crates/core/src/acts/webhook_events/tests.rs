use super::*;
use crate::{
    access::{key::PresentedKey, scope::Scopes},
    id::{KeyId, MemberId, PersonId, TenantId, VerificationId, WebhookId},
    keyring::{Fingerprint, KeyRing, VersionedKey},
    mode::Mode,
    people::{hours::Zone, invitation::Author, person::EmailAddress, shares::Shares},
    phone::Country,
    tenant::{
        Tenant, TenantName,
        profile::{Profile, ProfileName},
    },
    verification::event::Started,
};
use rand::{SeedableRng, rngs::StdRng};
use std::{sync::Arc, time::Duration};

const TENANT: TenantId = TenantId::from_bytes([1; 16]);
const PROFILE: ProfileId = ProfileId::from_bytes([2; 16]);
const AT: Timestamp = Timestamp::from_millis(1_783_000_800_000);

fn webhook(byte: u8, mode: Mode, events: &[WebhookEvent]) -> Arc<Webhook> {
    Arc::new(Webhook {
        id: WebhookId::from_bytes([byte; 16]),
        tenant: TENANT,
        mode,
        name: "one".to_owned(),
        url: "https://example.com/".to_owned(),
        events: (!events.is_empty()).then(|| events.iter().copied().collect()),
        enabled: true,
        disabled_reason: None,
        enabled_at: AT,
        sealed: Vec::new(),
        version: 1,
        created_at: AT,
    })
}

fn view(webhooks: Vec<Arc<Webhook>>) -> TenantView {
    let tenant = Tenant::new(TENANT, TenantName::parse("Acme").unwrap(), AT);
    let mut view = TenantView { webhooks, ..TenantView::new(tenant) };
    view.profiles.insert(ProfileName::default(), Profile::first(PROFILE, TENANT, AT));
    view
}

fn tell(view: &TenantView, kinds: &[EventKind]) -> Vec<WebhookMessage> {
    let key = RecordKey { tenant: TENANT, mode: Mode::Live, id: VerificationId::from_bytes([3; 16]) };
    let mut known = Known::default();
    let mut messages = Vec::new();
    for (n, kind) in kinds.iter().enumerate() {
        known.learn(kind);
        let event = Event { id: EventId::from_bytes([n as u8; 16]), at: AT, kind: kind.clone(), who: None };
        messages.extend(of_verification(view, key, &event, &known));
    }
    messages
}

fn started() -> EventKind {
    EventKind::Started(Box::new(Started {
        message: MessageId::from_bytes([5; 16]),
        profile: PROFILE,
        key: Some(KeyId::from_bytes([6; 16])),
        number: Fingerprint([7; 16]),
        country: Country::parse("PL"),
        expires_at: AT,
        max_checks: 5,
        max_sends: 5,
        contact: b"+48500500500".to_vec(),
        limits: vec![],
        skipped: vec![],
        review: false,
    }))
}

#[test]
fn a_body_says_how_the_verification_stands_and_no_number() {
    let message = MessageId::from_bytes([5; 16]);
    let provider = "relay".to_owned();
    let kinds = [
        started(),
        EventKind::MessageSent { message, provider },
        EventKind::Approved,
        // This comes after the approval, and does not undo it.
        EventKind::Delivered { message },
    ];
    let messages = tell(&view(vec![webhook(9, Mode::Live, &[])]), &kinds);
    let kinds: Vec<_> = messages.iter().map(|message| message.kind).collect();
    let names =
        ["verification.started", "verification.sent", "verification.approved", "verification.delivered"];
    assert_eq!(kinds, names);
    let last: Value = serde_json::from_str(&messages[3].body).unwrap();
    assert_eq!(last["type"], "verification.delivered");
    assert_eq!(last["timestamp"], AT.to_string());
    let data = &last["data"];
    assert_eq!((&data["status"], &data["delivery"]), (&json!("approved"), &json!("delivered")));
    assert_eq!((&data["profile"], &data["country"]), (&json!("default"), &json!("PL")));
    assert_eq!(data["provider"], "relay");
    assert!(messages.iter().all(|message| !message.body.contains("500500500")));
}

#[test]
fn what_fails_a_verification_is_two_messages_with_ids_of_their_own() {
    let (message, provider, reason) = (MessageId::from_bytes([5; 16]), "relay".to_owned(), "no".to_owned());
    let rejected = EventKind::MessageRejected { message, provider, reason, failed: true };
    let messages = tell(&view(vec![webhook(9, Mode::Live, &[])]), &[rejected]);
    assert_eq!(messages[0].kind, "message.failed");
    assert_eq!(messages[1].kind, "verification.failed");
    assert_ne!(messages[0].id, messages[1].id);
    assert!(
        messages[1].body.contains(r#""reason":"no""#) && messages[1].body.contains(r#""status":"failed""#)
    );
}

#[test]
fn only_those_that_want_it_are_told() {
    let approved = &[WebhookEvent::VerificationApproved];
    let webhooks =
        vec![webhook(1, Mode::Live, approved), webhook(2, Mode::Test, &[]), webhook(3, Mode::Live, &[])];
    let messages = tell(&view(webhooks), &[started(), EventKind::Approved]);
    let told: Vec<_> = messages.iter().map(|message| (message.webhook.bytes()[0], message.kind)).collect();
    assert_eq!(
        told,
        [(3, "verification.started"), (1, "verification.approved"), (3, "verification.approved")]
    );
    assert_eq!(messages[1].id, messages[2].id, "one event, one id");
    assert!(tell(&view(vec![]), &[started()]).is_empty());
}

#[test]
fn the_end_of_a_key_is_told_once_for_each_end() {
    let mut rng = StdRng::seed_from_u64(1);
    let presented = PresentedKey::generate(Mode::Live, KeyId::new(AT, &mut rng), &mut rng);
    let key = Key::new(&presented, TENANT, "one".into(), Scopes::all(), AT);
    let webhooks = [webhook(1, Mode::Live, &[])];
    let all = || webhooks.iter().map(|one| &**one);
    assert!(of_expiring_key(all(), &key, AT).is_empty(), "it never ends");
    let ending = Key { expires_at: Some(AT + Duration::from_secs(60)), ..key };
    let first = of_expiring_key(all(), &ending, AT);
    let again = of_expiring_key(all(), &Key { version: 7, ..ending.clone() }, AT + Duration::from_secs(1));
    assert_eq!((first[0].id, first[0].kind), (again[0].id, "key.expiring"));
    let later = Key { expires_at: Some(AT + Duration::from_secs(61)), ..ending };
    assert_ne!(of_expiring_key(all(), &later, AT)[0].id, first[0].id);
    assert!(!first[0].body.contains("secret"));
}

#[test]
fn of_the_pings_of_a_second_one_is_sent() {
    let webhook = webhook(1, Mode::Live, &[]);
    let [one, two, three] = [0, 999, 1_000].map(|millis| ping(&webhook, AT + Duration::from_millis(millis)));
    assert_eq!(one.id, two.id);
    assert_ne!(one.id, three.id);
}

#[test]
fn names_are_read_as_they_are_written() {
    for event in WebhookEvent::ALL {
        assert_eq!(WebhookEvent::parse(event.as_str()), Some(*event));
    }
    assert_eq!(WebhookEvent::parse(PING), None, "a ping is always sent");
}

#[test]
fn the_documentation_shows_each_event() {
    let docs = include_str!("../../../../../docs/webhooks.md");
    for event in WebhookEvent::ALL {
        let row = format!("| `{}` | {} |", event.as_str(), event.meaning());
        assert!(docs.contains(&row), "{row}");
        let example = docs.split(&format!("\n`{}`\n```json\n", event.as_str())).nth(1).unwrap();
        let example: Value = serde_json::from_str(example.split("\n```").next().unwrap()).unwrap();
        assert_eq!(example["type"], event.as_str());
        if let Some(made) = made(*event) {
            let made: Value = serde_json::from_str(&made.body).unwrap();
            let names = |body: &Value| body["data"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&example), names(&made), "{}", event.as_str());
        }
    }
}

/// A message about a key or a member.
fn made(event: WebhookEvent) -> Option<WebhookMessage> {
    let webhooks = [webhook(1, Mode::Live, &[])];
    let all = || webhooks.iter().map(|one| &**one);
    let mut rng = StdRng::seed_from_u64(1);
    let presented = PresentedKey::generate(Mode::Live, KeyId::new(AT, &mut rng), &mut rng);
    let messages = match event.as_str().split_once('.')? {
        ("key", _) => {
            of_key(all(), event, &Key::new(&presented, TENANT, "one".into(), Scopes::all(), AT), AT)
        }
        ("member", "invited") => of_invitation(all(), &invitation(), AT),
        ("member", _) => of_member(all(), event, (&member(), Some(invitation().id)), AT),
        _ => return None,
    };
    messages.into_iter().next()
}

fn member() -> Member {
    Member {
        id: MemberId::from_bytes([4; 16]),
        tenant: TENANT,
        person: PersonId::from_bytes([5; 16]),
        limits: Limits {
            pool: Some(7),
            shares: Shares { senders: Share::none(), ..Shares::all() },
            ..Limits::of_owner(Zone::default())
        },
        disabled: false,
        version: 3,
        created_at: AT,
    }
}

fn invitation() -> Invitation {
    let mut rng = StdRng::seed_from_u64(2);
    let keys = || vec![VersionedKey { version: 1, key: [1; 32] }];
    let keyring = KeyRing::new([1; 32], keys(), keys()).unwrap();
    let id = (TENANT, InvitationId::from_bytes([6; 16]));
    let email = EmailAddress::parse("anna@example.com").unwrap();
    let granted = (member().limits, Author::Member(MemberId::from_bytes([8; 16])));
    Invitation::new(id, &email, granted, &keyring, AT, &mut rng).0
}

#[test]
fn members_are_told_by_ids_and_limits_to_live_webhooks() {
    let webhooks = [webhook(1, Mode::Live, &[]), webhook(2, Mode::Test, &[])];
    let all = || webhooks.iter().map(|one| &**one);
    let told = of_member(all(), WebhookEvent::MemberUpdated, (&member(), None), AT);
    assert_eq!((told.len(), told[0].webhook), (1, webhooks[0].id));
    let body: Value = serde_json::from_str(&told[0].body).unwrap();
    let data = &body["data"];
    assert_eq!(data["member_id"], member().id.to_string());
    assert_eq!((&data["role"], &data["pool"], &data["senders"]), (&json!("owner"), &json!(7), &json!([])));
    assert_eq!((&data["most_parts"], &data["profiles"]), (&Value::Null, &Value::Null));
    assert!(!told[0].body.contains(&member().person.to_string()));
    let again = of_member(all(), WebhookEvent::MemberUpdated, (&member(), None), AT);
    assert_eq!(again[0].id, told[0].id);
    let later = Member { version: 4, ..member() };
    assert_ne!(of_member(all(), WebhookEvent::MemberUpdated, (&later, None), AT)[0].id, told[0].id);
    let invited = of_invitation(all(), &invitation(), AT);
    assert_eq!((invited.len(), invited[0].kind), (1, "member.invited"));
    assert!(!invited[0].body.contains("example.com"), "{}", invited[0].body);
}
