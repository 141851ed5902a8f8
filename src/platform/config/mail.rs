//! The shop's mail server: the variables that the original reads (`MAIL_*`), and who sends the mails (`GUICHET_MAIL`).

use std::net::IpAddr;
use std::path::PathBuf;

use lettre::Address;
use lettre::message::Mailbox;

use super::{ConfigError, Secret, Variables, at_least, config_error, file};

/// The port on which TLS begins with the first byte.
const TLS_PORT: u16 = 465;

/// The server that takes the shop's mails, by SMTP.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its name or address (`MAIL_HOST`).
    pub host: String,
    /// Its port (`MAIL_PORT`).
    pub port: u16,
    /// How the connection is encrypted (`MAIL_SCHEME`, `MAIL_ENCRYPTION`).
    pub encryption: MailEncryption,
    /// Name and password to sign in with (`MAIL_USERNAME`, `MAIL_PASSWORD`).
    pub credentials: Option<(String, Secret)>,
    /// Sender of the mails (`MAIL_FROM_ADDRESS`, `MAIL_FROM_NAME`).
    pub from: Mailbox,
    /// Name by which this server introduces itself; `None`: that of its system (`MAIL_EHLO_DOMAIN`).
    pub ehlo: Option<String>,
    /// PEM file of the authorities that may have signed the server's certificate; `None`: those of the system
    /// (`GUICHET_MAIL_CA`).
    pub authorities: Option<PathBuf>,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailEncryption {
    /// Not at all: the server is on this machine.
    None,
    /// With STARTTLS where the server offers it.
    Offered,
    /// With STARTTLS, and nothing is sent without it.
    StartTls,
    /// With TLS from the first byte on.
    Tls,
}

impl MailServer {
    /// Reads the mail server, if `GUICHET_MAIL=smtp`. What the shop has set is not looked at otherwise.
    pub(super) fn read(variables: &Variables) -> Result<Option<Self>, ConfigError> {
        let is_on = variables.read("GUICHET_MAIL", |text| match text {
            "off" => Some(false),
            "smtp" => Some(true),
            _ => None,
        })?;
        if !is_on {
            return Ok(None);
        }
        let host: String = variables.parse("MAIL_HOST")?;
        let port = variables.read("MAIL_PORT", |text| at_least(text, 1))?;
        let username = variables.optional("MAIL_USERNAME", |text| Some(text.to_owned()))?;
        let password = Secret::new(variables.parse::<String>("MAIL_PASSWORD")?);
        // What is missing is reported as what needs it.
        let address = variables.set_value("MAIL_FROM_ADDRESS");
        let address = address.ok_or_else(|| config_error("GUICHET_MAIL", "smtp"))?;
        let address: Address = address.parse().map_err(|_| config_error("MAIL_FROM_ADDRESS", address))?;
        let name = match variables.set_value("MAIL_FROM_NAME") {
            Some(name) => name.to_owned(),
            None => variables.parse("APP_NAME")?,
        };
        Ok(Some(Self {
            encryption: Self::encryption(variables, &host, port, username.is_some())?,
            host,
            port,
            credentials: username.map(|name| (name, password)),
            from: Mailbox::new(Some(name), address),
            ehlo: variables.optional("MAIL_EHLO_DOMAIN", |text| Some(text.to_owned()))?,
            authorities: variables.optional("GUICHET_MAIL_CA", file)?,
        }))
    }

    /// What the settings demand. A password is sent to another machine encrypted or not at all.
    fn encryption(
        variables: &Variables,
        host: &str,
        port: u16,
        has_password: bool,
    ) -> Result<MailEncryption, ConfigError> {
        let scheme = variables.optional("MAIL_SCHEME", |text| match text {
            "smtp" => Some(None),
            "smtps" => Some(Some(MailEncryption::Tls)),
            _ => None,
        })?;
        let older = variables.optional("MAIL_ENCRYPTION", |text| match text {
            "tls" | "starttls" if port == TLS_PORT => Some(MailEncryption::Tls),
            "tls" | "starttls" => Some(MailEncryption::StartTls),
            "ssl" => Some(MailEncryption::Tls),
            _ => None,
        })?;
        let by_port = (port == TLS_PORT).then_some(MailEncryption::Tls);
        Ok(scheme.flatten().or(older).or(by_port).unwrap_or(match (is_this_machine(host), has_password) {
            (true, _) => MailEncryption::None,
            (false, true) => MailEncryption::StartTls,
            (false, false) => MailEncryption::Offered,
        }))
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::config::Config;

    fn server(variables: &[(&str, &str)]) -> Result<Option<MailServer>, ConfigError> {
        let own = [("GUICHET_MAIL", "smtp"), ("MAIL_FROM_ADDRESS", "shop@example.com")];
        let all = own.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_env(all).map(|config| config.mail)
    }

    #[test]
    fn it_is_off_unless_it_is_wanted() {
        let mail =
            Config::from_env([("MAIL_HOST".to_owned(), "mail.example".to_owned())]).map(|config| config.mail);
        assert!(mail.is_ok_and(|mail| mail.is_none()));
        let odd = Config::from_env([("MAIL_ENCRYPTION".to_owned(), "odd".to_owned())]);
        assert!(odd.is_ok(), "what the shop has set is not looked at");
        let refused = server(&[("MAIL_FROM_ADDRESS", "")]).map_err(|error| error.variable);
        assert!(matches!(refused, Err("GUICHET_MAIL")));
    }

    #[test]
    fn the_doctor_goes_on_where_a_sender_is_missing() {
        let set = [("GUICHET_MAIL", "smtp"), ("APP_NAME", "Lanternes")];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (config, refused) = Config::with_defaults_for_refused(set);
        assert_eq!((config.app_name.as_str(), refused.len()), ("Lanternes", 1));
    }

    #[test]
    fn a_password_goes_to_other_machines_encrypted() {
        let encryption = |variables: &[(&str, &str)]| server(variables).unwrap().unwrap().encryption;
        let remote = ("MAIL_HOST", "mail.example");
        assert_eq!(encryption(&[]), MailEncryption::None);
        assert_eq!(encryption(&[remote]), MailEncryption::Offered);
        assert_eq!(encryption(&[remote, ("MAIL_USERNAME", "shop")]), MailEncryption::StartTls);
        assert_eq!(encryption(&[remote, ("MAIL_PORT", "465")]), MailEncryption::Tls);
        assert_eq!(encryption(&[remote, ("MAIL_SCHEME", "smtps")]), MailEncryption::Tls);
        assert_eq!(encryption(&[("MAIL_ENCRYPTION", "tls")]), MailEncryption::StartTls);
        assert_eq!(encryption(&[("MAIL_ENCRYPTION", "null")]), MailEncryption::None);
    }
}
