//! A TCP proxy in front of a server, which a test cuts, stalls and restores.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};

use guichet::platform::config::{Config, Database, DatabaseTarget};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The way to a server.
pub(crate) struct Proxy {
    here: SocketAddr,
    server: Arc<OnceLock<String>>,
    open: Mutex<Option<JoinHandle<()>>>,
    stalled: watch::Sender<bool>,
}

impl Proxy {
    /// An open way; [`Self::lead`] tells where it leads.
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self {
            here: listener.local_addr().unwrap(),
            server: Arc::default(),
            open: Mutex::default(),
            stalled: watch::Sender::new(false),
        };
        proxy.listen(listener);
        proxy
    }

    /// Where the way begins.
    pub(crate) fn here(&self) -> SocketAddr {
        self.here
    }

    /// Leads to a server, given as host and port.
    pub(crate) fn lead_to(&self, server: &str) {
        let _ = self.server.set(server.to_owned());
    }

    /// Puts the proxy between a server's settings and its database.
    pub(crate) fn lead(&self, config: &mut Config) {
        let DatabaseTarget::Url(url) = &config.database.target else { panic!("a database with an address") };
        let (scheme, rest) = url.expose().split_once("://").unwrap();
        let (before, name) = rest.rsplit_once('/').unwrap();
        let (user, server) = before.rsplit_once('@').unwrap();
        self.lead_to(server);
        config.database = Database::from_url(&format!("{scheme}://{user}@{}/{name}", self.here())).unwrap();
    }

    /// Ends every connection and refuses new ones.
    pub(crate) async fn cut(&self) {
        let listening = self.open.lock().unwrap().take();
        if let Some(listening) = listening {
            listening.abort();
            let _ = listening.await;
        }
    }

    /// Lets connections through again.
    pub(crate) async fn restore(&self) {
        self.listen(TcpListener::bind(self.here).await.unwrap());
    }

    /// Keeps connections open, and passes nothing on, on them and on new ones.
    pub(crate) fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    fn listen(&self, listener: TcpListener) {
        let (server, stalled) = (Arc::clone(&self.server), self.stalled.subscribe());
        let listening = tokio::spawn(async move {
            // Ends with this task, and the connections with it.
            let mut ways = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                ways.spawn(carry(client, server.get().unwrap().clone(), stalled.clone()));
            }
        });
        *self.open.lock().unwrap() = Some(listening);
    }
}

async fn carry(mut client: TcpStream, server: String, mut stalled: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    loop {
        let _ = stalled.wait_for(|stalled| !stalled).await;
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = stalled.wait_for(|stalled| *stalled) => {}
        }
    }
}
