//! Devices: listed, revoked, idle; and the tokens that they show.

use crate::harness::{Person, Reply, TestService, on_both_engines};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tuttu::model::device_token::DeviceToken;
use tuttu::model::id::DeviceId;

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const DAY: u64 = 86_400;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

async fn register_as(service: &TestService, number: &str, name: &str, platform: &str) -> Person {
    let grant = service.grant(number).await;
    let device = json!({"device": {"name": name, "platform": platform}});
    service.person(number, &service.redeem_with(&grant, device).await)
}

async fn revoke(service: &TestService, caller: &Person, device_id: &str) -> Reply {
    service.delete(&format!("/v1/devices/{device_id}"), &caller.token).await
}

/// CRC32 (IEEE 802.3), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A text with the six characters that a genuine token of it would end in.
fn with_crc(text: &str) -> String {
    let crc = usize::try_from(crc32(text.as_bytes())).unwrap();
    let digit = |place| char::from(BASE62[crc / 62_usize.pow(place) % 62]);
    format!("{text}{}", (0..6).rev().map(digit).collect::<String>())
}

on_both_engines!(devices_are_listed_with_the_one_that_asks, |service| {
    let phone = register_as(service, ANNA, "Anna's phone", "android").await;
    service.advance(60);
    let browser = register_as(service, ANNA, "Työpöytä 🖥️", "web").await;
    service.register(BO).await;
    let reply = service.get("/v1/devices", &browser.token).await.expect(200, "");
    let expected = json!({"devices": [
        {
            "device_id": phone.device_id, "name": "Anna's phone", "platform": "android",
            "created_at": "2026-11-22T12:00:00Z", "last_seen_at": "2026-11-22T12:00:00Z", "current": false,
        },
        {
            "device_id": browser.device_id, "name": "Työpöytä 🖥️", "platform": "web",
            "created_at": "2026-11-22T12:01:00Z", "last_seen_at": "2026-11-22T12:01:00Z", "current": true,
        },
    ]});
    assert_eq!(reply.json, expected);
});

on_both_engines!(a_revoked_device_is_refused_at_once, |service| {
    let (phone, tablet) = (service.register(ANNA).await, service.register(ANNA).await);
    service.get("/v1/account", &tablet.token).await.expect(200, "");
    assert!(revoke(service, &phone, &tablet.device_id).await.expect(204, "").bytes.is_empty());
    service.get("/v1/account", &tablet.token).await.expect(401, "token_invalid");
    revoke(service, &phone, &tablet.device_id).await.expect(404, "not_found");
    let left = service.get("/v1/devices", &phone.token).await.expect(200, "");
    assert_eq!(left.json["devices"].as_array().unwrap().len(), 1);
});

on_both_engines!(a_device_that_is_revoked_while_its_lookup_is_sent_is_refused, |service| {
    let (phone, tablet) = (service.register(ANNA).await, service.register(ANNA).await);
    let url = service.request(Method::GET, "/", "").build().unwrap().url().clone();
    let address = url.socket_addrs(|| None).unwrap()[0];
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/discovery/lookup HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: 24\r\nExpect: 100-continue\r\n\r\n",
        tablet.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server knows the caller by now, and asks for the body.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    revoke(service, &phone, &tablet.device_id).await.expect(204, "");
    stream.write_all(br#"{"epoch":1,"handles":[]}"#).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("token_invalid"), "{answer}");
});

on_both_engines!(a_device_can_revoke_itself, |service| {
    let (phone, tablet) = (service.register(ANNA).await, service.register(ANNA).await);
    revoke(service, &phone, &phone.device_id).await.expect(204, "");
    service.get("/v1/devices", &phone.token).await.expect(401, "token_invalid");
    revoke(service, &phone, &tablet.device_id).await.expect(401, "token_invalid");
    service.get("/v1/account", &tablet.token).await.expect(200, "");
});

on_both_engines!(whoever_signs_the_last_device_out_goes_on_with_the_account_for_45_days, |service| {
    let anna = service.register(ANNA).await;
    revoke(service, &anna, &anna.device_id).await.expect(204, "");
    service.advance(44 * DAY);
    let again = service.register(ANNA).await;
    assert_eq!(again.account_id, anna.account_id);
    revoke(service, &again, &again.device_id).await.expect(204, "");
    service.advance(46 * DAY);
    assert_ne!(service.register(ANNA).await.account_id, anna.account_id, "it is somebody else by then");
});

on_both_engines!(nobody_revokes_the_device_of_another_account, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    let foreign = revoke(service, &anna, &bo.device_id).await.expect(404, "not_found");
    let unknown = "3f0e9f1c-6c0e-4c55-9d1e-0e6c3f5a7b11";
    assert_eq!(revoke(service, &anna, unknown).await.expect(404, "not_found").bytes, foreign.bytes);
    revoke(service, &anna, "nonsense").await.expect(404, "not_found");
    revoke(service, &anna, "%FF").await.expect(404, "not_found");
    service.get("/v1/account", &bo.token).await.expect(200, "");
});

on_both_engines!(a_token_is_80_characters_and_the_crc_that_scanners_check, |service| {
    for number in [ANNA, BO] {
        let token = service.register(number).await.token;
        assert_eq!(token.len(), 86);
        assert!(token.starts_with("tut_"));
        assert!(token[4..].bytes().all(|symbol| BASE62.contains(&symbol)), "only 0-9, A-Z, a-z");
        assert_eq!(with_crc(&token[..80]), token);
    }
});

on_both_engines!(a_token_that_is_not_genuine_is_refused, |service| {
    let anna = service.register(ANNA).await;
    let token = anna.token.as_str();
    let mut forged: Vec<String> =
        (0..token.len()).step_by(7).map(|length| token[..length].to_owned()).collect();
    forged.extend([
        "garbage".to_owned(),
        format!("{token}0"),
        token.to_uppercase(),
        token.replace("tut_", "xyz_"),
    ]);
    for place in [0, 4, 30, 79, 80, 85] {
        let other = if &token[place..=place] == "1" { "2" } else { "1" };
        let altered = format!("{}{other}{}", &token[..place], &token[place + 1..]);
        forged.extend([with_crc(&altered[..80]), altered]);
    }
    for body in ["0".repeat(76), "z".repeat(76), "1".repeat(75), "1".repeat(77), "é".repeat(38)] {
        forged.push(with_crc(&format!("tut_{body}")));
    }
    forged.retain(|forged| forged != token);
    for forged in forged {
        let reply = service.get("/v1/account", &forged).await.expect(401, "token_invalid");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    service.get("/v1/account", token).await.expect(200, "");
});

on_both_engines!(a_token_with_the_right_key_and_the_wrong_secret_is_refused, |service| {
    let (anna, keys) = (service.register(ANNA).await, service.keys().await);
    let device = DeviceId::parse(&anna.device_id).unwrap();
    for device in [device, DeviceId::random()] {
        let forged = DeviceToken::random(device, keys.token()).expose();
        service.get("/v1/account", &forged).await.expect(401, "token_invalid");
    }
    service.get("/v1/account", &anna.token).await.expect(200, "");
});

on_both_engines!(a_token_is_taken_as_bearer_only, |service| {
    let anna = service.register(ANNA).await;
    for (header, status) in [("Bearer", 200), ("bearer", 200), ("Basic", 401), ("Token", 401), ("", 401)] {
        let request = service.request(Method::GET, "/v1/account", "");
        let request = request.header("authorization", format!("{header} {}", anna.token));
        assert_eq!(Reply::read(request.send().await.unwrap()).await.status, status, "{header}");
    }
    let path = format!("/v1/account?access_token={}", anna.token);
    service.get(&path, "").await.expect(401, "token_invalid");
});

on_both_engines!(every_route_of_a_device_refuses_a_stranger, |service| {
    let anna = service.register(ANNA).await;
    let device = format!("/v1/devices/{}", anna.device_id);
    for (method, path) in [
        (Method::GET, "/v1/account"),
        (Method::PATCH, "/v1/account"),
        (Method::DELETE, "/v1/account"),
        (Method::GET, "/v1/devices"),
        (Method::DELETE, device.as_str()),
        (Method::GET, "/v1/discovery/epochs"),
        (Method::POST, "/v1/discovery/lookup"),
    ] {
        let reply = service.call(method, path, "", None).await.expect(401, "token_invalid");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    service.get("/v1/account", &anna.token).await.expect(200, "");
});

on_both_engines!(a_device_idle_for_121_days_is_refused, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    service.advance(120 * DAY);
    service.get("/v1/account", &bo.token).await.expect(200, "");
    service.advance(DAY);
    service.get("/v1/account", &anna.token).await.expect(401, "token_invalid");
    service.get("/v1/account", &bo.token).await.expect(200, "");
});

on_both_engines!(a_device_that_is_seen_regularly_lives_on, |service| {
    let anna = service.register(ANNA).await;
    for day in ["2027-03-02T12:00:00Z", "2027-06-10T12:00:00Z", "2027-09-18T12:00:00Z"] {
        service.advance(100 * DAY);
        let reply = service.get("/v1/devices", &anna.token).await.expect(200, "");
        assert_eq!(reply.text("/devices/0/last_seen_at"), day);
    }
});
