//! Requests and answers, as plain as they can be.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request for JSON, whole.
pub(super) fn request(path: &str, bearer: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let authorization =
        if bearer.is_empty() { String::new() } else { format!("Authorization: Bearer {bearer}\r\n") };
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A connection that is used again.
pub(super) struct Connection {
    address: String,
    stream: TcpStream,
    answer: Vec<u8>,
    body: usize,
}

impl Connection {
    pub(super) async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { address: address.to_owned(), stream, answer: Vec::new(), body: 0 }
    }

    /// Asks and reads the whole answer: its status, 0 if the connection broke.
    pub(super) async fn ask(&mut self, request: &[u8]) -> u16 {
        self.answer.clear();
        self.body = 0;
        let written = self.stream.write_all(request).await;
        let status = if written.is_ok() { self.read().await } else { None };
        if status.is_none() || self.head().contains("connection: close") {
            self.stream = TcpStream::connect(&self.address).await.unwrap();
        }
        status.unwrap_or_default()
    }

    async fn read(&mut self) -> Option<u16> {
        loop {
            if self.stream.read_buf(&mut self.answer).await.ok()? == 0 {
                return None;
            }
            let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            self.body = end + 4;
            let length =
                self.head().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if self.answer.len() >= self.body + length.unwrap_or(0_usize) {
                return self.head().get(9..12)?.parse().ok();
            }
        }
    }

    fn head(&self) -> &str {
        std::str::from_utf8(&self.answer[..self.body]).unwrap_or_default()
    }

    pub(super) fn body(&self) -> String {
        String::from_utf8_lossy(&self.answer[self.body..]).into_owned()
    }

    /// What the last answer says under these names.
    pub(super) fn texts<const N: usize>(&self, names: [&str; N]) -> [String; N] {
        let answer: Value = serde_json::from_slice(&self.answer[self.body..]).unwrap();
        names.map(|name| answer[name].as_str().unwrap().to_owned())
    }
}
