//! What holds where nothing is set: the whole service on this machine alone.

use super::{
    ByteSize, Countries, Database, Directory, DirectoryMode, Discovery, Guard, GuardMode, HiddenPassword,
    KeyFile, Limits, Log, LogFormat, Money, NumberTypes, Seconds, Server, Shape, ShapeMode, Verification,
};
use crate::store::Connections;
use std::net::SocketAddr;
use std::path::PathBuf;

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            ops_listen: SocketAddr::from(([127, 0, 0, 1], 9090)),
            public_url: None,
            trusted_proxies: Vec::new(),
            connections: 10_000,
            connections_per_address: 200,
            head_timeout: Seconds::new(10),
            body_timeout: Seconds::new(15),
            write_timeout: Seconds::new(20),
            idle_timeout: Seconds::new(75),
            connection_lifetime: Seconds::new(3_600),
            requests_in_flight: 256,
            drain_delay: Seconds::new(0),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        let Connections { count, request_timeout, statement_timeout } = Connections::from(20);
        Self {
            url: HiddenPassword::new("sqlite://data/tuttu.db"),
            migrate: true,
            connections: count,
            request_timeout: request_timeout.into(),
            statement_timeout: statement_timeout.into(),
        }
    }
}

impl Default for KeyFile {
    fn default() -> Self {
        Self { file: PathBuf::from("data/keys.toml") }
    }
}

impl Default for Verification {
    fn default() -> Self {
        Self {
            code_length: 6,
            code_lifetime: Seconds::new(600),
            checks_per_code: 5,
            service_name: None,
            app_hashes: Vec::new(),
            web_origins: Vec::new(),
            test_numbers: Vec::new(),
        }
    }
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            lookup_budget: 45_000,
            budget_per_hour: 6,
            requests_per_hour: 40,
            handles_per_hour: 400_000,
            epoch_lifetime: None,
            shape: Shape::default(),
        }
    }
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            mode: DirectoryMode::Auto,
            memory: ByteSize::mebibytes(256),
            snapshot: None,
            false_positive_rate: 0.005,
        }
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self { mode: ShapeMode::Monitor, handles_per_range: 50_000, hit_percent: 1 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exempt: Vec::new(),
            requests_per_minute: 600,
            sends_per_number: 6,
            reveals_per_hour: 20,
            searches_per_hour: 60,
            wrong_checks_per_day: 10_000,
            never_block: Vec::new(),
            countries: Countries::default(),
            number_types: NumberTypes::default(),
            guard: Guard::default(),
            money: Money::default(),
        }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            mode: GuardMode::Enforce,
            conversion_percent: 35,
            capacity: [10, 50, 8, 60, 200],
            per_hour: [10, 50, 2, 10, 30],
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}
