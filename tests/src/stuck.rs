//! Great numbers of clients that keep the server waiting. Other clients are still served, and the server ends
//! each stuck connection in time.

use crate::{
    app::{TestApp, TestKey},
    codes::seconds,
};
use futures_util::future::join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{sleep_until, timeout},
};

/// The number of connections held at once, of each kind.
const MANY: usize = 2_000;
/// The value of each time-out in these tests.
const PATIENCE: Duration = Duration::from_secs(4);
/// The longest time for a stuck connection.
const END: Duration = Duration::from_secs(3 * 4);

/// This process has both ends of all connections.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let needed = 2 * MANY as u64 + 1_000;
    assert!(limit.maximum.is_none_or(|most| most >= needed), "{needed} files must be allowed: ulimit -Hn");
}

async fn spawn() -> TestApp {
    let mut app = TestApp::spawn_with(|settings| {
        let clients = &mut settings.server.clients;
        clients.head_timeout = PATIENCE;
        clients.body_timeout = PATIENCE;
        clients.answer_timeout = PATIENCE;
        clients.keep_alive = PATIENCE;
    })
    .await;
    // Use a new connection for each request: an idle one may be closed just as it is used again.
    app.client =
        reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(END).build().unwrap();
    app
}

/// A connection whose client buffers little before it reads.
async fn connect(app: &TestApp) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    socket.connect(app.base_url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap()
}

/// What a stuck client does before it stops doing anything.
struct Kind {
    name: &'static str,
    sends: String,
    /// Whether the server answers before the client is stuck.
    hears: bool,
    /// Whether the client never reads, so that it cannot notice that it was ended.
    deaf: bool,
}

fn kinds(key: &TestKey) -> Vec<Kind> {
    let head = |what: &str, more: &str| format!("{what} HTTP/1.1\r\nHost: localhost\r\n{more}");
    let authorized = format!("Authorization: Bearer {}\r\n", key.text);
    let json = "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    let whole = head("GET /v1/keys", &format!("{authorized}\r\n"));
    let kind = |name, sends| Kind { name, sends, hears: false, deaf: false };
    let chunked = "Transfer-Encoding: chunked\r\n\r\n5\r\nhel";
    vec![
        kind("heads", head("GET /health/live", "X-Slow: ")),
        kind("nothing at all", String::new()),
        Kind { hears: true, ..kind("second heads", format!("{whole}GET /v1/k")) },
        kind("bodies", head("POST /v1/verifications", &format!("{authorized}{json}"))),
        Kind { hears: true, ..kind("receipts", head("POST /receipts/a/b/c", json)) },
        Kind { hears: true, ..kind("bodies that nobody reads", head("POST /nothing", chunked)) },
        Kind { deaf: true, ..kind("unread answers", head("GET /docs/swagger-ui-bundle.js", "\r\n")) },
    ]
}

impl Kind {
    async fn begin(&self, app: &TestApp) -> (TcpStream, Instant) {
        let mut stream = connect(app).await;
        stream.write_all(self.sends.as_bytes()).await.unwrap();
        if self.hears {
            let mut answer = [0; 9];
            timeout(END, stream.read_exact(&mut answer)).await.expect("an answer").unwrap();
            assert_eq!(&answer, b"HTTP/1.1 ", "{}", self.name);
        }
        (stream, Instant::now())
    }

    /// Waits until the server ends the connection.
    async fn end(&self, (mut stream, began): (TcpStream, Instant)) {
        let mut rest = Vec::new();
        if self.deaf {
            sleep_until((began + END).into()).await;
            let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("ended long ago");
            // The client has read what was on its way. The server never sent the rest.
            assert!(rest.len() < 1_000_000, "{}: {} bytes, {read:?}", self.name, rest.len());
            return;
        }
        let left = END.saturating_sub(began.elapsed());
        // A reset also ends the connection.
        let ended = timeout(left, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "{}: held for {:?}", self.name, began.elapsed());
    }
}

/// The value of the line of `/metrics` that begins with `name`.
async fn metric(app: &TestApp, name: &str) -> usize {
    let answer = app.client.get(format!("{}/metrics", app.operator_url)).send().await.unwrap();
    let text = answer.text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value.unwrap_or_else(|| panic!("{name} is missing: {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_stuck_clients_of_each_kind_silence_nobody() {
    raise_open_files();
    let app = spawn().await;
    let key = app.tenant("Acme").await;
    let mut most = 0;
    for kind in kinds(&key) {
        let held = join_all((0..MANY).map(|_| kind.begin(&app))).await;
        let body = json!({ "to": "+48500500500" });
        let asked = timeout(PATIENCE, app.post("/v1/verifications", &key, body)).await;
        let started = asked.unwrap_or_else(|_| panic!("{}: a start waits for them", kind.name));
        // The same phone number is used many times, so its limit may refuse.
        assert!(matches!(started.status, 201 | 429), "{}: {started:?}", kind.name);
        // On a busy machine the last connections may be accepted after the first have been ended.
        most = most.max(metric(&app, "countersign_connections{port=\"api\"} ").await);
        let ready = app.client.get(format!("{}/health/ready", app.operator_url)).send().await.unwrap();
        assert_eq!(ready.status(), 200, "{}", kind.name);
        join_all(held.into_iter().map(|held| kind.end(held))).await;
    }
    assert!(most >= MANY, "at most {most} were held at once");
    for reason in ["head", "answer"] {
        let ended =
            metric(&app, &format!("countersign_connections_ended_total{{reason=\"{reason}\"}} ")).await;
        assert!(ended >= MANY, "{reason}: {ended}");
    }
}

/// Clients that send bytes all the time never make the server wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_stop_sending_are_ended_in_their_time() {
    let app = spawn().await;
    let key = app.tenant("Acme").await;
    for authorization in [String::new(), format!("Authorization: Bearer {}\r\n", key.text)] {
        let head = format!(
            "POST /nothing HTTP/1.1\r\nHost: localhost\r\n{authorization}Transfer-Encoding: chunked\r\n\r\n"
        );
        let floods = (0..4).map(async |_| {
            let mut stream = connect(&app).await;
            let began = Instant::now();
            let flood = async {
                stream.write_all(head.as_bytes()).await?;
                let chunks = "1\r\na\r\n".repeat(10_000);
                loop {
                    stream.write_all(chunks.as_bytes()).await?;
                }
            };
            let ended: Result<std::io::Result<()>, _> = timeout(END, flood).await;
            assert!(ended.is_ok_and(|end| end.is_err()), "still taken after {:?}", began.elapsed());
        });
        join_all(floods).await;
    }
}

/// Idle connections may use three quarters of the places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_leave_places_for_others() {
    let app = TestApp::spawn_with(|settings| settings.server.clients.connections = 64).await;
    let key = app.tenant("Acme").await;
    let head =
        format!("GET /v1/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", key.text);
    let mut idle = Vec::new();
    for n in 0..200 {
        let mut stream = connect(&app).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 15];
        let read = timeout(seconds(10), stream.read_exact(&mut answer)).await;
        read.unwrap_or_else(|_| panic!("client {n} waits for a place")).unwrap();
        assert_eq!(answer, *b"HTTP/1.1 200 OK");
        idle.push(stream);
    }
    let ready = app.client.get(format!("{}/health/ready", app.operator_url)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
}
