//! What messages and calls say, in which language, and what they take.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "messages/languages.rs"]
mod languages;
#[path = "messages/own.rs"]
mod own;
#[path = "messages/sizes.rs"]
mod sizes;
#[path = "messages/texts.rs"]
mod texts;

use std::collections::BTreeMap;
use tuttu::model::code::Code;
use tuttu::model::locale::Locale;
use tuttu::model::message::{MessageText, MessageTexts};
use tuttu::model::verification::MessageTemplate;

const SIX: &str = "472913";
const EIGHT: &str = "47291358";
const HASH: &str = "FA+9qCX9VSu";
const HOST: &str = "app.example.com";

/// The ways a message can end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Plain,
    WebOtp,
    Retriever,
}

const FORMS: [Form; 3] = [Form::Plain, Form::WebOtp, Form::Retriever];

/// The texts of a service without texts of its own.
fn built_in(service: Option<&str>) -> MessageTexts {
    MessageTexts::new(service, &BTreeMap::new())
}

fn template(locale: &str, form: Form) -> MessageTemplate {
    MessageTemplate {
        locale: Some(locale.to_owned()),
        app_hash: (form == Form::Retriever).then(|| HASH.to_owned()),
        web_origin: (form == Form::WebOtp).then(|| HOST.to_owned()),
    }
}

fn written(code: &str, locale: &str, form: Form, texts: &MessageTexts) -> String {
    MessageText::render(&Code::fixed(code).unwrap(), &template(locale, form), texts).expose().to_owned()
}

/// Every built-in text: its language, its form, its code and itself.
fn every_text(service: Option<&str>) -> Vec<(&'static str, Form, &'static str, String)> {
    let texts = built_in(service);
    let mut all = Vec::new();
    for locale in Locale::all().map(Locale::as_str) {
        for form in FORMS {
            for code in [SIX, EIGHT] {
                all.push((locale, form, code, written(code, locale, form, &texts)));
            }
        }
    }
    all
}
