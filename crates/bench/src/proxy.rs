//! A way to a server that can be cut and mended.

use anyhow::Result;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// Passes bytes on while it is open.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    cut: AtomicBool,
    cuts: Notify,
}

impl Proxy {
    /// Listens on a port of its own until the process ends.
    pub async fn open(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { cut: AtomicBool::new(false), cuts: Notify::new() });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if shared.cut.load(Ordering::SeqCst) {
                    // Closed at once, as by a server that is not there.
                    continue;
                }
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let cut = state.cuts.notified();
                    let pass = async {
                        if let Ok(mut far) = TcpStream::connect(target).await {
                            let _ = copy_bidirectional(&mut near, &mut far).await;
                        }
                    };
                    tokio::select! { () = cut => {}, () = pass => {} }
                });
            }
        });
        Ok(Self { address, state })
    }

    /// Ends all connections and takes none.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
        self.state.cuts.notify_waiters();
    }

    /// Passes on again.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
    }
}
