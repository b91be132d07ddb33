//! How clients are served on a port, and what bounds each of them.
//!
//! `actix_web::HttpServer` times the head of the first request of a connection
//! and nothing else that a client does: not the next head, not a body that
//! nobody reads, not an answer that is not read. It takes no stream but its own,
//! so the same parts that it is made of are put together here, around a stream
//! that keeps the time ([`Patient`]).

mod ends;
mod patient;
mod turn;

use actix_http::{ConnectionType, HttpService, KeepAlive, Protocol, Request, Response, error::DispatchError};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::{body::MessageBody, dev::AppConfig};
use ends::End;
pub(super) use ends::{Ends, tell_ends};
use patient::{Patient, Socket};
use rustls::ServerConfig;
use std::{
    fmt::Debug,
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{error::Elapsed, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use turn::{Crowd, Told, Turn};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// How long a client may take to close, and to send what is left of a body that nobody reads.
const CLOSE: Duration = Duration::from_secs(2);

/// How long a client may keep a connection waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the head of a request, from its first byte; of the first one from the beginning.
    pub head: Duration,
    /// Until it took what was written; for a long answer, each part of it.
    pub answer: Duration,
    /// Between two requests; zero if each connection has one.
    pub idle: Duration,
}

/// A port.
pub(super) struct Front {
    /// In metrics.
    pub port: &'static str,
    /// Threads that serve requests.
    pub workers: usize,
    /// Connections at once; others wait in the system's queue.
    pub connections: usize,
    pub patience: Patience,
    /// How long requests in flight may take to end.
    pub shutdown: Duration,
    /// Speaks TLS with this, else plain HTTP.
    pub tls: Option<ServerConfig>,
    pub ends: Arc<Ends>,
    pub stop: CancellationToken,
}

/// What each thread needs of it.
#[derive(Clone)]
struct Terms {
    port: &'static str,
    patience: Patience,
    ends: Arc<Ends>,
    draining: GracefulShutdownSignal,
    crowd: Arc<Crowd>,
}

/// What the HTTP library wants of a connection: the stream, what it speaks, who is there.
type Connection<T> = (Patient<T>, Protocol, Option<SocketAddr>);

impl Front {
    /// Serves what `app` makes in each thread, until it is stopped.
    pub fn serve<F, I, S, B>(self, listener: TcpListener, app: F) -> io::Result<Server>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error>,
        S::InitError: Debug,
        S::Response: Into<Response<B>>,
        B: MessageBody + 'static,
    {
        let server = Server::build()
            .workers(self.workers)
            .max_concurrent_connections(self.connections.div_ceil(self.workers))
            .shutdown_timeout(self.shutdown.as_secs())
            .shutdown_signal(self.stop.cancelled_owned());
        let draining = server.graceful_shutdown_signal();
        let crowd = Arc::new(Crowd::new(self.connections));
        let terms = Terms { port: self.port, patience: self.patience, ends: self.ends, draining, crowd };
        let server = match self.tls {
            Some(mut tls) => {
                tls.alpn_protocols = vec![b"http/1.1".to_vec()];
                let acceptor = TlsAcceptor::from(Arc::new(tls));
                server.listen(self.port, listener, move || {
                    let (terms, acceptor) = (terms.clone(), acceptor.clone());
                    let http = terms.http(app());
                    let accept = move |io| {
                        let (terms, acceptor) = (terms.clone(), acceptor.clone());
                        async move { terms.accept_tls(&acceptor, io).await }
                    };
                    fn_service(accept).and_then(http)
                })?
            }
            None => server.listen(self.port, listener, move || {
                let terms = terms.clone();
                let http = terms.http(app());
                let accept = move |io: TcpStream| {
                    let peer = io.peer_addr().ok();
                    let accepted = (terms.patient(io), Protocol::Http1, peer);
                    async move { Ok::<_, DispatchError>(accepted) }
                };
                fn_service(accept).and_then(http)
            })?,
        };
        Ok(server.run())
    }
}

impl Terms {
    fn patient<T: Socket>(&self, io: T) -> Patient<T> {
        let open = metrics::gauge!("countersign_connections", "port" => self.port);
        Patient::new(io, self.patience, Arc::clone(&self.ends), (open, Arc::clone(&self.crowd)))
    }

    async fn accept_tls(
        &self,
        acceptor: &TlsAcceptor,
        io: TcpStream,
    ) -> Result<Connection<tokio_rustls::server::TlsStream<TcpStream>>, DispatchError> {
        let peer = io.peer_addr().ok();
        let late = |_: Elapsed| io::Error::from(io::ErrorKind::TimedOut);
        let accepted = timeout(HANDSHAKE, acceptor.accept(io)).await.map_err(late).flatten();
        match accepted {
            Ok(io) => Ok((self.patient(io), Protocol::Http1, peer)),
            Err(error) => {
                self.ends.note(End::Handshake);
                Err(DispatchError::Io(error))
            }
        }
    }

    /// Speaks HTTP/1.1 on accepted connections.
    fn http<T, I, S, B>(
        &self,
        app: I,
    ) -> impl ServiceFactory<Connection<T>, Config = (), Response = (), Error = DispatchError, InitError = ()>
    + use<T, I, S, B>
    where
        T: Socket,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error>,
        S::InitError: Debug,
        S::Response: Into<Response<B>>,
        B: MessageBody + 'static,
    {
        let Patience { head, idle, .. } = self.patience;
        let keep_alive = if idle.is_zero() { KeepAlive::Disabled } else { KeepAlive::Timeout(idle) };
        let (draining, ends) = (self.draining.clone(), Arc::clone(&self.ends));
        let app = app.into_factory().map_err(|error| error.into().error_response());
        // Whether TLS is spoken is in the state of those who ask: this library tells only its own server.
        let app = map_config(app, |()| AppConfig::default());
        HttpService::build()
            .keep_alive(keep_alive)
            .client_request_timeout(head)
            .client_disconnect_timeout(CLOSE)
            .graceful_shutdown_signal(move || {
                let draining = draining.clone();
                async move { draining.notified().await }
            })
            .on_connect_ext(|io: &Patient<T>, data| drop(data.insert(io.turn())))
            .finish(apply_fn_factory(app, take_turns))
            .map_err(move |error| {
                ends.note_error(&error);
                error
            })
    }
}

/// Tells the connection when the server has a request, and when its answer is written.
fn take_turns<S, B>(
    request: Request,
    app: &S,
) -> impl Future<Output = Result<Response<Told>, S::Error>> + use<S, B>
where
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    let turn = request.conn_data::<Rc<Turn>>().cloned().unwrap_or_default();
    turn.begin();
    let answer = app.call(request);
    async move {
        match answer.await {
            Ok(answer) => {
                let mut answer: Response<B> = answer.into();
                if turn.is_crowded() {
                    answer.head_mut().set_connection_type(ConnectionType::Close);
                }
                Ok(answer.map_body(|head, body| Told::new(body.boxed(), turn, head.keep_alive())))
            }
            Err(error) => {
                turn.end(false);
                Err(error)
            }
        }
    }
}
