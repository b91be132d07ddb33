//! The tenants of the server itself: they are made once, no list shows them, and nobody sets anything up in them.

use super::{Base, audit::chain, people::owner, races::account};
use crate::{codes::rng, history::TENANT, webhooks::Place};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{
        actor::Actor,
        allowlist::{Allowlist, Entry, ListChange, parse_range},
        change::Change,
        key::PresentedKey,
        scope::Scopes,
    },
    delivery::account::Shared,
    id::{
        InvitationId, KeyId, MemberId, ProviderId, ReviewNumberId, RouteId, SenderId, TemplateId, TenantId,
        WebhookId,
    },
    locale::Locale,
    management::{
        allowlists, countries, invitations, key_rotation,
        keys::{self, CreateKey, KeyName, UpdateKey},
        member_keys, members, profile_limits, profiles, providers,
        resources::ResourceName,
        reviews, routes, security, senders, settings,
        system_tenants::prepare_system_tenants,
        templates, tenants, webhooks,
    },
    message::{
        sender_text::SenderText,
        template::{Template, TemplateKind, set::TemplateName},
    },
    mode::Mode,
    people::{
        invitation::LinkSecret,
        password::PasswordText,
        person::{EmailAddress, Identity, PersonName},
    },
    phone::{Country, PhoneNumber, countries::Countries},
    ports::{clock::Clock as _, directory::members::Members},
    tenant::{
        OPERATOR, PORTAL, PORTAL_ENROL, TenantChange, TenantName,
        limits::{Bucket, Buckets, LimitName},
        profile::{DisplayName, ProfileName},
        security::{SecurityChange, SessionIdle},
    },
    webhook::DisabledReason,
};
use futures_util::future::join_all;
use std::{collections::BTreeSet, path::Path, time::Duration};

pub async fn servers_that_start_at_once_make_them_once(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (context, by) = (&place.context, Change::by_system(place.clock.now()));
    let polish = Countries::only(Country::parse("PL"));
    let starts = (0..8).map(async |_| prepare_system_tenants(context, &polish, &by, &mut rng()).await);
    join_all(starts).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    context.refresh().await?;
    for tenant in [PORTAL, PORTAL_ENROL] {
        let view = context.snapshot.tenant(tenant).context("it was made")?;
        ensure!(view.settings.countries == polish && view.profiles.contains_key(&ProfileName::default()));
        let made = chain(base, tenant).await?;
        assert_eq!(made[0].action, "tenant.create");
        ensure!(made.len() <= 3, "each setting is written once: {}", made.len());
    }
    let entries = chain(base, PORTAL_ENROL).await?.len();
    prepare_system_tenants(context, &polish, &by, &mut rng()).await?;
    assert_eq!(chain(base, PORTAL_ENROL).await?.len(), entries, "another start changes nothing");
    let all = Countries::default();
    prepare_system_tenants(context, &all, &by, &mut rng()).await?;
    context.refresh().await?;
    ensure!(context.snapshot.tenant(PORTAL).context("it was made")?.settings.countries == all);
    let listed = tenants::list_tenants(context, None, 100).await?;
    assert_eq!(listed.iter().map(|tenant| tenant.id).collect::<Vec<_>>(), [TENANT]);
    Ok(())
}

/// Runs each act on a tenant and fails if one succeeds. Returns the names of the acts.
macro_rules! refused {
    ($tenant:expr, $($name:ident: $act:expr),+ $(,)?) => {{
        $(ensure!($act.await.is_err(), "{}: {}", $tenant, stringify!($name));)+
        [$(stringify!($name)),+]
    }};
}

pub async fn nobody_sets_anything_up_in_them(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (context, now) = (&place.context, place.clock.now());
    let by = Change::by_operator(now);
    prepare_system_tenants(context, &Countries::default(), &by, &mut rng()).await?;
    let provider = account(&place, OPERATOR, Shared::All).await?;
    context.refresh().await?;
    let mut named = BTreeSet::new();
    for tenant in [PORTAL, PORTAL_ENROL] {
        let before = chain(base, tenant).await?.len();
        named.extend(walk(&place, tenant, &by, provider).await?);
        let resources = context.directory.list_resources(tenant).await?;
        ensure!(resources.is_empty() && base.directory.list_members(tenant, None, 10).await?.is_empty());
        ensure!(context.directory.list_keys(tenant, None, 10).await?.is_empty());
        assert_eq!(context.directory.list_profiles(tenant).await?.len(), 1);
        assert_eq!(chain(base, tenant).await?.len(), before, "and nothing is written");
    }
    assert_eq!(changing_acts(), named, "each act that changes a tenant must be tried here");
    Ok(())
}

/// The names of the acts that change something of a tenant, from the text of the modules.
fn changing_acts() -> BTreeSet<&'static str> {
    // These act for the whole server, on a person, or make tenants of their own. `erase_now` begins with
    // `change_tenant`.
    const OTHERS: [&str; 5] =
        ["close_account", "create_tenant", "erase_now", "prepare_system_tenants", "reseal_resources"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/core/src/management");
    let mut acts = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let text: &'static str = text.leak();
        for act in text.split("\npub async fn ").skip(1) {
            let (head, _) = act.split_once("\n}").unwrap_or((act, ""));
            let name = head.split(['(', '<']).next().unwrap_or_default();
            let arguments = head.split_once(" -> ").map_or(head, |(arguments, _)| arguments);
            if arguments.contains("by: &Change") && !OTHERS.contains(&name) {
                acts.insert(name);
            }
        }
    }
    acts
}

/// A change of nothing.
fn no<T: Default>() -> T {
    T::default()
}

async fn walk(
    place: &Place,
    tenant: TenantId,
    by: &Change,
    provider: ProviderId,
) -> Result<Vec<&'static str>> {
    let (context, now) = (&place.context, place.clock.now());
    let operator = &Actor::operator(tenant);
    let rng = &mut rng();
    let name = || ResourceName::parse("new").unwrap();
    let number = PhoneNumber::parse("+48500500500").unwrap();
    let list = Allowlist::parse("192.0.2.0/24\t\n").unwrap();
    let entry = Entry { range: parse_range("192.0.2.1").unwrap(), description: Default::default() };
    let (limit, bucket) = (LimitName::parse("signup").unwrap(), Bucket::new(5, 600));
    let buckets = Buckets::new(vec![bucket]).unwrap();
    let email = EmailAddress::parse("ada@example.com").unwrap();
    let identity = Identity { name: PersonName::parse("Ada").unwrap(), email: email.clone() };
    let profile = context.directory.list_profiles(tenant).await?[0].clone();
    let (default, display) = (ProfileName::default(), DisplayName::parse("New").unwrap());
    let key = || CreateKey {
        name: KeyName::parse("new").unwrap(),
        mode: Mode::Live,
        scopes: Scopes::default(),
        expires_at: None,
        allowlist: Allowlist::default(),
        profiles: None,
        company: true,
    };
    let key_id = KeyId::new(now, rng);
    let presented = PresentedKey::generate(Mode::Live, key_id, rng);
    let (member, invitation) = (MemberId::new(now, rng), InvitationId::new(now, rng));
    let text = Template::parse("{code} is your code", TemplateKind::Plain)?;
    let texts =
        templates::TextsChange { texts: [(Locale::default(), Some(text))].into(), ..Default::default() };
    let template = templates::TemplateChange { texts: Some(texts), ..Default::default() };
    let webhook = webhooks::NewWebhook {
        name: name(),
        mode: None,
        url: "https://webhooks.example/".to_owned(),
        events: None,
        enabled: true,
    };
    let account = providers::NewProvider {
        name: name(),
        kind: "http".to_owned(),
        settings: crate::delivery::settings("https://sms.example"),
        rate: None,
        shared: Shared::No,
    };
    let accepting = invitations::Accepting::New(
        identity.clone(),
        Locale::default(),
        owner().zone,
        PasswordText::stored("no hash".to_owned()),
    );
    let secret = LinkSecret::generate(rng);
    let idle = SecurityChange { session_idle: Some(SessionIdle::new(300)), ..SecurityChange::default() };
    let sender = SenderText::parse("Acme").unwrap();
    let webhook_id = WebhookId::new(now, rng);
    let (route_id, sender_id) = (RouteId::new(now, rng), SenderId::new(now, rng));
    let (template_id, review_id) = (TemplateId::new(now, rng), ReviewNumberId::new(now, rng));
    let named = refused!(
        tenant,
        replace_api_allowlist: allowlists::replace_api_allowlist(context, operator, list, true, by),
        change_portal_allowlist:
            allowlists::change_portal_allowlist(context, operator, ListChange::Add(vec![entry]), true, by),
        save_countries: countries::save_countries(context, operator, Countries::default(), by),
        invite: invitations::invite(context, operator, (&email, &owner()), invitations::Handover::Caller, by, rng),
        invite_once: invitations::invite_once(
            context, operator, (&email, &owner()), (invitations::Handover::Caller, None), by, rng),
        send_again: invitations::send_again(context, operator, invitation, invitations::Handover::Caller, by, rng),
        withdraw: invitations::withdraw(context, operator, invitation, by),
        accept: invitations::accept(context, (tenant, invitation), &secret, &accepting, by, rng),
        rotate_key: key_rotation::rotate_key(
            context, operator, key_id, (Duration::ZERO, None), by, rng),
        create_key: keys::create_key(context, operator, key(), None, by, rng),
        install_key: keys::install_key(context, operator, key(), &presented, by, rng),
        update_key: keys::update_key(
            context, operator, key_id, UpdateKey { change: no(), confirmed: true }, by),
        delete_key: keys::delete_key(context, operator, key_id, by),
        move_key: member_keys::move_key(context, operator, key_id, None, by),
        add_member: members::add_member(context, tenant, (&identity, &owner()), by, rng),
        update_member: members::update_member(context, operator, member, &no(), by, rng),
        remove_member: members::remove_member(context, operator, member, by),
        create_member_key: members::create_member_key(context, (tenant, member), key(), by, rng),
        create_rate_limit: profile_limits::create_rate_limit(
            context, operator, profile.id, (limit.clone(), String::new()), by),
        describe_rate_limit: profile_limits::describe_rate_limit(
            context, operator, profile.id, (&limit, None), by),
        delete_rate_limit: profile_limits::delete_rate_limit(context, operator, profile.id, &limit, by),
        create_bucket: profile_limits::create_bucket(context, operator, profile.id, (&limit, bucket), by),
        update_bucket: profile_limits::update_bucket(
            context, operator, profile.id, (&limit, 600), (Some(1), None), by),
        delete_bucket: profile_limits::delete_bucket(context, operator, profile.id, (&limit, 600), by),
        create_profile: profiles::create_profile(context, operator, display, no(), by, rng),
        save_profile: profiles::save_profile(context, operator, default.clone(), no(), by, rng),
        update_profile: profiles::update_profile(context, operator, &default, no(), by),
        update_profile_by_id: profiles::update_profile_by_id(context, operator, profile.id, no(), by),
        delete_profile: profiles::delete_profile(context, operator, &default, by),
        delete_profile_by_id: profiles::delete_profile_by_id(context, operator, profile.id, by),
        create_provider: providers::create_provider(context, tenant, account, None, by, rng),
        update_provider: providers::update_provider(context, tenant, provider, no(), by, rng),
        delete_provider: providers::delete_provider(context, tenant, provider, by),
        renew_receipts: providers::renew_receipts(context, tenant, provider, by),
        test_provider: providers::test_provider(context, None, tenant, provider, number.clone(), by),
        create_review_number: reviews::create_review_number(
            context, operator, &number, (now + Duration::from_secs(60), None), by, rng),
        delete_review_number: reviews::delete_review_number(context, operator, review_id, by),
        create_route: routes::create_route(context, tenant, (name(), provider), no(), None, by, rng),
        update_route: routes::update_route(context, tenant, route_id, no(), by),
        delete_route: routes::delete_route(context, tenant, route_id, by),
        change_security: security::change_security(context, operator, &idle, by),
        create_sender: senders::create_sender(context, operator, (sender, no()), None, by, rng),
        update_sender: senders::update_sender(context, operator, sender_id, no(), by),
        delete_sender: senders::delete_sender(context, operator, sender_id, by),
        save_limit: settings::save_limit(context, operator, limit.clone(), buckets, by),
        delete_limit: settings::delete_limit(context, operator, LimitName::parse("number").unwrap(), by),
        save_locale: settings::save_locale(context, operator, None, by),
        clear_number: settings::clear_number(context, operator, &number, by),
        create_template: templates::create_template(
            context, operator, (TemplateName::parse("new").unwrap(), template), None, by, rng),
        update_template: templates::update_template(context, operator, template_id, no(), by),
        delete_template: templates::delete_template(context, operator, template_id, by),
        create_tenant_as: tenants::create_tenant_as(
            context, tenant, (TenantName::parse("Mine").unwrap(), &Countries::default()), by, rng),
        create_tenant_key: tenants::create_tenant_key(context, tenant, key(), None, by, rng),
        change_tenant: tenants::change_tenant(context, tenant, &TenantChange::Disable, by),
        create_webhook: webhooks::create_webhook(context, operator, webhook, None, by, rng),
        update_webhook: webhooks::update_webhook(context, operator, webhook_id, no(), by),
        rotate_webhook: webhooks::rotate_webhook(context, operator, webhook_id, Duration::ZERO, by, rng),
        delete_webhook: webhooks::delete_webhook(context, operator, webhook_id, by),
    );
    let reason = DisabledReason::Failing;
    let disabled = webhooks::disable_webhook(context, (tenant, webhook_id), reason, now, by).await?;
    ensure!(!disabled, "there is none");
    Ok(named.into_iter().chain(["disable_webhook"]).collect())
}
