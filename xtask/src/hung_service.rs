//! Customers of the inventory service, until it hangs.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::fixture::Running;

/// How long a customer whose request hangs goes on waiting. The connection must
/// stay open as long as anybody looks: hyper drops a handler with it.
const CUSTOMER_WAITS: Duration = Duration::from_secs(3600);

/// How long an answer of the healthy service may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running service.
pub struct HungService {
    /// The process.
    pub service: Running,
    address: SocketAddr,
}

/// A request that was sent.
pub struct Purchase {
    answer: Receiver<Result<String>>,
}

impl HungService {
    /// Takes the service that was started, with the address that it printed.
    pub fn new(service: Running) -> Result<Self> {
        let greeting = service.greeting();
        let address = greeting.parse().with_context(|| format!("not an address: {greeting:?}"))?;
        Ok(Self { service, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends `POST /checkout/{item}` from a thread of its own.
    pub fn buy(&self, item: &str) -> Purchase {
        let url = format!("http://{}/checkout/{item}", self.address);
        let (sender, answer) = channel();
        std::thread::spawn(move || {
            let result = post(&url);
            // Whoever asked may have lost interest.
            let _ = sender.send(result);
        });
        Purchase { answer }
    }

    /// Buys lamps until one purchase hangs and `queue` further ones wait behind
    /// it, each of them sent when the one before has come to rest. Returns how
    /// many purchases were answered.
    pub fn hang(&mut self, queue: usize) -> Result<usize> {
        let mut answered = 0;
        loop {
            let purchase = self.buy("lamp");
            self.service.come_to_rest()?;
            match purchase.answer.recv_timeout(Duration::from_millis(300)) {
                Ok(answer) => drop(answer?),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the customer has gone"),
            }
            answered += 1;
            ensure!(answered < 100, "the service does not hang");
            self.wait_for_tasks(0)?;
        }
        for waiting in 1..=queue {
            drop(self.buy("lamp"));
            self.wait_for_tasks(waiting + 1)?;
            self.service.come_to_rest()?;
        }
        Ok(answered)
    }

    /// Waits until as many tasks are alive: one for each open connection.
    fn wait_for_tasks(&mut self, expected: usize) -> Result<()> {
        let begun = Instant::now();
        while self.service.alive_tasks()? != expected {
            ensure!(begun.elapsed() < PATIENCE, "there are never {expected} tasks");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Purchase {
    /// What the shop says within `time`; `None` while it says nothing.
    pub fn answer(&self, time: Duration) -> Result<Option<String>> {
        match self.answer.recv_timeout(time) {
            Ok(answer) => answer.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the customer has gone"),
        }
    }
}

fn post(url: &str) -> Result<String> {
    let config = ureq::Agent::config_builder().timeout_global(Some(CUSTOMER_WAITS)).build();
    let request = ureq::Agent::new_with_config(config).post(url).header("connection", "close");
    let mut response = request.send_empty().with_context(|| format!("POST {url}"))?;
    let body = response.body_mut().read_to_string().context("reading the answer")?;
    Ok(format!("{} {}", response.status().as_u16(), body.trim_end()))
}
