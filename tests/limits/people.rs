//! The use cases over a fresh SQLite database, for people who ask and check at any time.

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;
use tuttu::captcha::Captchas;
use tuttu::config::Config;
use tuttu::model::delivery::Channel;
use tuttu::model::keys::{Keys, Purpose, SecretKey};
use tuttu::model::source::Source;
use tuttu::model::verification::MessageTemplate;
use tuttu::sender::{Gateway, Gateways, Inbox, Sender};
use tuttu::store::{DatabaseUrl, Store};
use tuttu::verification::{SendRefused, StartRequest, Started, Starter, VerificationPolicy, Verifications};

/// Where codes are asked for.
pub(crate) struct Desk {
    pub(crate) verifications: Verifications,
    pub(crate) store: Store,
    pub(crate) keys: Arc<Keys>,
    _folder: TempDir,
}

impl Desk {
    pub(crate) async fn open(change: impl FnOnce(&mut Config)) -> Self {
        // In memory where there is such a folder: this is about what is decided, not about the disk.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let url = format!("sqlite://{}", folder.path().join("tuttu.db").display());
        let store = Store::connect(&DatabaseUrl::parse(&url).unwrap(), true, 8).await.unwrap();
        store.migrate().await.unwrap();
        let keys: BTreeMap<_, _> = Purpose::ALL
            .into_iter()
            .zip(1..)
            .map(|(purpose, byte)| (purpose, SecretKey::new(1, [byte; 32])))
            .collect();
        let keys = Arc::new(Keys::new(&keys).unwrap());
        let mut config = Config::default();
        change(&mut config);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let captchas = Captchas::new(&config.challenges).unwrap();
        let inbox = Gateway::new("inbox".to_owned(), Sender::Inbox(Inbox::default()));
        let gateways = Gateways::new(vec![inbox], &[]);
        let policy = Arc::new(VerificationPolicy::new(&config, Arc::new(gateways)));
        let outbox = Arc::new(Notify::new());
        let verifications = Verifications::new(store.clone(), keys.clone(), policy, captchas, outbox);
        Self { verifications, store, keys, _folder: folder }
    }

    /// Asks for a code.
    pub(crate) async fn start(
        &self,
        number: &str,
        source: Source,
        now: Timestamp,
    ) -> Result<Started, SendRefused> {
        let request = StartRequest {
            number: number.to_owned(),
            region: None,
            channel: Channel::Sms,
            template: MessageTemplate::default(),
            accept_language: None,
            source,
            account: None,
        };
        self.verifications.start(request, now).await
    }

    /// Whoever started a verification.
    pub(crate) async fn starter(&self, started: &Started) -> Starter {
        let id = started.state.verification.id;
        self.verifications.authorize(id, &started.secret).await.unwrap().unwrap()
    }

    /// The right code of a verification.
    pub(crate) async fn code(&self, starter: &Starter) -> String {
        let state = self.verifications.state(starter).await.unwrap();
        state.verification.code(self.keys.code()).unwrap().expose().to_owned()
    }
}
