//! A mail server that keeps what it is sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A mail as it came over the wire: the recipient, and the lines of head and body.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedMail {
    pub(crate) recipient: String,
    pub(crate) lines: Vec<String>,
}

impl ReceivedMail {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let head = self.lines.iter().take_while(|line| !line.is_empty());
        let mut values = head.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        values.next().unwrap_or_else(|| panic!("{name}: {self:?}"))
    }

    /// The body, without its encoding as quoted-printable.
    pub(crate) fn body(&self) -> String {
        let body: Vec<_> = self.lines.iter().skip_while(|line| !line.is_empty()).skip(1).cloned().collect();
        body.join("\n").replace("=\n", "").replace("=3D", "=")
    }
}

/// A running mail server.
pub(crate) struct MailSink {
    received: Arc<Mutex<Vec<ReceivedMail>>>,
    task: JoinHandle<()>,
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl MailSink {
    /// An address on which nothing listens.
    pub(crate) async fn free_address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    /// Listens there. The answers to the first recipients are given; further ones are accepted.
    pub(crate) async fn open(address: SocketAddr, answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let received = Arc::<Mutex<Vec<ReceivedMail>>>::default();
        let answers = Arc::new(Mutex::new(answers.iter().copied().collect::<VecDeque<_>>()));
        let kept = Arc::clone(&received);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&kept), Arc::clone(&answers)));
            }
        });
        Self { received, task }
    }

    /// The mails, once there are this many.
    pub(crate) async fn mails(&self, number: usize) -> Vec<ReceivedMail> {
        for _ in 0..1200 {
            let received = self.received.lock().unwrap().clone();
            if received.len() >= number {
                return received;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?}", self.received.lock().unwrap())
    }
}

/// Answers one client.
async fn talk(
    stream: TcpStream,
    received: Arc<Mutex<Vec<ReceivedMail>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 sink\r\n").await?;
    let mut recipient = String::new();
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-sink\r\n250 8BITMIME",
            "RCPT" => {
                recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                answers.lock().unwrap().pop_front().unwrap_or("250 ok")
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = ReceivedMail { recipient: recipient.clone(), lines: Vec::new() };
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.lines.push(line.strip_prefix('.').map_or(line.clone(), str::to_owned));
                }
                received.lock().unwrap().push(mail);
                "250 kept"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}
