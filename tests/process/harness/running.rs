//! A process: what it says, how it ends, and that it ends.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a process ended and what it said.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Finished {
    /// Standard output of a process that must have gone well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Standard error of a process that must have failed, having said nothing else.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{self:?}");
        self.err
    }
}

/// A process under way. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    out: String,
    err: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts a command whose standard input is set.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let err: Arc<Mutex<String>> = Arc::default();
        let (written, mut stderr) = (err.clone(), child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                written.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { child, lines, out: String::new(), err, reader: Some(reader) }
    }

    /// Waits for a line on standard output.
    #[track_caller]
    pub(crate) fn line_with(&mut self, mark: &str) -> String {
        if let Some(line) = self.out.lines().find(|line| line.contains(mark)) {
            return line.to_owned();
        }
        loop {
            let Some(line) = self.next_line(super::DEADLINE) else {
                panic!("it ended without {mark:?}:\n{}\n{}", self.out, self.log());
            };
            if line.contains(mark) {
                return line;
            }
        }
    }

    /// The next line of standard output; none at its end.
    #[track_caller]
    fn next_line(&mut self, deadline: Duration) -> Option<String> {
        match self.lines.recv_timeout(deadline) {
            Ok(line) => {
                self.out.push_str(&line);
                self.out.push('\n');
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("nothing happened for {deadline:?}:\n{}\n{}", self.out, self.log())
            }
        }
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    /// Its number.
    pub(crate) fn pid(&self) -> i32 {
        Pid::from_child(&self.child).as_raw_nonzero().get()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self, deadline: Duration) -> Finished {
        let begun = Instant::now();
        while self.next_line(deadline.saturating_sub(begun.elapsed())).is_some() {}
        let code = self.child.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        Finished { code, out: std::mem::take(&mut self.out), err: self.log() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _ended_before = self.child.wait();
    }
}
