//! A server, asked over HTTP.

use super::{Finished, Running, until};
use reqwest::{Method, RequestBuilder};
use rustix::process::Signal;
use serde_json::Value;
use std::time::Duration;

/// Requests under way may take 25 s to end; a server without any must not wait for them.
const IDLE_STOP: Duration = Duration::from_secs(15);

/// A server that is ready.
pub(crate) struct Server {
    /// Where its API is.
    pub(crate) base: String,
    /// Where its metrics are.
    pub(crate) ops: String,
    process: Running,
    http: reqwest::Client,
    inbox: String,
}

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Answer {
    /// A text member, by JSON pointer.
    #[track_caller]
    pub(crate) fn text(&self, pointer: &str) -> String {
        let text = self.json.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("{pointer} in {self:?}")).to_owned()
    }

    /// Fails unless it is that status, and for a problem that code.
    #[track_caller]
    pub(crate) fn expect(self, status: u16, code: &str) -> Self {
        let given = self.json["code"].as_str().unwrap_or_default();
        assert_eq!((self.status, given), (status, code), "{self:?}");
        self
    }
}

impl Server {
    /// Waits until a server has said where it is.
    #[track_caller]
    pub(super) fn ready(mut process: Running) -> Self {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let base = address(&process.line_with("  API "));
        let ops = address(&process.line_with("  Ops "));
        process.line_with("  Keys ");
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { base, ops, process, http, inbox: String::new() }
    }

    /// Waits for a line of what it says at its start.
    #[track_caller]
    pub(crate) fn says(&mut self, mark: &str) -> String {
        self.process.line_with(mark)
    }

    /// The key of its inbox, from the address of the page that it prints.
    #[track_caller]
    pub(crate) fn inbox_key(&mut self) -> String {
        if self.inbox.is_empty() {
            let line = self.process.line_with("/try#key=");
            line.rsplit_once("/try#key=").unwrap().1.trim().clone_into(&mut self.inbox);
        }
        self.inbox.clone()
    }

    /// The key, once it has been read.
    pub(crate) fn known_inbox_key(&self) -> &str {
        assert!(!self.inbox.is_empty(), "read the key first");
        &self.inbox
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Asks it to read its key file again.
    pub(crate) fn hang_up(&self) {
        self.process.signal(Signal::HUP);
    }

    /// The answer to a request that is to be evaluated once.
    pub(crate) async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.http.post(format!("{}{path}", self.base)).header("idempotency-key", key);
        let response = request.json(body).send().await.unwrap();
        let status = response.status().as_u16();
        Answer { status, json: response.json().await.unwrap() }
    }

    /// Asks it to end, and waits for that.
    #[track_caller]
    pub(crate) fn stop(self) -> Finished {
        self.process.signal(Signal::TERM);
        self.end()
    }

    /// Asks it to end, and waits until it has heard that.
    pub(crate) async fn begin_to_stop(&self) {
        self.process.signal(Signal::TERM);
        until("the beginning of the end", async || self.log().contains("stopping").then_some(())).await;
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Finished {
        self.process.finish(IDLE_STOP)
    }

    /// Ends it without a warning; whoever waits for an answer gets none.
    pub(crate) fn kill(&self) {
        self.process.signal(Signal::KILL);
    }

    /// Waits until a killed server is gone.
    #[track_caller]
    pub(crate) fn gone(self) {
        assert_eq!(self.process.finish(super::DEADLINE).code, None);
    }

    /// An answer, or none if the server ended first.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        bearer: &str,
        body: Option<&Value>,
    ) -> Option<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !bearer.is_empty() {
            request = request.bearer_auth(bearer);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.ok()?;
        Some(Answer { status, json: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    /// A request for whoever sends it again and again.
    pub(crate) fn request(&self, path: &str, bearer: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).bearer_auth(bearer)
    }

    pub(crate) async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.ask(Method::GET, path, bearer, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, bearer: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, bearer, Some(body)).await.unwrap()
    }

    /// Its metrics.
    pub(crate) async fn metrics(&self) -> String {
        self.http.get(format!("{}/metrics", self.ops)).send().await.unwrap().text().await.unwrap()
    }

    /// Where the process lies in the system.
    pub(crate) fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// The status of a page of the ops listener.
    pub(crate) async fn ops_status(&self, path: &str) -> u16 {
        self.http.get(format!("{}{path}", self.ops)).send().await.unwrap().status().as_u16()
    }
}

fn address(line: &str) -> String {
    let (_, rest) = line.split_once("http://").unwrap();
    format!("http://{}", rest.split_whitespace().next().unwrap())
}
