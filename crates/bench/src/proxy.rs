//! A TCP proxy in front of a server. It can be cut and mended, and can hold one direction.

use anyhow::Result;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Notify, watch},
};

/// Passes bytes on while it is not cut.
pub struct Proxy {
    /// The address on which it listens.
    pub address: SocketAddr,
    state: Arc<State>,
}

/// The direction that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The client's bytes: the server never gets the requests.
    Requests,
    /// The server's bytes: the server has carried the requests out, but the client does not learn it.
    Answers,
}

struct State {
    cut: AtomicBool,
    cuts: Notify,
    held: watch::Sender<Option<Hold>>,
}

impl Proxy {
    /// Listens on a port of its own until the process ends.
    pub async fn open(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            cut: AtomicBool::new(false),
            cuts: Notify::new(),
            held: watch::Sender::new(None),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if shared.cut.load(Ordering::SeqCst) {
                    // Close it at once, like a server that is not there.
                    continue;
                }
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let cut = state.cuts.notified();
                    let pass = async {
                        let Ok(far) = TcpStream::connect(target).await else { return };
                        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                        let held = || state.held.subscribe();
                        tokio::join!(
                            carry(near_in, far_out, held(), Hold::Requests),
                            carry(far_in, near_out, held(), Hold::Answers),
                        );
                    };
                    // If the proxy is cut, held bytes are never passed on, even if it is mended at once.
                    tokio::select! { biased; () = cut => {}, () = pass => {} }
                });
            }
        });
        Ok(Self { address, state })
    }

    /// Closes all connections, and accepts no new ones.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
        self.state.cuts.notify_waiters();
    }

    /// Passes bytes on again.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
        self.state.held.send_replace(None);
    }

    /// From now on, holds the bytes of one direction on all connections.
    pub fn hold(&self, what: Hold) {
        self.state.held.send_replace(Some(what));
    }
}

/// Passes bytes on in one direction until either side ends.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut held: watch::Receiver<Option<Hold>>,
    as_what: Hold,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if held.wait_for(|held| *held != Some(as_what)).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}
