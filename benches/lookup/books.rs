//! Address books, and the requests that ask about them.

use crate::fill::{EPOCH, Filled};
use crate::load::{Connection, Expected, Prepared};
use crate::people;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::net::SocketAddr;

/// Bytes of a binary answer besides token, bitmap and accounts.
const ANSWER_HEAD: usize = 10;

/// How handles travel, and who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Binary, paid for before.
    Binary,
    /// JSON with a string for each handle, paid for before.
    JsonList,
    /// JSON with one string for all, paid for before.
    JsonPacked,
    /// Binary, every handle new and charged.
    FirstSync,
}

impl Form {
    /// What it is called in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::JsonList => "JSON list",
            Self::JsonPacked => "JSON packed",
            Self::FirstSync => "binary, all new",
        }
    }
}

/// Draws books: their users from all over the directory, none twice until all have been drawn.
#[derive(Debug)]
pub(crate) struct Draw<'a> {
    directory: &'a Filled,
    users: u64,
    strangers: u64,
    books: usize,
}

/// An address book of a device.
#[derive(Debug, Clone)]
pub(crate) struct Book<'a> {
    /// Users first, then strangers, each in ascending order.
    users: Vec<[u8; 16]>,
    strangers: Vec<[u8; 16]>,
    device: &'a str,
    /// The sync token, once it is paid for.
    receipt: Vec<u8>,
}

impl<'a> Draw<'a> {
    pub(crate) const fn from(directory: &'a Filled) -> Self {
        Self { directory, users: 0, strangers: 0, books: 0 }
    }

    /// So many books of this size, with this share of users in percent.
    pub(crate) fn books(&mut self, books: usize, handles: usize, percent: usize) -> Vec<Book<'a>> {
        let users = handles * percent / 100;
        (0..books).map(|_| self.book(users, handles - users)).collect()
    }

    fn book(&mut self, users: usize, strangers: usize) -> Book<'a> {
        let (user, stranger) = (self.users, self.strangers);
        (self.users, self.strangers) = (user + users as u64, stranger + strangers as u64);
        self.books += 1;
        let handle = |place| people::handle(people::shuffled(place, self.directory.users));
        Book {
            users: (user..self.users).map(handle).collect(),
            strangers: (stranger..self.strangers).map(people::stranger).collect(),
            device: &self.directory.tokens[self.books % self.directory.tokens.len()],
            receipt: Vec::new(),
        }
    }
}

impl Book<'_> {
    /// What is asked to learn this book.
    pub(crate) fn request(&self, form: Form) -> Prepared {
        let handles = self.handles();
        let bytes = ANSWER_HEAD + handles.len().div_ceil(8) + 16 * self.users.len();
        let (content_type, body, expected) = match form {
            Form::Binary => (BINARY, binary(&handles, &[], &self.receipt), Expected::Bytes(bytes)),
            Form::FirstSync => (BINARY, binary(&[], &handles, &[]), Expected::Bytes(bytes)),
            Form::JsonList | Form::JsonPacked => {
                let known = if form == Form::JsonList {
                    json!(handles.iter().map(|handle| URL_SAFE_NO_PAD.encode(handle)).collect::<Vec<_>>())
                } else {
                    json!(URL_SAFE_NO_PAD.encode(handles.as_flattened()))
                };
                let list = if form == Form::JsonList { "known" } else { "known_packed" };
                let receipt = URL_SAFE_NO_PAD.encode(&self.receipt);
                let body = json!({ "epoch": EPOCH, list: known, "sync_token": receipt });
                ("application/json", body.to_string().into_bytes(), Expected::Matches(self.users.len()))
            }
        };
        let head = format!(
            "POST /v1/discovery/lookup HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
             content-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            self.device,
            body.len()
        );
        Prepared { bytes: [head.into_bytes(), body].concat(), expected }
    }

    /// Every handle, ascending.
    pub(crate) fn handles(&self) -> Vec<[u8; 16]> {
        let mut handles = [self.users.as_slice(), &self.strangers].concat();
        handles.sort_unstable();
        handles
    }

    /// The book with this share of its users and nobody else.
    pub(crate) fn friends(&self, percent: usize) -> Self {
        let users = self.users[..self.users.len() * percent / 100].to_vec();
        Self { users, strangers: Vec::new(), ..self.clone() }
    }
}

/// Pays for every book, so that asking again is free.
pub(crate) fn pay(server: SocketAddr, books: &mut [Book<'_>]) {
    let mut connection = Connection::open(server);
    for book in books {
        let answer = connection.ask(&book.request(Form::FirstSync).bytes);
        let token = usize::from(u16::from_le_bytes([answer[8], answer[9]]));
        book.receipt = answer[ANSWER_HEAD..ANSWER_HEAD + token].to_vec();
    }
}

const BINARY: &str = "application/vnd.tuttu.lookup";

/// The binary form, see `src/http/lookup_binary.rs`.
fn binary(known: &[[u8; 16]], new: &[[u8; 16]], receipt: &[u8]) -> Vec<u8> {
    let count = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let token_length = u16::try_from(receipt.len()).unwrap().to_le_bytes();
    let head = [[1, 0, 0, 0], EPOCH.to_le_bytes(), count(known.len()), count(new.len()), count(0)];
    let head = [head.as_flattened(), &token_length].concat();
    [&head, receipt, known.as_flattened(), new.as_flattened()].concat()
}
