//! Sends spans to an OpenTelemetry collector: OTLP over HTTP, in batches, by a background task.
//!
//! If the collector fails or is too slow, spans are lost, but requests are not affected: spans that do not fit in
//! the queue are dropped, and so are batches that the collector refuses.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::spans::{FinishedRequest, export_request};
use crate::platform::config::Otlp;

/// Maximum number of finished requests in the queue; further ones are dropped.
const QUEUE_LENGTH: usize = 512;
/// Number of spans at which a batch is sent.
const BATCH_SIZE: usize = 512;
/// Pauses before a batch is sent again.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// Time limit of the last batch when the server stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// The queue of the exporter's task.
pub(super) struct Exporter {
    queue: mpsc::Sender<Message>,
}

enum Message {
    Finished(Box<FinishedRequest>),
    /// Send all waiting spans, and report when that is done.
    Flush(oneshot::Sender<()>),
}

impl Exporter {
    /// Starts the background task.
    pub(super) fn start(settings: Otlp, database: &'static str) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_LENGTH);
        tokio::spawn(ExportTask { settings, database, spans: Vec::new(), is_failing: false }.run(waiting));
        Self { queue }
    }

    /// Adds the spans of a finished request to the queue.
    pub(super) fn enqueue(&self, request: FinishedRequest) {
        // If the queue is full, it is dropped.
        let _ = self.queue.try_send(Message::Finished(Box::new(request)));
    }

    /// Sends the waiting spans.
    pub(super) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        let sent = async {
            if self.queue.send(Message::Flush(done)).await.is_ok() {
                let _ = wait.await;
            }
        };
        let _ = timeout(FLUSH_TIMEOUT, sent).await;
    }
}

/// The background task of an exporter.
struct ExportTask {
    settings: Otlp,
    database: &'static str,
    spans: Vec<Json>,
    /// Whether the last batch was lost. Only the first loss is logged.
    is_failing: bool,
}

impl ExportTask {
    async fn run(mut self, mut waiting: mpsc::Receiver<Message>) {
        let mut tick = interval(self.settings.delay);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = waiting.recv() => match message {
                    None => return,
                    Some(Message::Finished(request)) => {
                        self.spans.extend(request.spans(self.database));
                        if self.spans.len() >= BATCH_SIZE {
                            self.send().await;
                        }
                    }
                    Some(Message::Flush(done)) => {
                        self.send().await;
                        // The receiver may have been dropped.
                        let _ = done.send(());
                    }
                },
                _ = tick.tick() => self.send().await,
            }
        }
    }

    async fn send(&mut self) {
        if self.spans.is_empty() {
            return;
        }
        let spans = std::mem::take(&mut self.spans);
        let body = export_request(&self.settings.resource, &spans).to_string();
        match self.deliver(&body).await {
            Ok(()) => self.is_failing = false,
            Err(cause) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(cause, endpoint = %self.settings.endpoint, "spans are lost: no collector takes them");
                }
            }
        }
    }

    /// Sends a batch, and again after temporary errors.
    async fn deliver(&self, body: &str) -> Result<(), String> {
        let mut pauses = RETRY_PAUSES.into_iter();
        loop {
            let cause = match timeout(self.settings.timeout, self.post(body)).await {
                Ok(Ok(status)) if status.is_success() => return Ok(()),
                Ok(Ok(status)) if !is_temporary(status) => return Err(format!("it answers {status}")),
                Ok(Ok(status)) => format!("it answers {status}"),
                Ok(Err(cause)) => cause.to_string(),
                Err(_) => "it doesn't answer in time".to_owned(),
            };
            sleep(pauses.next().ok_or(cause)?).await;
        }
    }

    async fn post(&self, body: &str) -> Result<StatusCode, Box<dyn std::error::Error + Send + Sync>> {
        let uri = &self.settings.endpoint;
        let host = uri.host().unwrap_or_default();
        let stream =
            TcpStream::connect((host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80))).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request =
            Request::builder().method(Method::POST).uri(path).body(Body::from(body.to_owned()))?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authority) = uri.authority() {
            headers.insert(header::HOST, HeaderValue::from_str(authority.as_str())?);
        }
        headers.extend(self.settings.headers.iter().cloned());
        let answer = sender.send_request(request).await;
        connection.abort();
        Ok(answer?.status())
    }
}

/// Whether a status means that the collector may accept the batch later.
fn is_temporary(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}
