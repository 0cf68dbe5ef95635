//! `tuttu serve`.

mod supervisor;

use super::Options;
use sd_notify::NotifyState;
use std::io::{self, Write as _};
use supervisor::Passed;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tuttu::app::App;
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::key_rotation::KeyRotation;
use tuttu::store::DatabaseUrl;

/// Runs the service until SIGTERM or SIGINT; a second one ends it at once. On SIGHUP it reads the key file again.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let config = options.begin()?;
    let mut passed = Passed::from_environment()?;
    let api = passed.listener("api", "server.listen", config.server.listen).await?;
    let ops = passed.listener("ops", "server.ops_listen", config.server.ops_listen).await?;
    let app = App::build(&config, Clock::System).await?;
    // Before it says that it is ready: whoever reads that may ask it to end.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (keys, reloads) = (app.key_rotation(), TaskTracker::new());
    welcome(&config, &app, &api, &ops)?;
    supervisor::say(&[NotifyState::Ready]);
    let stop = CancellationToken::new();
    let mut watched = std::pin::pin!(supervisor::watched());
    let mut serving = std::pin::pin!(app.serve(api, ops, stop.clone()));
    loop {
        tokio::select! {
            () = &mut serving => return Ok(()),
            _ = hangup.recv() => {
                reloads.spawn(reload(keys.clone()));
                continue;
            }
            () = &mut watched => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        anyhow::ensure!(!stop.is_cancelled(), "stopped by a second signal: requests under way were cut off");
        supervisor::say(&[NotifyState::Stopping]);
        tracing::info!("stopping: new requests are refused, those under way end");
        stop.cancel();
    }
}

/// Reads the key file again; one that cannot be used leaves the keys as they were.
async fn reload(keys: KeyRotation) {
    match keys.reload().await {
        Ok(()) => tracing::info!("the key file was read again"),
        Err(cause) => tracing::error!(%cause, "the key file was not taken: the keys stay as they were"),
    }
}

/// Says where everything is and where to go next.
fn welcome(config: &Config, app: &App, api: &TcpListener, ops: &TcpListener) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let (api, ops) = (api.local_addr()?, ops.local_addr()?);
    let program = std::env::args().next().unwrap_or_else(|| "tuttu".to_owned());
    let database = match DatabaseUrl::parse(config.database.url.expose())?.file() {
        Some(file) => format!("SQLite, {}", file.display()),
        None => "PostgreSQL".to_owned(),
    };
    writeln!(out, "Tuttu {} is ready.\n", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  API       http://{api}      (document: /openapi.json)")?;
    writeln!(out, "  Ops       http://{ops}      (/metrics, /livez, /readyz)")?;
    writeln!(out, "  Database  {database}")?;
    writeln!(out, "  Keys      {}      (keep a copy elsewhere)", config.keys.file.display())?;
    if let Some(key) = app.development_key() {
        writeln!(
            out,
            "\nNo message leaves this machine: the gateway is `inbox`, and addresses of this machine are"
        )?;
        writeln!(out, "free of limits. Try it in a browser:\n\n  http://{api}/try#key={key}\n")?;
        writeln!(
            out,
            "or on the command line:\n\n  {program} client --server http://{api} register +358401234567 --inbox {key}\n"
        )?;
    } else if config.inbox_only() {
        writeln!(
            out,
            "\nThe gateway is `inbox`, and its messages can be read only while server.listen is a loopback"
        )?;
        writeln!(out, "address: set up a gateway in sms.gateways to send codes.\n")?;
    } else if config.limits.countries.allow.is_empty() && config.limits.countries.monitor.is_empty() {
        writeln!(out, "\nNo code will be sent: name the countries to send to in limits.countries.allow.\n")?;
    }
    out.flush()?;
    Ok(())
}
