//! Mails: whether guichet sends them, and what is left in the outbox.

use sea_orm::{DatabaseConnection, DbErr};

use super::Finding;
use crate::platform::config::Config;
use crate::server::outbox::Mailer;
use crate::shop::outbox::{self, GIVEN_UP, MAIL};

const CHECK: &str = "mail";

/// Whether the mail server answers and takes the password.
pub(super) async fn server(config: &Config) -> Finding {
    let Some(server) = &config.mail else {
        return Finding::ok(
            CHECK,
            "GUICHET_MAIL=off: mails are written into email_messages, and guichet sends none",
        );
    };
    if config.read_only {
        return Finding::ok(CHECK, "a server that is read-only sends no mails");
    }
    let name = format!("{}:{}", server.host, server.port);
    let checked = match Mailer::new(server) {
        Ok(mailer) => mailer.check().await,
        Err(error) => Err(error.cause().map_or_else(|| error.to_string(), ToString::to_string)),
    };
    match checked {
        Ok(()) => Finding::ok(CHECK, format!("{name} takes mails")),
        Err(error) => Finding::warning(
            CHECK,
            format!("{name} takes no mails: {error}"),
            "start it, or correct MAIL_HOST, MAIL_PORT, MAIL_SCHEME, MAIL_USERNAME, MAIL_PASSWORD or GUICHET_MAIL_CA",
        ),
    }
}

/// What was given up, and mails that wait although none is sent.
pub(super) async fn backlog(config: &Config, db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    if !migration::has_outbox(db).await.unwrap_or(false) {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    for backlog in outbox::backlog(db).await? {
        let (rows, kind) = (backlog.rows, backlog.kind.as_str());
        let [ending, was, wait] = if rows == 1 { ["", "was", "waits"] } else { ["s", "were", "wait"] };
        if backlog.state == GIVEN_UP {
            findings.push(Finding::warning(
                "outbox",
                format!("{rows} {kind}{ending} {was} given up"),
                "guichet outbox list --given-up tells why; then guichet outbox retry or drop",
            ));
        } else if kind == MAIL && config.mail.is_none() {
            findings.push(Finding::warning(
                "outbox",
                format!("{rows} mail{ending} {wait}, and GUICHET_MAIL is off"),
                "GUICHET_MAIL=smtp, or guichet outbox drop",
            ));
        }
    }
    Ok(findings)
}
