//! The outbox: mails and webhooks are sent after the commit, in order, and again where the receiver was away; and who
//! sends none.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use chrono::{DateTime, Utc};
use guichet::platform::config::Config;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::metrics::scrape;
use crate::harness::program::Program;
use crate::harness::shop::Shop;
use crate::harness::sink::MailSink;

const CUSTOMERS: &str = "/api/application/customers";

/// Settings with a mail server.
fn settings(server: SocketAddr) -> [(String, String); 5] {
    [
        ("GUICHET_MAIL", "smtp".to_owned()),
        ("MAIL_HOST", server.ip().to_string()),
        ("MAIL_PORT", server.port().to_string()),
        ("MAIL_FROM_ADDRESS", "shop@lanternes.example".to_owned()),
        ("GUICHET_METRICS_LISTEN", "127.0.0.1:0".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

async fn start(server: SocketAddr) -> Program {
    let settings = settings(server);
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Program::start(&settings).await
}

/// Causes a mail.
async fn post(program: &Program, path: &str) {
    let answer = program.ask("POST", &format!("{CUSTOMERS}/{path}"), "all", Some(&json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Waits until a statement tells this.
async fn wait(program: &Program, sql: &str, expected: &str) {
    let mut found = None;
    for _ in 0..1200 {
        found = program.text(sql).await;
        if found.as_deref() == Some(expected) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{sql}: {found:?}, not {expected}\n{}", program.log());
}

/// How many rows the outbox has, as a text.
const ROWS: &str =
    "SELECT CASE COUNT(*) WHEN 0 THEN 'none' WHEN 1 THEN 'one' ELSE 'more' END FROM guichet_outbox";

#[tokio::test]
async fn a_mail_arrives_after_its_server_was_down() {
    let address = MailSink::free_address().await;
    let program = start(address).await;
    post(&program, "2/send_password").await;
    wait(&program, "SELECT CASE WHEN error <> '' THEN 'failed' ELSE 'new' END FROM guichet_outbox", "failed")
        .await;
    assert_eq!(program.text("SELECT state FROM guichet_outbox").await.as_deref(), Some("waiting"));
    let id = program.text("SELECT message_id FROM guichet_outbox").await.unwrap();
    let sink = MailSink::open(address, &[]).await;
    let mails = sink.mails(1).await;
    let mail = &mails[0];
    assert_eq!(mail.recipient, "customer2@example.com");
    assert_eq!(mail.header("Message-ID"), format!("<{id}@lanternes.example>"));
    assert_eq!(mail.header("From"), "CLIENTXCMS <shop@lanternes.example>");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.body().contains("/reset-password/"), "{mail:?}");
    wait(&program, ROWS, "none").await;
    let kept = program.text("SELECT recipient FROM email_messages ORDER BY id DESC LIMIT 1").await;
    assert_eq!(kept.as_deref(), Some("customer2@example.com"));
    let scrape = scrape(&program).await;
    let sent = scrape.value("guichet_outbox_attempts_total", &[("kind", "mail"), ("outcome", "sent")]);
    assert!((sent - 1.0).abs() < f64::EPSILON, "{sent}");
    let log = program.stop().await;
    assert!(
        !log.contains("customer2@example.com") && log.contains("the mail server cannot be used"),
        "{log}"
    );
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up_and_the_next_one_follows() {
    let address = MailSink::free_address().await;
    let sink = MailSink::open(address, &["451 later", "550 nobody <customer3@example.com>"]).await;
    let program = start(address).await;
    post(&program, "3/send_password").await;
    post(&program, "3/resend_confirmation").await;
    let mails = sink.mails(1).await;
    assert!(mails[0].body().contains("/verify-email/"), "{mails:?}");
    wait(&program, "SELECT state FROM guichet_outbox", "given_up").await;
    wait(&program, ROWS, "one").await;
    let error = program.text("SELECT error FROM guichet_outbox").await.unwrap();
    assert!(error.contains("550"), "{error}");
    let (code, printed) = program.command(&["outbox", "list", "--json"]).await;
    let rows: Json = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (code, &rows[0]["state"], &rows[0]["event"]),
        (0, &json!("given_up"), &json!("reset")),
        "{rows}"
    );
    let id = rows[0]["id"].to_string();
    assert!(rows[0]["due_at"].is_null(), "{rows}");
    let deleted = rows[0]["deleted_at"].as_str().unwrap();
    let days = (deleted.parse::<DateTime<Utc>>().unwrap() - Utc::now()).num_days();
    assert!((29..=30).contains(&days), "{rows}");
    let (_, table) = program.command(&["outbox", "list"]).await;
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("ID       STATE    KIND     EVENT "), "{table}");
    assert!(lines[1].contains("given_up") && lines[1].contains(&format!(" deleted {deleted} ")), "{table}");
    assert!(!lines[1].contains("next "), "{table}");
    assert_eq!(program.command(&["outbox", "retry", &id]).await.0, 0);
    let mails = sink.mails(2).await;
    assert!(mails[1].body().contains("/reset-password/"), "{mails:?}");
    wait(&program, ROWS, "none").await;
    let (code, printed) = program.command(&["outbox", "drop", &id]).await;
    assert_eq!((code, printed.contains("no row")), (1, true), "{printed}");
    assert!(!printed.contains("0 rows"), "{printed}");
    let (code, printed) = program.command(&["outbox", "drop", "--all"]).await;
    assert_eq!((code, printed.as_str()), (0, "no row was deleted\n"));
    let log = program.stop().await;
    assert!(!log.contains("customer3@example.com"), "{log}");
}

#[tokio::test]
async fn without_a_mail_server_or_the_table_mails_are_only_written() {
    let with = |mail: bool| {
        move |config: &mut Config| {
            let all = settings(SocketAddr::from(([127, 0, 0, 1], 9)));
            config.mail = Config::from_env(all).unwrap().mail.filter(|_| mail);
        }
    };
    for mail in [false, true] {
        let shop = Shop::with("en", with(mail)).await;
        let path = format!("{CUSTOMERS}/2/send_password");
        assert_eq!(shop.post(&path, "all", &json!({})).await.0, 200);
        let kept = shop.text("SELECT recipient FROM email_messages ORDER BY id DESC LIMIT 1").await;
        assert_eq!(kept.as_deref(), Some("customer2@example.com"));
        shop.close().await;
    }
}

#[tokio::test]
async fn mails_of_a_deleted_customer_are_not_sent() {
    let program = start(MailSink::free_address().await).await;
    post(&program, "2/send_password").await;
    wait(&program, ROWS, "one").await;
    let path = format!("{CUSTOMERS}/2?force=1");
    let answer = program.ask("DELETE", &path, "all", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    wait(&program, ROWS, "none").await;
    program.stop().await;
}

/// Writes a webhook into the outbox.
async fn add_webhook(program: &Program, target: &str) {
    let now = chrono::Utc::now().timestamp_millis();
    let sql = format!(
        "INSERT INTO guichet_outbox (message_id, kind, record, event, mail_id, target, body, created_at, state, attempts, \
         due_at, gives_up_at, lease, leased_until, error) VALUES ('msg_hook', 'webhook', 'ticket:1', 'helpdesk_closed', 0, \
         '{target}', '{{\"a\":1}}', {now}, 'waiting', 0, {now}, {}, '', 0, '')",
        now + 86_400_000
    );
    program.sql(&[&sql]).await;
}

/// Answers the next request with this status; its head and body.
async fn receive(listener: &TcpListener, status: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"{\"a\":1}") {
        let mut part = [0; 1024];
        let length = stream.read(&mut part).await.unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&part[..length]);
    }
    let answer = format!("HTTP/1.1 {status}\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(received).unwrap()
}

#[tokio::test]
async fn a_webhook_is_called_again_with_the_same_identifier_and_signed() {
    let secret = "a secret of the receiver, long";
    let program =
        Program::start(&[("GUICHET_WEBHOOK_ALLOW", "127.0.0.0/8"), ("GUICHET_WEBHOOK_SECRET", secret)]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    add_webhook(&program, &format!("http://{}/hook?of=shop", listener.local_addr().unwrap())).await;
    let first = receive(&listener, "302 Found").await;
    wait(&program, "SELECT error FROM guichet_outbox", "it has answered 302: redirects are not followed")
        .await;
    let second = receive(&listener, "204 No Content").await;
    wait(&program, ROWS, "none").await;
    for request in [first, second] {
        let header = |name: &str| {
            let line = request.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.unwrap_or_else(|| panic!("{name}: {request}")).to_owned()
        };
        assert!(request.starts_with("POST /hook?of=shop HTTP/1.1\r\n"), "{request}");
        assert_eq!(header("webhook-id"), "msg_hook");
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("msg_hook.{}.{{\"a\":1}}", header("webhook-timestamp")).as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
    }
    program.stop().await;
}

#[tokio::test]
async fn a_webhook_to_this_machine_is_not_called_unless_it_is_allowed() {
    let program = Program::start(&[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    add_webhook(&program, &format!("http://localhost:{port}/hook")).await;
    let error = "its host is in a network that may not be called: see GUICHET_WEBHOOK_ALLOW";
    wait(&program, "SELECT error FROM guichet_outbox", error).await;
    let called = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(called.is_err(), "nobody called");
    let (_, list) = program.command(&["outbox", "list", "--json"]).await;
    assert!(list.contains("\"host\": \"localhost\"") && !list.contains("/hook"), "{list}");
    let (_, given_up) = program.command(&["outbox", "list", "--given-up"]).await;
    assert_eq!(given_up, "Nothing was given up.\n", "a row waits");
    let query = json!({"query": "{ outbox { kind state messageId error } }"});
    let answer = program.ask("POST", "/graphql", "all", Some(&query)).await.json();
    let row = json!({"kind": "WEBHOOK", "state": "WAITING", "messageId": "msg_hook", "error": error});
    assert_eq!(answer["data"]["outbox"], json!([row]), "{answer}");
    let answer = program.ask("POST", "/graphql", "products-read", Some(&query)).await.json();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    program.stop().await;
}
