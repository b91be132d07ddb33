use super::*;
use crate::{
    demo::{INBOX, remove_demo},
    machine::rng,
};
use countersign_core::{
    access::change::Change,
    id::{MemberId, PersonId, ProfileId, TenantId},
    keyring::{KeyRing, VersionedKey},
    locale::Locale,
    management::tenants::erase_now,
    people::{
        account::AccountChange,
        hours::Zone,
        member::{Limits, Member, Role as MemberRole},
        password::{Password, Verified},
        person::{EmailAddress, Identity, Person},
    },
    phone::countries::Countries,
    ports::{
        directory::{Directory, members::Joining},
        people::accounts::Along,
    },
    tenant::{ERASED_AFTER, OPERATOR, Tenant, TenantChange, TenantName, profile::Profile},
    time::Timestamp,
};
use std::path::Path;

fn parts(folder: &Path) -> Parts {
    // This fails only if a provider is installed already, which is fine.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Parts { dev: true, ..Parts::new(Settings::embedded(folder).unwrap()) }
}

async fn get(url: &str) -> (u16, String) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_operator_port_tells_metrics_and_health_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let application = Application::build(parts(folder.path())).await.unwrap();
    let (api, operator) = (application.base_url(), application.operator_url());
    let stop = CancellationToken::new();
    let running = tokio::spawn(application.run(stop.clone()));
    assert_eq!(get(&format!("{operator}/health/ready")).await, (200, "ready\n".to_owned()));
    assert_eq!(get(&format!("{operator}/health/live")).await.0, 200);
    assert_eq!(get(&format!("{operator}/metrics")).await.0, 200);
    for path in ["/", "/dev", "/v1/verifications", "/openapi.json"] {
        assert_eq!(get(&format!("{operator}{path}")).await.0, 404, "{path}");
    }
    assert_eq!(get(&format!("{api}/metrics")).await.0, 404);
    stop.cancel();
    running.await.unwrap().unwrap();
    assert!(Application::build(parts(folder.path())).await.is_ok(), "the folder is free again");
}

#[tokio::test]
async fn each_start_gives_the_same_demo_and_mends_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let first = Application::build(parts(folder.path())).await.unwrap();
    let demo = first.demo.clone().unwrap();
    let directory = Arc::clone(&first.context.directory);
    assert!(
        directory
            .delete_key(demo.tenant.id, demo.key.id, None, &Change::by_system(first.clock.now()))
            .await
            .unwrap()
    );
    drop(first);
    let second = Application::build(parts(folder.path())).await.unwrap();
    let again = second.demo.clone().unwrap();
    assert_eq!(demo.key.expose(), again.key.expose());
    let key = second.context.directory.presented_key(again.key.id).await.unwrap().unwrap();
    assert!(again.key.matches(&key));
    assert_eq!(key.tenant, demo.tenant.id);
}

/// Returns whether the printed key belongs to an enabled tenant and is accepted.
async fn serves_demo(application: &Application) -> bool {
    let (demo, directory) = (application.demo.clone().unwrap(), &application.context.directory);
    let tenant = directory.tenant(demo.tenant.id).await.unwrap().unwrap();
    let key = directory.presented_key(demo.key.id).await.unwrap().unwrap();
    tenant.disabled_at.is_none() && tenant.deleted_at.is_none() && !tenant.erasing && demo.key.matches(&key)
}

#[tokio::test]
async fn each_start_enables_the_demo_tenant_whatever_became_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let start = async || Application::build(parts(folder.path())).await;
    let mut running = start().await.unwrap();
    for change in [TenantChange::Disable, TenantChange::Delete] {
        let (id, directory) = (running.demo.clone().unwrap().tenant.id, running.context.directory.clone());
        directory.update_tenant(id, &change, &Change::by_system(running.clock.now())).await.unwrap().unwrap();
        assert!(!serves_demo(&running).await);
        drop(running);
        running = start().await.unwrap();
        assert!(serves_demo(&running).await, "{change:?}");
    }
    // An erasure that has begun cannot be undone. A start completes it and creates the tenant again.
    let (id, directory) = (running.demo.clone().unwrap().tenant.id, running.context.directory.clone());
    let now = running.clock.now();
    directory
        .update_tenant(id, &TenantChange::Delete, &Change::by_system(now - 2 * ERASED_AFTER))
        .await
        .unwrap()
        .unwrap();
    assert!(directory.begin_erasure(id, now - ERASED_AFTER, &Change::by_system(now)).await.unwrap());
    drop((running, directory));
    let running = start().await.unwrap();
    assert!(serves_demo(&running).await, "after its erasure");

    // A folder of `dev` stays one, even without its tenant.
    let directory = running.context.directory.clone();
    directory
        .update_tenant(id, &TenantChange::Delete, &Change::by_system(now - 2 * ERASED_AFTER))
        .await
        .unwrap()
        .unwrap();
    assert!(directory.begin_erasure(id, now - ERASED_AFTER, &Change::by_system(now)).await.unwrap());
    while !directory.erase_tenant(id, 500, &Change::by_system(now)).await.unwrap() {}
    drop((running, directory));
    let serve = Parts { dev: false, ..parts(folder.path()) };
    let refused = Application::build(serve).await.err().unwrap().to_string();
    assert!(refused.contains("belongs to `countersign dev`"), "{refused}");
    assert!(serves_demo(&start().await.unwrap()).await);
}

#[tokio::test]
async fn dev_and_serve_do_not_take_over_each_others_tenants() {
    let folder = tempfile::tempdir().unwrap();
    let serve = || Parts { dev: false, ..parts(folder.path()) };
    let first = Application::build(serve()).await.unwrap();
    let now = first.clock.now();
    let tenant = Tenant::new(TenantId::new(now, &mut rng()), TenantName::parse("Acme").unwrap(), now);
    let profile = Profile::first(ProfileId::new(now, &mut rng()), tenant.id, now);
    first
        .context
        .directory
        .create_tenant(
            &tenant,
            &profile,
            &Countries::default(),
            None,
            &Change::by_system(Timestamp::default()),
        )
        .await
        .unwrap();
    drop(first);
    let refused = Application::build(parts(folder.path())).await.err().unwrap().to_string();
    assert!(refused.contains("holds tenants of `countersign serve`"), "{refused}");
    assert!(Application::build(serve()).await.is_ok(), "dev left nothing behind");
    let other = tempfile::tempdir().unwrap();
    drop(Application::build(parts(other.path())).await.unwrap());
    let serve = Parts { dev: false, ..parts(other.path()) };
    let refused = Application::build(serve).await.err().unwrap().to_string();
    assert!(refused.contains("belongs to `countersign dev`"), "{refused}");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let first = Application::build(parts(folder.path())).await.unwrap();
    let mut parts = parts(&folder.path().join("other"));
    parts.settings.server.bind = first.addresses.0;
    let error = Application::build(parts).await.err().unwrap();
    assert_eq!(error.downcast_ref::<BindError>().unwrap().address, first.addresses.0);
    assert!(!folder.path().join("other").exists(), "nothing is made for a server that cannot start");
}

#[tokio::test]
async fn a_server_without_dev_has_no_phone_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = parts(folder.path());
    parts.dev = false;
    let application = Application::build(parts).await.unwrap();
    assert!(application.demo.is_none() && application.inbox.is_none());
    assert!(!application.context.live_route);
    assert!(application.context.directory.list_tenants(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_printed_keys_of_dev_open_nothing_under_serve() {
    let folder = tempfile::tempdir().unwrap();
    drop(Application::build(parts(folder.path())).await.unwrap());
    let serve = Parts { dev: false, ..parts(folder.path()) };
    let refused = Application::build(serve).await.err().unwrap();
    assert!(refused.to_string().contains("belongs to `countersign dev`"));
    let fresh = Parts { dev: false, ..parts(&folder.path().join("other")) };
    Application::build(fresh).await.unwrap();
}

#[tokio::test]
async fn dev_has_an_owner_ready_and_makes_nothing_in_the_past() {
    let folder = tempfile::tempdir().unwrap();
    let before = SystemClock.now();
    let start = async || Application::build(parts(folder.path())).await.unwrap();
    let running = start().await;
    let (demo, directory) = (running.demo.clone().unwrap(), running.context.directory.clone());
    let id = demo.tenant.id;
    assert!(directory.tenant(id).await.unwrap().unwrap().created_at >= before);
    let entries = directory.read_chain(id, 0, 100).await.unwrap();
    assert!(entries.len() >= 4, "a tenant, two keys, and an owner: {entries:?}");
    assert!(entries.iter().all(|entry| entry.at >= before), "retention would remove the first ones");
    let owner = async |directory: &dyn Directory, keyring: &KeyRing| {
        let person = directory.find_person(demo.owner.email.mark(keyring)).await.unwrap().unwrap();
        directory.membership(id, person.id).await.unwrap()
    };
    let member = owner(directory.as_ref(), &running.context.keyring).await.unwrap();
    assert!(member.limits.role == MemberRole::Owner && !member.disabled);

    // The next start mends what became of the owner, and makes nothing else.
    let limits = Limits { role: MemberRole::Subuser, ..member.limits.clone() };
    let other = Member { version: 1, id: MemberId::new(before, &mut rng()), ..member.clone() };
    let by = Change::by_system(SystemClock.now());
    let person = Person::new(
        PersonId::new(&mut rng()),
        &Identity { name: demo.owner.name.clone(), email: EmailAddress::parse("b@example.com").unwrap() },
        (Locale::default(), Zone::default()),
        &running.context.keyring,
        before,
        &mut rng(),
    );
    let other = Member { person: person.id, ..other };
    let hash = Password::read("Correct horse 7").unwrap().hash(&mut rng());
    let joining = Joining { member: &other, person: Some(&person), password: Some(&hash), invitation: None };
    directory.add_member(joining, None, &[], &by).await.unwrap();
    let people = Arc::clone(&running.entrance.people);
    let account = people.account(member.person).await.unwrap().unwrap();
    assert_eq!(
        Password::read(demo.password()).unwrap().verify(&account.password.clone().unwrap()),
        Verified::Yes
    );
    assert_eq!(account.phone, None);
    people.change_account(&account, &AccountChange::Password(hash), Along::default(), &by).await.unwrap();
    let narrow = Member { limits, version: 2, ..member.clone() };
    directory.update_member((&member, &narrow), None, &[], &by).await.unwrap();
    drop((running, directory, people));
    let running = start().await;
    let account = running.entrance.people.account(member.person).await.unwrap().unwrap();
    let password = account.password.clone().unwrap();
    assert_eq!(Password::read(demo.password()).unwrap().verify(&password), Verified::Yes);
    let mended = owner(running.context.directory.as_ref(), &running.context.keyring).await.unwrap();
    assert_eq!((mended.id, mended.limits.role), (member.id, MemberRole::Owner));
    assert_eq!(running.context.directory.list_members(id, None, 9).await.unwrap().len(), 2);
}

/// The backends of a command that no server runs beside.
async fn backends(folder: &Path) -> Backends {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    open_backends(&parts(folder).settings, &clock, false).await.unwrap()
}

#[tokio::test]
async fn serve_goes_on_with_a_database_from_which_the_demo_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    drop(Application::build(parts(folder.path())).await.unwrap());
    let serve = async || Application::build(Parts { dev: false, ..parts(folder.path()) }).await;
    assert!(serve().await.is_err());
    assert!(folder.path().join(INBOX).exists());
    let by = Change::by_operator(SystemClock.now());

    // A removal that was interrupted after the tenant leaves the mark, and is repeated.
    let opened = backends(folder.path()).await;
    let demo = Demo::derive(&opened.context.keyring).unwrap();
    let mark = demo.owner.email.mark(&opened.context.keyring);
    erase_now(&opened.context, &*opened.context.webhooks, &*opened.history, demo.tenant.id, &by)
        .await
        .unwrap();
    drop(opened);
    let refused = serve().await.err().unwrap().to_string();
    assert!(refused.contains("countersign demo remove"), "{refused}");

    let opened = backends(folder.path()).await;
    record_rest(&opened.context, &opened.history).await.unwrap();
    remove_demo(&opened, folder.path(), &by).await.unwrap();
    let directory = opened.context.directory.clone();
    assert!(directory.tenant(demo.tenant.id).await.unwrap().is_none());
    assert!(directory.presented_key(demo.key.id).await.unwrap().is_none());
    assert!(directory.find_person(mark).await.unwrap().is_none());
    let entries = directory.read_chain(OPERATOR, 0, 100).await.unwrap();
    let last = entries.last().unwrap();
    assert_eq!((last.action.as_str(), last.author.actor.as_str()), ("demo.remove", "operator"));
    drop((opened, directory));
    assert!(
        !std::fs::read_dir(folder.path())
            .unwrap()
            .any(|file| { file.unwrap().file_name().to_string_lossy().starts_with(INBOX) })
    );
    assert!(serve().await.is_ok());
}

#[tokio::test]
async fn a_mark_outlives_the_key_ring_that_the_demo_is_derived_from() {
    let folder = tempfile::tempdir().unwrap();
    drop(Application::build(parts(folder.path())).await.unwrap());
    let opened = backends(folder.path()).await;
    let key = || vec![VersionedKey { version: 1, key: [9; 32] }];
    let other = KeyRing::new([9; 32], key(), key()).unwrap();
    let refused = refuse_demo(opened.context.directory.as_ref(), &other).await.unwrap_err().to_string();
    assert!(refused.contains("belongs to `countersign dev`"), "{refused}");
}
