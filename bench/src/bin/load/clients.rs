//! Clients that send the next request after each answer, and clients that send on a schedule.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::connection::Connection;
use crate::requests::Requests;
use crate::tally::AnswerCounts;

/// A client: its connection, which is opened when needed, and its counts.
struct Client {
    requests: Arc<Requests>,
    connection: Option<Connection>,
    /// Index of the next request.
    next: usize,
    tally: AnswerCounts,
}

impl Client {
    fn new(requests: &Arc<Requests>, number: usize) -> Self {
        Self {
            requests: Arc::clone(requests),
            connection: None,
            next: number,
            tally: AnswerCounts::default(),
        }
    }

    /// Sends one request.
    async fn ask(&mut self) {
        let request = self.requests.nth(self.next).to_vec();
        self.next += 1;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match Connection::open(self.requests.address).await {
                Ok(connection) => connection,
                Err(error) => return self.tally.wrong(format!("no connection: {error}")),
            },
        };
        let sent = Instant::now();
        let answer = match connection.ask(&request).await {
            Ok(answer) => answer,
            Err(error) => return self.tally.wrong(format!("no answer: {error}")),
        };
        match (answer.status, answer.retry_after) {
            (200, _) => self.tally.accept(sent.elapsed()),
            (503, true) => self.tally.refused += 1,
            (503, false) => self.tally.wrong("503 without Retry-After".to_owned()),
            (status, _) => self.tally.wrong(status.to_string()),
        }
        self.connection = Some(connection).filter(|_| !answer.closes);
    }

    /// Sends requests until then.
    async fn ask_until(mut self, end: Instant) -> AnswerCounts {
        while Instant::now() < end {
            self.ask().await;
        }
        self.tally
    }

    /// Sends a request at each time of a schedule. Times during the wait for an answer are skipped.
    async fn ask_at(mut self, first: Instant, pause: Duration, end: Instant) -> AnswerCounts {
        let mut due = first;
        while due < end {
            sleep_until(due).await;
            self.ask().await;
            due += pause;
            while due < Instant::now().min(end) {
                due += pause;
                self.tally.skipped += 1;
            }
        }
        self.tally
    }
}

/// Runs so many clients that send the next request after each answer.
pub async fn closed_loop(requests: &Arc<Requests>, clients: usize, lasting: Duration) -> AnswerCounts {
    let end = Instant::now() + lasting;
    let asking = (0..clients).map(|number| Client::new(requests, number).ask_until(end));
    all(asking.collect()).await
}

/// Runs so many clients that together send so many requests per second, whatever the answers are.
pub async fn open_loop(requests: &Arc<Requests>, clients: u32, rate: f64, lasting: Duration) -> AnswerCounts {
    let begun = Instant::now();
    let pause = Duration::from_secs_f64(f64::from(clients) / rate);
    let asking = (0..clients).map(|number| {
        let first = begun + pause * number / clients;
        Client::new(requests, number as usize).ask_at(first, pause, begun + lasting)
    });
    all(asking.collect()).await
}

/// Lets all of them run to their end.
async fn all(mut asking: JoinSet<AnswerCounts>) -> AnswerCounts {
    let mut tally = AnswerCounts::default();
    while let Some(joined) = asking.join_next().await {
        match joined {
            Ok(one) => tally.join(one),
            Err(error) => tally.wrong(error.to_string()),
        }
    }
    tally
}
