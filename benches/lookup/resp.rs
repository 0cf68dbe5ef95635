//! As much of Redis's protocol (RESP 2) as a benchmark needs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A connection to Redis.
pub(crate) struct Redis {
    stream: BufReader<UnixStream>,
    line: String,
}

/// A command as it is written.
pub(crate) fn command<'a>(parts: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut command = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        command.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        command.extend_from_slice(part);
        command.extend_from_slice(b"\r\n");
    }
    command
}

impl Redis {
    /// `None` while there is no server.
    pub(crate) fn connect(socket: &Path) -> Option<Self> {
        let stream = BufReader::new(UnixStream::connect(socket).ok()?);
        Some(Self { stream, line: String::new() })
    }

    /// Sends a command and counts what is found: strings that are not nil, and the sum of integers.
    pub(crate) fn ask(&mut self, command: &[u8]) -> usize {
        self.stream.get_mut().write_all(command).unwrap();
        self.read()
    }

    fn read(&mut self) -> usize {
        self.line.clear();
        self.stream.read_line(&mut self.line).unwrap();
        let (kind, rest) = self.line.split_at(1);
        let number: i64 = rest.trim_end().parse().unwrap_or(0);
        match kind {
            "*" => (0..number).map(|_| self.read()).sum(),
            "$" if number < 0 => 0,
            "$" => {
                let mut value = [0; 64];
                self.stream.read_exact(&mut value[..number as usize + 2]).unwrap();
                1
            }
            ":" => number as usize,
            "+" => 0,
            _ => panic!("Redis refuses: {}", self.line),
        }
    }
}
