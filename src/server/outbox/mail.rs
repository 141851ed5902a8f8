//! Mails by SMTP.

use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use lettre::{Address, AsyncTransport, Message, Tokio1Executor};
use sea_orm::ConnectionTrait;
use url::Host;

use super::SendError;
use crate::platform::config::{MailEncryption, MailServer};
use crate::shop::mail::{self, StoredMail};
use crate::shop::outbox::Row;
use crate::{Error, Result};

/// How long the mail server may take to accept a connection, and for each of its answers.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Answers that tell of a mail or its recipient, and that another attempt would not change (RFC 5321, 4.2.3). Others are
/// of the server or of the settings, as when it refuses the password.
const FINAL_ANSWERS: [u16; 5] = [550, 551, 552, 553, 554];

/// Sends mails through the shop's mail server.
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Tells robots not to answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// A mailer by the operator's settings.
    ///
    /// # Errors
    /// [`Error::Setting`] where certificates cannot be read.
    pub(crate) fn new(server: &MailServer) -> Result<Self> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .timeout(Some(TIMEOUT))
            .tls(tls(server)?);
        if let Some((name, password)) = &server.credentials {
            builder = builder.credentials(Credentials::new(name.clone(), password.expose().to_owned()));
        }
        if let Some(name) = &server.ehlo {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        Ok(Self { transport: builder.build(), from: server.from.clone() })
    }

    /// Whether the mail server answers, and takes the password.
    ///
    /// # Errors
    /// A text for the operator.
    pub(crate) async fn check(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("it does not answer".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Sends the mail of a row. One that was deleted meanwhile needs not be sent.
    pub(super) async fn send(&self, db: &impl ConnectionTrait, row: &Row) -> Result<(), SendError> {
        let Some(mail) = mail::stored(db, row.mail_id).await? else {
            return Ok(());
        };
        let message = self.message(row, mail)?;
        self.transport.send(message).await.map(drop).map_err(|error| refusal(&error))
    }

    /// The same mail, however often it is sent.
    fn message(&self, row: &Row, mail: StoredMail) -> Result<Message, SendError> {
        let address = address(&mail.recipient)
            .ok_or_else(|| SendError::last("the address is not valid", "the address is not valid"))?;
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(mail.subject)
            .message_id(Some(format!("<{}@{}>", row.message_id, self.from.email.domain())))
            .header(AutoSubmitted);
        if let Some(created_at) = mail.created_at {
            message = message.date(created_at.0.into());
        }
        let body = SinglePart::builder().header(ContentType::TEXT_HTML).body(mail.content);
        message.singlepart(body).map_err(|error| SendError::last("it is no mail", error.to_string()))
    }
}

/// The address of a recipient, its domain in ASCII (Punycode). Few servers take other letters in front of the `@`, so such
/// addresses count as not valid: the recipient's next mails would wait behind them.
fn address(text: &str) -> Option<Address> {
    let (name, domain) = text.trim().rsplit_once('@')?;
    let domain = if domain.is_ascii() { domain.to_owned() } else { Host::parse(domain).ok()?.to_string() };
    Address::new(name, domain).ok().filter(|_| name.is_ascii())
}

fn tls(server: &MailServer) -> Result<Tls> {
    if server.encryption == MailEncryption::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(file) = &server.authorities {
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::Setting(format!("GUICHET_MAIL_CA: {}: {error}", file.display()))
        };
        let pem = std::fs::read(file).map_err(|error| unreadable(&error))?;
        let authority = Certificate::from_pem(&pem).map_err(|error| unreadable(&error))?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    let parameters =
        parameters.build_rustls().map_err(|error| Error::Setting(format!("MAIL_HOST: {error}")))?;
    Ok(match server.encryption {
        MailEncryption::None => Tls::None,
        MailEncryption::Offered => Tls::Opportunistic(parameters),
        MailEncryption::StartTls => Tls::Required(parameters),
        MailEncryption::Tls => Tls::Wrapper(parameters),
    })
}

/// What an answer of the mail server, or its silence, means for the next attempt.
fn refusal(error: &smtp::Error) -> SendError {
    let Some(code) = error.status().map(u16::from) else {
        return SendError::passing("the mail server cannot be used", error.to_string());
    };
    let summary = format!("the mail server has answered {code}");
    if FINAL_ANSWERS.contains(&code) {
        SendError::last(summary, error.to_string())
    } else {
        SendError::passing(summary, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_written_in_ascii() {
        let read = |text: &str| address(text).map(|address| address.to_string());
        assert_eq!(read("u@exämple.example").as_deref(), Some("u@xn--exmple-cua.example"));
        assert_eq!(read(" u@client.example ").as_deref(), Some("u@client.example"));
        for wrong in ["ü@client.example", "client.example", "@client.example", "u@", "u@a b", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
