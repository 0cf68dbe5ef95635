use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tuttu::client::api::Start;
use tuttu::client::shapes::Channel;
use tuttu::client::{Client, ClientError};

/// A service that gives every request the same answer, or none at all: then it closes the connection.
fn service(answers: Vec<Option<String>>) -> (SocketAddr, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let requests = std::thread::spawn(move || {
        let answer_one = |answer: Option<String>| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.unwrap_or_default().as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        };
        answers.into_iter().map(answer_one).collect()
    });
    (address, requests)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

async fn start(address: SocketAddr) -> Result<(), ClientError> {
    let client = Client::new(&format!("http://{address}")).unwrap();
    let start = Start { phone_number: "+358401234567", region: None, channel: Channel::Sms, locale: None };
    client.start_verification(start).await.map(drop)
}

const STARTED: &str = r#"{"id":"v1","secret":"s3cret","status":"pending","phone_number":"+358401234567",
    "code":{"length":6,"checks_left":5},"channels":[{"channel":"sms","not_before":"2026-01-01T00:00:30Z"},
    {"channel":"pigeon"}],"challenges":[],"deliveries":[],"expires_at":"2026-01-01T00:10:00Z"}"#;

#[tokio::test]
async fn a_refusal_keeps_its_code_its_reason_and_when_to_come_back() {
    let problem = r#"{"type":"t","title":"Too early","status":429,"detail":"Wait a little.","code":"resend_too_early"}"#;
    let (address, _) = service(vec![Some(answer("429 Too Many Requests", "Retry-After: 30\r\n", problem))]);
    let error = start(address).await.unwrap_err();
    let ClientError::Refused { status, retry_after, .. } = &error else { panic!("{error}") };
    assert_eq!((*status, *retry_after), (429, Some(Duration::from_secs(30))));
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Some("resend_too_early"), "Too early: Wait a little")
    );
}

#[tokio::test]
async fn a_wrong_code_tells_how_many_tries_are_left() {
    let problem = format!(r#"{{"title":"Wrong","code":"code_incorrect","verification":{STARTED}}}"#);
    let (address, _) = service(vec![Some(answer("422 Unprocessable Content", "", &problem))]);
    let ClientError::Refused { verification, .. } = start(address).await.unwrap_err() else { panic!() };
    assert_eq!(verification.unwrap().code.checks_left, 5);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_named_and_the_number_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = start(address).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(!format!("{error} {error:?}").contains("358401234567"));
}

#[tokio::test]
async fn an_answer_in_another_shape_is_said_to_be_no_tuttu() {
    let (address, _) = service(vec![Some(answer("200 OK", "", "<html>"))]);
    assert!(matches!(start(address).await, Err(ClientError::AnswerInvalid { .. })));
}

#[test]
fn only_web_addresses_are_accepted() {
    for server in ["", "tuttu.example", "ftp://tuttu.example", "file:///etc/passwd", "http://"] {
        assert!(matches!(Client::new(server), Err(ClientError::ServerInvalid(_))), "{server}");
    }
    assert!(Client::new("http://tuttu.example").unwrap().is_exposed());
    assert!(!Client::new("https://tuttu.example").unwrap().is_exposed());
    assert!(!Client::new("http://[::1]:8080").unwrap().is_exposed());
}
