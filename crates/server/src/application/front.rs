//! Serves clients on a port, and limits what each of them may do.
//!
//! `actix_web::HttpServer` limits the time only for the head of the first request on a connection. It does
//! not limit the time of later heads, of bodies that no handler reads, or of answers that the client does not
//! read. It also accepts no stream type but its own. So this module assembles the same parts around a stream
//! that limits these times ([`Patient`]).

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

/// The longest time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// The longest time for a client to close the connection, and to send the rest of a body that no handler
/// reads.
const CLOSE: Duration = Duration::from_secs(2);

/// How long a client may keep a connection waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The time for the head of a request, from its first byte. For the first request, the time since the
    /// connection began.
    pub head: Duration,
    /// The time for the client to read an answer. For a long answer, the time for each part.
    pub answer: Duration,
    /// The time between two requests; zero if each connection has only one request.
    pub idle: Duration,
}

/// The settings of a port.
pub(super) struct Front {
    /// The name in metrics.
    pub port: &'static str,
    /// The number of threads that serve requests.
    pub workers: usize,
    /// The maximum number of connections. Further ones wait in the system's queue.
    pub connections: usize,
    pub patience: Patience,
    /// How long requests in flight may take after a stop.
    pub shutdown: Duration,
    /// The TLS configuration; plain HTTP without it.
    pub tls: Option<ServerConfig>,
    pub ends: Arc<Ends>,
    pub stop: CancellationToken,
}

/// The part of the settings that each thread needs.
#[derive(Clone)]
struct Terms {
    port: &'static str,
    patience: Patience,
    ends: Arc<Ends>,
    draining: GracefulShutdownSignal,
    crowd: Arc<Crowd>,
}

/// A connection as the HTTP library takes it: the stream, the protocol, the peer.
type Connection<T> = (Patient<T>, Protocol, Option<SocketAddr>);

impl Front {
    /// Serves the application that `app` makes for each thread, until the server is stopped.
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

    /// Serves HTTP/1.1 on accepted connections.
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
        // The application's own state says whether TLS is used: this library tells that only to its own
        // server.
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

/// Tells the connection when a request begins, and when its answer is written.
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
