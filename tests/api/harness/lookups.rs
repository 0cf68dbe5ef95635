//! Address book questions in every form, with an encoder and a decoder of their own.

use super::{Reply, TestService};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use tuttu::model::handle::{Handle, Pepper};
use tuttu::model::number::PhoneNumber;
use uuid::Uuid;

const LOOKUP: &str = "/v1/discovery/lookup";
const BINARY: &str = "application/vnd.tuttu.lookup";

/// How a question travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Packed,
    Binary,
}

impl Form {
    pub(crate) const ALL: [Self; 3] = [Self::Json, Self::Packed, Self::Binary];
}

/// An address book question; its lists are sent as they stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Question {
    pub(crate) epoch: u32,
    pub(crate) known: Vec<Handle>,
    pub(crate) new: Vec<Handle>,
    pub(crate) discard: Vec<Handle>,
    pub(crate) token: Vec<u8>,
}

/// What a lookup answered, whatever its form; matches in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) cost: u32,
    pub(crate) token: Vec<u8>,
    pub(crate) matches: Vec<(Handle, String)>,
}

impl Question {
    /// The question whether these new handles are accounts.
    pub(crate) fn new(epoch: u32, handles: Vec<Handle>) -> Self {
        Self { epoch, new: handles, ..Self::default() }
    }

    /// The same book asked again with its receipt.
    pub(crate) fn again(&self, answer: &Answer) -> Self {
        let mut known = [self.known.as_slice(), &self.new].concat();
        known.sort_unstable();
        Self { epoch: self.epoch, known, token: answer.token.clone(), ..Self::default() }
    }

    /// The JSON body.
    pub(crate) fn json(&self) -> Value {
        let texts = |list: &[Handle]| list.iter().map(Handle::to_base64url).collect::<Vec<_>>();
        self.with_token(json!({
            "epoch": self.epoch,
            "handles": texts(&self.new),
            "known": texts(&self.known),
            "discard": texts(&self.discard),
        }))
    }

    /// The JSON body with packed lists.
    pub(crate) fn packed(&self) -> Value {
        let text = |list: &[Handle]| URL_SAFE_NO_PAD.encode(bytes(list));
        self.with_token(json!({
            "epoch": self.epoch,
            "handles_packed": text(&self.new),
            "known_packed": text(&self.known),
            "discard_packed": text(&self.discard),
        }))
    }

    fn with_token(&self, mut body: Value) -> Value {
        if !self.token.is_empty() {
            body["sync_token"] = json!(URL_SAFE_NO_PAD.encode(&self.token));
        }
        body
    }

    /// The binary body, as the design lays it out.
    pub(crate) fn binary(&self) -> Vec<u8> {
        let mut body = vec![1, 0, 0, 0];
        body.extend(self.epoch.to_le_bytes());
        for list in [&self.known, &self.new, &self.discard] {
            body.extend(u32::try_from(list.len()).unwrap().to_le_bytes());
        }
        body.extend(u16::try_from(self.token.len()).unwrap().to_le_bytes());
        body.extend(&self.token);
        for list in [&self.known, &self.new, &self.discard] {
            body.extend(bytes(list));
        }
        body
    }

    /// Reads an answer in the form that it says it has.
    pub(crate) fn answer(&self, reply: &Reply) -> Answer {
        if reply.header("content-type") == BINARY {
            self.binary_answer(&reply.bytes)
        } else {
            assert_eq!(reply.header("content-type"), "application/json");
            assert_eq!(reply.json["epoch"], self.epoch);
            json_answer(&reply.json)
        }
    }

    fn binary_answer(&self, bytes: &[u8]) -> Answer {
        assert_eq!(bytes[..4], [1, 0, 0, 0]);
        let cost = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
        let length = usize::from(u16::from_le_bytes(bytes[8..10].try_into().unwrap()));
        let (token, rest) = bytes[10..].split_at(length);
        let asked: Vec<Handle> = self.known.iter().chain(&self.new).copied().collect();
        let (bitmap, mut accounts) = rest.split_at(asked.len().div_ceil(8));
        let mut matches = Vec::new();
        for (index, handle) in asked.iter().enumerate() {
            if bitmap[index / 8] >> (index % 8) & 1 == 1 {
                let (account, rest) = accounts.split_at(16);
                matches.push((*handle, Uuid::from_slice(account).unwrap().to_string()));
                accounts = rest;
            }
        }
        assert!(accounts.is_empty(), "the answer goes on after its last account");
        Answer { cost, token: token.to_vec(), matches }
    }
}

fn bytes(list: &[Handle]) -> Vec<u8> {
    list.iter().flat_map(|handle| *handle.as_bytes()).collect()
}

fn json_answer(json: &Value) -> Answer {
    let found = |found: &Value| {
        let handle = Handle::from_base64url(found["handle"].as_str().unwrap()).unwrap();
        (handle, found["account_id"].as_str().unwrap().to_owned())
    };
    Answer {
        cost: u32::try_from(json["budget"]["cost"].as_u64().unwrap()).unwrap(),
        token: URL_SAFE_NO_PAD.decode(json["sync_token"].as_str().unwrap()).unwrap(),
        matches: json["matches"].as_array().unwrap().iter().map(found).collect(),
    }
}

impl TestService {
    /// The first live epoch with its pepper.
    pub(crate) async fn epoch(&self, token: &str) -> (u32, Pepper) {
        let reply = self.get("/v1/discovery/epochs", token).await.expect(200, "");
        let id = reply.json["epochs"][0]["id"].as_u64().unwrap();
        (u32::try_from(id).unwrap(), Pepper::from_base64url(reply.text("/epochs/0/params/pepper")).unwrap())
    }

    /// The question whether these numbers are accounts, in ascending order of handle.
    pub(crate) async fn question(&self, token: &str, numbers: &[&str]) -> Question {
        let (epoch, pepper) = self.epoch(token).await;
        let parse = |number: &&str| PhoneNumber::parse(number, None).unwrap();
        let mut handles: Vec<Handle> = numbers.iter().map(|n| Handle::derive(&pepper, &parse(n))).collect();
        handles.sort_unstable();
        Question::new(epoch, handles)
    }

    /// Asks a question in that form.
    pub(crate) async fn pose(&self, token: &str, question: &Question, form: Form) -> Reply {
        match form {
            Form::Json => self.post(LOOKUP, token, &question.json()).await,
            Form::Packed => self.post(LOOKUP, token, &question.packed()).await,
            Form::Binary => self.pose_bytes(token, question.binary()).await,
        }
    }

    /// Sends these bytes as a binary question.
    pub(crate) async fn pose_bytes(&self, token: &str, body: Vec<u8>) -> Reply {
        let request = self.request(Method::POST, LOOKUP, token).header("content-type", BINARY);
        Reply::read(request.body(body).send().await.unwrap()).await
    }

    /// Asks a question in JSON that must be answered.
    pub(crate) async fn answer(&self, token: &str, question: &Question) -> Answer {
        question.answer(&self.pose(token, question, Form::Json).await.expect(200, ""))
    }

    /// Asks which of these numbers are accounts, in JSON.
    pub(crate) async fn lookup(&self, token: &str, numbers: &[&str]) -> Reply {
        self.pose(token, &self.question(token, numbers).await, Form::Json).await
    }

    /// The accounts at these numbers, sorted.
    pub(crate) async fn found(&self, token: &str, numbers: &[&str]) -> Vec<String> {
        let question = self.question(token, numbers).await;
        let matches = self.answer(token, &question).await.matches;
        let mut accounts: Vec<String> = matches.into_iter().map(|(_, account)| account).collect();
        accounts.sort();
        accounts
    }
}
