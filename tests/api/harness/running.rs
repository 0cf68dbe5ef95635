//! One run of the server, within the process of its test.

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tuttu::app::App;
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::store::Store;

/// One run of the server.
pub(super) struct Running {
    pub(super) store: Store,
    pub(super) base: String,
    pub(super) ops: String,
    pub(super) development_key: Option<String>,
    pub(super) stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

impl Running {
    /// Begins to serve.
    pub(super) async fn start(config: &Config, clock: &Clock) -> Self {
        let app = App::build(config, clock.clone()).await.unwrap();
        let (api, ops) = (listener().await, listener().await);
        let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (base, ops_url) = (url(&api), url(&ops));
        let (store, development_key) = (app.store().clone(), app.development_key());
        let stop = CancellationToken::new();
        let served = app.serve(api, ops, stop.clone());
        #[expect(clippy::disallowed_methods, reason = "`shut_down` waits for it")]
        let serving = Some(tokio::spawn(served));
        Self { store, base, ops: ops_url, development_key, stop, serving }
    }

    /// Waits until its view of the directory is filled.
    pub(super) async fn ready(&self, client: &reqwest::Client) {
        let url = format!("{}/readyz", self.ops);
        while client.get(&url).send().await.unwrap().status() == 503 {
            tokio::task::yield_now().await;
        }
    }

    /// Stops it, and waits for its end.
    pub(super) async fn shut_down(&mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
