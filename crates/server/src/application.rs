//! One running server: two listeners, the worker, the recorder and some periodic tasks, from binding the
//! ports to recording the last event.

mod audit_heads;
mod background;
mod directory;
mod front;
mod listener;
mod notices;
mod people;
mod portal;
mod presence;
mod probe;
mod provider;
mod receipts;
mod recorder;
mod rotation;
mod settle;
mod share;
#[cfg(test)]
mod tests;
mod tls;
mod upkeep;
mod waiting;

use crate::{
    cli::Role,
    configuration::{Problems, Settings},
    demo::{Demo, refuse_demo},
    machine::SystemClock,
    operator::Operator,
    places::MaxMind,
    telemetry,
    wiring::{Backends, judge_machine, open_backends},
};
use actix_web::web;
use anyhow::{Context as _, anyhow};
use audit_heads::watch_heads;
use background::{House, flush_key_uses, follow_webhooks, join_all, keep_house};
use countersign_api::{Api, AuthFailures, KeyUses, Strays};
use countersign_core::{
    context::Context,
    ports::{
        clock::Clock,
        codes::{outbox::Outbox, peers::Peers},
        history::HistoryUpkeep,
        inbox::{ConsoleSwitch, Inbox},
        nodes::{Nodes, Share},
        people::{SignInStore, notices::Notices},
        places::Places,
    },
    sign_in::Entrance,
};
use countersign_delivery::{AccountReport, Texts, WebhookSettings, Webhooks, Worker, WorkerSettings};
use countersign_portal::{DevMails, DevPage, Site};
use countersign_stores::sqlite::Database;
use countersign_web::State;
use directory::{follow_directory, follow_relays, prepare_tenants, refresh};
use front::{Ends, tell_ends};
pub use listener::BindError;
pub(crate) use listener::try_listening;
use listener::{BIND, Bounds, OPERATOR_BIND, bind, serve_api, serve_operator};
use notices::NoticeSender;
use people::{People, keep_people, open_entrance};
use portal::PortalPlace;
use presence::Presence;
pub(crate) use probe::ApiProbe;
pub(crate) use provider::open_mailer;
use provider::{choose_provider, open_relay};
use receipts::Receipts;
use recorder::Recorder;
pub(crate) use recorder::record_rest;
use rotation::{Users, follow_files};
use settle::settle;
use share::{keep_share, take_share};
use std::{
    fs::File,
    future::Future,
    net::{SocketAddr, TcpListener},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tls::{Certificate, watch_certificate};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use upkeep::Upkeep;
use waiting::wait_for_stores;

/// The time for the last events and uses of keys. It is a part of the time for stopping.
const LAST_FLUSH: Duration = Duration::from_secs(2);

/// The parts from which an application is built.
pub struct Parts {
    pub settings: Settings,
    /// The machine's clock, or one that a test sets.
    pub clock: Arc<dyn Clock>,
    /// Whether to add the virtual phone, the demo tenant and the pages of `dev`.
    pub dev: bool,
    pub role: Role,
}

impl Parts {
    /// The parts for `serve`.
    pub fn new(settings: Settings) -> Self {
        Self { settings, clock: Arc::new(SystemClock), dev: false, role: Role::All }
    }
}

/// A server whose listeners are bound and whose stores are open.
pub struct Application {
    /// The stores, the snapshot and the key ring, as every operation takes them.
    pub context: Context,
    /// What the acts of sign-in work with.
    pub entrance: Entrance,
    base_url: String,
    /// The list of serving processes, in which this one registers itself.
    pub nodes: Arc<dyn Nodes>,
    presence: Presence,
    notices: Arc<NoticeSender>,
    worker: Arc<Worker>,
    reports: Option<mpsc::Receiver<AccountReport>>,
    webhooks: Arc<Webhooks>,
    /// The notices to persons.
    pub outbox: Arc<dyn Notices>,
    /// The mails that the page of `dev` shows; only in `dev`.
    pub mails: Option<Arc<DevMails>>,
    /// The messages of the virtual phone; only in `dev`.
    pub inbox: Option<Arc<dyn Inbox>>,
    /// The behaviour of the provider `console` of `dev`.
    pub switch: Arc<ConsoleSwitch>,
    /// The demo tenant and its keys; only in `dev`.
    pub demo: Option<Arc<Demo>>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    history: Arc<dyn HistoryUpkeep>,
    recorder: Arc<Recorder>,
    key_uses: Arc<KeyUses>,
    failures: Arc<AuthFailures>,
    strays: Arc<Strays>,
    certificate: Option<Arc<Certificate>>,
    places: Arc<MaxMind>,
    users: Option<Users>,
    role: Role,
    share: Share,
    api: Option<TcpListener>,
    operator: TcpListener,
    addresses: (SocketAddr, SocketAddr),
    stop: CancellationToken,
    files: Vec<Database>,
    lock: File,
}

impl Application {
    /// Binds the listeners and opens the stores. First waits until the stores answer and the database has
    /// this program's schema. While it waits, both ports answer that the node is not ready. After that,
    /// nothing is answered until [`Application::run`].
    pub async fn build(parts: Parts) -> anyhow::Result<Self> {
        let Parts { settings, clock, dev, role } = parts;
        let certificate = load_certificate(&settings)?;
        let api = role.answers().then(|| bind(BIND, settings.server.bind)).transpose()?;
        let operator = bind(OPERATOR_BIND, settings.server.operator_bind)?;
        let addresses = (api.as_ref().unwrap_or(&operator).local_addr()?, operator.local_addr()?);
        // Install the metrics before the stores are opened, so that their counts are not lost.
        telemetry::metrics_handle();
        // `dev` updates the schema itself.
        if !dev {
            // Check first what no waiting would repair.
            judge_machine(&settings)?;
            let bounds = Bounds::new(&settings.server, certificate.clone(), Arc::default())?;
            wait_for_stores(&settings, (api.as_ref(), &operator), &bounds).await?;
        }
        let Backends {
            context,
            people,
            nodes,
            accounts,
            reports,
            outbound,
            history,
            inbox,
            servers,
            files,
            lock,
        } = open_backends(&settings, &clock, dev).await?;
        let demo = if dev {
            Some(Arc::new(Demo::open((&context, &*people), history.as_ref(), clock.now()).await?))
        } else {
            refuse_demo(context.directory.as_ref(), &context.keyring).await?;
            None
        };
        let mut presence = Presence::new(&context, Arc::clone(&nodes), &settings.keyring, Arc::clone(&clock));
        prepare_tenants(&context, settings.countries.as_ref(), clock.now()).await;
        // Register this node before it answers anything: an operator who promotes a key must see it.
        presence.note().await;
        refresh(&context).await.context("The directory cannot be read")?;
        let switch = Arc::new(ConsoleSwitch::default());
        let relay = open_relay(&settings, dev, &clock)?;
        let live = choose_provider(relay.clone(), inbox.as_ref(), &switch, &clock);
        let (sql, codes) = servers;
        let mailer = open_mailer(&settings)?;
        let users = Users { sql, codes, relay, outbound: outbound.clone(), mailer: mailer.clone() };
        let delivery = &settings.delivery;
        let worker_settings = WorkerSettings {
            parallel: delivery.parallel,
            lease: delivery.lease,
            send_timeout: delivery.send_timeout,
            ..WorkerSettings::default()
        };
        let places = Arc::new(MaxMind::open(settings.places.clone()));
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let base_url = format!("{scheme}://{}", addresses.0);
        let outbox: Arc<dyn Notices> = people.clone();
        let stores = (people as Arc<dyn SignInStore>, Arc::clone(&places) as Arc<dyn Places>);
        let entrance = open_entrance(&settings, &context, stores, &base_url);
        let share = Share::default();
        let public_url = settings.server.public_url.clone();
        let texts = Texts {
            management: context.management.clone(),
            outbox: Arc::clone(&context.codes) as Arc<dyn Outbox>,
            accounts: Arc::clone(&accounts),
            phone: live.clone().filter(|_| dev),
            send_timeout: delivery.send_timeout,
            slow_account: (delivery.parallel / 2).max(1),
        };
        let ways = (live, accounts);
        let worker = Worker::new(
            context.management.clone(),
            (Arc::clone(&context.codes) as Arc<dyn Outbox>, context.partitions),
            ways,
            Arc::clone(&clock),
            share.clone(),
            public_url,
            worker_settings,
        );
        let worker = Arc::new(worker);
        let mails = demo.is_some().then(Arc::<DevMails>::default);
        let webhooks =
            Webhooks::new(context.clone(), outbound, Arc::clone(&clock), WebhookSettings::default());
        let webhooks = Arc::new(webhooks);
        let keyring = Arc::clone(&context.keyring);
        let notices = Arc::new(NoticeSender::new(
            (Arc::clone(&outbox), keyring, Arc::clone(&clock)),
            (mailer, texts, mails.clone()),
            (&settings, &entrance.origin),
        ));
        let failures = Arc::new(AuthFailures::new(settings.server.auth_failures, Arc::clone(&clock)));
        let strays = Arc::new(Strays::new(Arc::clone(&clock)));
        let codes = Arc::clone(&context.codes);
        let recorder = Arc::new(Recorder::new(codes, Arc::clone(&history), share.clone()));
        Ok(Self {
            context,
            entrance,
            base_url,
            nodes,
            reports: Some(reports),
            presence,
            history,
            recorder,
            notices,
            outbox,
            mails,
            worker,
            webhooks,
            inbox,
            switch,
            demo,
            settings,
            clock,
            key_uses: Arc::new(KeyUses::default()),
            failures,
            strays,
            certificate,
            places,
            users: Some(users),
            role,
            share,
            api,
            operator,
            addresses,
            stop: CancellationToken::new(),
            files,
            lock,
        })
    }

    /// The URL of the API, without a slash at the end. A worker has none.
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// The URL of metrics and health, without a slash at the end.
    pub fn operator_url(&self) -> String {
        format!("http://{}", self.addresses.1)
    }

    /// Serves until `stop` is set. Then it accepts no more requests, finishes those in progress, settles
    /// messages and returns, all within the configured time.
    pub async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let own = self.stop.clone();
        let patience = self.settings.server.shutdown_timeout;
        let (context, key_uses) = (self.context.clone(), Arc::clone(&self.key_uses));
        let presence = self.presence.clone();
        let recorder = Arc::clone(&self.recorder);
        let (worker, role) = (self.presence.id(), self.role);
        if role.works() {
            // Take the share before the first message arrives, so that no message waits for it.
            let taken = take_share(&*context.codes, worker, context.partitions, &self.share).await;
            taken.context("The codes store does not answer")?;
        }
        let ends = Arc::new(Ends::default());
        let mut tasks = self.spawn_tasks();
        tasks.spawn(tell_ends(Arc::clone(&ends), self.stop.clone()));
        if let Some(users) = self.users.take() {
            follow_files(users, &self.settings, &mut tasks, &self.stop);
        }
        if let Some(reports) = self.reports.take() {
            let (context, strays, clock) =
                (self.context.clone(), Arc::clone(&self.strays), Arc::clone(&self.clock));
            let receipts = Receipts { context, strays, clock };
            tasks.spawn(receipts.run(reports, self.stop.clone()));
        }
        let (files, stopped) = (std::mem::take(&mut self.files), OnceLock::new());
        let lock = self.lock.try_clone().context("The lock of the data folder is lost")?;
        let servers = self.serve(ends)?;
        let outcome = {
            let served = async {
                let outcome = servers.await.context("A listener failed");
                own.cancel();
                outcome
            };
            let work = async {
                let (served, joined) = tokio::join!(served, join_all(&mut tasks, &own));
                served.and(joined)
            };
            let limit = async {
                tokio::select! { () = stop.cancelled() => own.cancel(), () = own.cancelled() => {} }
                stopped.get_or_init(Instant::now);
                sleep(patience.saturating_sub(LAST_FLUSH)).await;
            };
            tokio::select! {
                outcome = work => outcome,
                () = limit => Err(anyhow!("Not all work ended within {} s", patience.as_secs())),
            }
        };
        // The worker has settled its messages by now, so these events are the last.
        let last = async {
            let record = async {
                if role.works() {
                    recorder.finish().await;
                }
            };
            tokio::join!(record, flush_key_uses(&context, &key_uses), presence.forget())
        };
        if timeout(LAST_FLUSH, last).await.is_err() {
            tracing::warn!("The last events, uses of keys or the end of this node were not noted in time");
        }
        settle(&files, *stopped.get_or_init(Instant::now) + patience).await;
        // Only now may another process open the folder.
        drop(lock);
        outcome
    }

    fn spawn_tasks(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        if self.role.works() {
            self.spawn_work(&mut tasks);
        }
        let (context, clock) = (self.context.clone(), Arc::clone(&self.clock));
        tasks.spawn(follow_directory(context.management, clock, self.stop.clone()));
        tasks.spawn(follow_relays(self.context.management.clone(), self.stop.clone()));
        let house = House {
            context: self.context.clone(),
            key_uses: Arc::clone(&self.key_uses),
            failures: Arc::clone(&self.failures),
        };
        tasks.spawn(keep_house(house, self.stop.clone()));
        // The log of `dev` is a terminal, and nobody else writes to its database.
        if self.demo.is_none() {
            let (management, clock) = (self.context.management.clone(), Arc::clone(&self.clock));
            tasks.spawn(watch_heads(management, clock, self.stop.clone()));
        }
        if let Some(certificate) = &self.certificate {
            tasks.spawn(watch_certificate(Arc::clone(certificate), self.stop.clone()));
        }
        tasks.spawn(Arc::clone(&self.places).follow(self.stop.clone()));
        tasks.spawn(self.presence.clone().run(self.stop.clone()));
        tasks
    }

    /// Starts the tasks of a worker, which an API-only node does not have.
    fn spawn_work(&self, tasks: &mut JoinSet<()>) {
        let (worker, stop) = (Arc::clone(&self.worker), self.stop.clone());
        tasks.spawn(async move { worker.run(stop).await });
        tasks.spawn(Arc::clone(&self.notices).run(self.stop.clone()));
        let (webhooks, stop) = (Arc::clone(&self.webhooks), self.stop.clone());
        tasks.spawn(async move { webhooks.run(stop).await });
        let (context, clock) = (self.context.clone(), Arc::clone(&self.clock));
        tasks.spawn(follow_webhooks(context, clock, self.stop.clone()));
        let (recorder, stop) = (Arc::clone(&self.recorder), self.stop.clone());
        tasks.spawn(async move { recorder.run(stop).await });
        tasks.spawn(keep_people(self.entrance.clone(), Arc::clone(&self.clock), self.stop.clone()));
        let Context { codes, partitions, .. } = &self.context;
        let peers: Arc<dyn Peers> = codes.clone();
        let (share, stop) = (self.share.clone(), self.stop.clone());
        tasks.spawn(keep_share(peers, self.presence.id(), *partitions, share, stop));
        let upkeep = Upkeep {
            history: Arc::clone(&self.history),
            notices: Arc::clone(&self.outbox),
            settings: self.settings.history,
            audit_retention: self.settings.audit_retention,
            context: self.context.clone(),
            people: Arc::clone(&self.entrance.people),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
        };
        tasks.spawn(upkeep.run(self.stop.clone()));
    }

    fn serve(self, ends: Arc<Ends>) -> anyhow::Result<impl Future<Output = std::io::Result<()>>> {
        let bounds = Bounds::new(&self.settings.server, self.certificate.clone(), ends)?;
        let secure = self.certificate.is_some();
        let probe = self.api.as_ref().map(|_| ApiProbe::new(self.addresses.0, secure)).transpose();
        let probe = probe.context("The API cannot be asked over TLS")?;
        let settings = &self.settings.server;
        let (proxies, public_url) = (settings.trusted_proxies.clone(), settings.public_url.clone());
        let body_timeout = settings.clients.body_timeout;
        let (portal, page) = (PortalPlace::new(&settings.portal), self.dev_page());
        let origin = Some(self.entrance.origin.to_string());
        let site = web::Data::new(Site { origin, support: self.settings.support.clone() });
        let people = People { entrance: web::Data::new(self.entrance), site };
        // `dev` shows the mails.
        let mails = self.settings.mail.is_some() || self.demo.is_some();
        let notices = mails.then(|| Arc::clone(&self.outbox));
        let Self { context, clock, key_uses, failures, strays, stop, .. } = self;
        let operator = Operator { context: context.clone(), api: probe, stop: stop.clone() };
        let state = State { context, clock, proxies, public_url, notices, secure, body_timeout };
        let parts = Api { state: web::Data::new(state), key_uses, failures, strays };
        let operator = web::Data::new(operator);
        let operator = serve_operator(self.operator, operator, bounds.operator(stop.clone()))?;
        let api = self
            .api
            .map(|api| serve_api(api, parts, (portal, people, page), bounds.api(stop)))
            .transpose()?;
        Ok(async move {
            let api = async {
                match api {
                    Some(api) => api.await,
                    None => Ok(()),
                }
            };
            tokio::try_join!(api, operator).map(drop)
        })
    }

    fn dev_page(&self) -> Option<web::Data<DevPage>> {
        let demo = self.demo.as_ref()?;
        Some(web::Data::new(DevPage {
            context: self.context.clone(),
            inbox: Arc::clone(self.inbox.as_ref()?),
            mails: Arc::clone(self.mails.as_ref()?),
            switch: Arc::clone(&self.switch),
            tenant: demo.tenant.clone(),
            key: demo.key.expose(),
            base_url: self.base_url(),
            stop: self.stop.clone(),
        }))
    }
}

/// The certificate for the API, if one is configured.
pub(crate) fn load_certificate(settings: &Settings) -> Result<Option<Arc<Certificate>>, Problems> {
    let certificate = settings.server.tls.as_ref().map(Certificate::load).transpose();
    let certificate =
        certificate.map_err(|error| Problems(vec![format!("server.tls: {:#}", anyhow::Error::from(error))]));
    Ok(certificate?.map(Arc::new))
}
