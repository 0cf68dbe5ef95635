//! The log on standard error and the metrics.
//!
//! Never logged: numbers, codes, tokens, secrets, peppers, handles, addresses, headers, bodies, paths and
//! query strings. A request is one line with its route as a template; a failure is logged once, where it
//! is turned into an answer. Names of verifications, deliveries and accounts may appear.

use crate::config::{Log, LogFormat};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Upper bounds of the histograms of durations, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Begins to log; a second call changes nothing.
///
/// # Errors
/// When `log.level` is no level and no directives.
pub fn log(settings: &Log) -> Result<(), ParseError> {
    let filter = filter(settings)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let _already_logging = match settings.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    Ok(())
}

/// What is logged.
///
/// # Errors
/// When `log.level` is no level and no directives.
pub fn filter(settings: &Log) -> Result<EnvFilter, ParseError> {
    // The number library logs whole numbers at trace level, and sqlx its statements at debug.
    EnvFilter::builder().parse(format!("{},rlibphonenumber=off,sqlx=warn", settings.level))
}

/// The process's metrics, recorded from the first call on.
///
/// # Errors
/// When another recorder is installed.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
    describe();
    describe_edge();
    Ok(HANDLE.get_or_init(|| handle).clone())
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("tuttu_requests_total", "Requests, by route and status");
    describe_histogram!("tuttu_request_seconds", "Time to answer, by route");
    describe_counter!("tuttu_problems_total", "Refusals and failures, by code");
    describe_counter!(
        "tuttu_send_decisions_total",
        "Sends asked for, by what was decided, the limit that decided it, and country"
    );
    describe_counter!(
        "tuttu_deliveries_total",
        "Statuses that messages took, by gateway, country and channel"
    );
    describe_counter!(
        "tuttu_conversions_total",
        "Numbers proven, by the gateway of the last message and country"
    );
    describe_gauge!("tuttu_gateway_open", "Whether this node passes a gateway over because it fails: 0 or 1");
    describe_counter!("tuttu_approvals_total", "Numbers proven, by country");
    describe_counter!("tuttu_wrong_checks_total", "Wrong codes");
    describe_gauge!(
        "tuttu_guessing",
        "Whether codes are guessed over all numbers: 0, 1 (a fifth of the budget: alarm), 2 (harder codes for all)"
    );
    describe_counter!("tuttu_registrations_total", "Devices registered");
    describe_counter!("tuttu_lookups_total", "Lookups answered");
    describe_counter!("tuttu_lookup_handles_total", "Handles looked up");
    describe_counter!("tuttu_lookup_shape_total", "Lookups with the shape of a sweep, by limit and verdict");
    describe_counter!(
        "tuttu_directory_forged_rows_total",
        "Directory rows without their tag; any is an alarm"
    );
    describe_gauge!("tuttu_epoch_rows_prepared", "Accounts with a row in the epoch this node prepares");
    describe_gauge!("tuttu_epoch_rows_to_prepare", "Accounts that shall have one");
    describe_counter!(
        "tuttu_epoch_rows_skipped_total",
        "Accounts whose number does not open, which a new epoch goes without; any is an alarm"
    );
    describe_counter!(
        "tuttu_directory_disagreements_total",
        "Handles that this node's view answered otherwise than the database; any is an alarm"
    );
    describe_gauge!("tuttu_directory_ready", "1 once the view of the directory has been filled");
    describe_gauge!("tuttu_directory_view_users", "Entries that the views of all epochs know of");
    describe_gauge!("tuttu_directory_view_bytes", "Memory of the views");
    describe_gauge!("tuttu_directory_filter_bytes", "Memory of the filters in them");
    describe_gauge!(
        "tuttu_directory_false_positive_rate",
        "Share of absent handles that the fullest filter lets through to the database"
    );
    describe_gauge!("tuttu_feed_lag_seconds", "Since the feed of the directory was last read");
}

fn describe_edge() {
    use metrics::{describe_counter, describe_gauge};
    describe_gauge!("tuttu_connections", "Connections, by listener");
    describe_counter!(
        "tuttu_connections_refused_total",
        "Connections closed at once for want of room, by limit"
    );
    describe_counter!(
        "tuttu_connections_timed_out_total",
        "Connections closed because they took too long, by limit"
    );
    describe_counter!("tuttu_admin_sign_ins_total", "Attempts of admins to sign in, by outcome");
    describe_counter!("tuttu_shed_total", "Requests refused because there was too much to do, by class");
}
