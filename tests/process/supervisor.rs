//! What a supervisor such as systemd passes to the server and hears from it.

use super::harness::{DEADLINE, Person, Place};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;

/// What the server says next to its supervisor.
fn told(supervisor: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = supervisor.recv(&mut message).unwrap();
    String::from_utf8_lossy(&message[..length]).trim().to_owned()
}

#[test]
fn a_supervisor_hears_when_the_server_is_ready_alive_and_stopping() {
    let mut place = Place::new();
    let supervisor = UnixDatagram::bind(place.path("notify")).unwrap();
    supervisor.set_read_timeout(Some(DEADLINE)).unwrap();
    let address = place.path("notify").to_str().unwrap().to_owned();
    place.set("NOTIFY_SOCKET", &address);
    place.set("WATCHDOG_USEC", "200000");
    let server = place.serve();
    assert_eq!(told(&supervisor), "READY=1");
    assert_eq!([told(&supervisor), told(&supervisor)], ["WATCHDOG=1", "WATCHDOG=1"]);
    server.stop().ok();
    let last = std::iter::repeat_with(|| told(&supervisor)).find(|told| told != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_connects_while_no_server_runs_is_answered_by_the_next_one() {
    let place = Place::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut anna: Option<Person> = None;
    for _ in 0..3 {
        let mut waiting = TcpStream::connect(address).unwrap();
        waiting.set_read_timeout(Some(DEADLINE)).unwrap();
        waiting.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut server = place.serve_on(socket.try_clone().unwrap().into());
        assert_eq!(server.base, format!("http://{address}"));
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok"), "{answer}");
        match &anna {
            None => {
                server.inbox_key();
                anna = Some(server.register("+358401234561").await);
            }
            Some(anna) => assert_eq!(server.account_of(&anna.token).await, anna.account_id),
        }
        server.stop().ok();
    }
}
