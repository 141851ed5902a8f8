//! Tables of guichet itself, beside those of the shop: sessions, what signing in remembers, restrictions of keys, which
//! key replaced which, and the outbox.
//!
//! [`OWN`] records what it has applied in `guichet_own_migrations`, apart from the migrations of the shop's
//! schema, which guichet doesn't apply to a shop of the original.

use sea_orm::sea_query::{
    ColumnDef, Index, IndexCreateStatement, MysqlQueryBuilder, PostgresQueryBuilder, SqliteQueryBuilder,
    Table, TableCreateStatement,
};
use sea_orm::{DatabaseConnection, DbBackend};

use crate::migrator::{Error, Migrator, Step};

const SESSIONS: &str = "guichet_sessions";
const SIGN_INS: &str = "guichet_sign_ins";
const TOTP_STEPS: &str = "guichet_totp_steps";
const KEY_RESTRICTIONS: &str = "guichet_key_restrictions";
const KEY_ROTATIONS: &str = "guichet_key_rotations";
const OUTBOX: &str = "guichet_outbox";

/// Names of guichet's own tables, without the one that records migrations.
pub const OWN_TABLES: [&str; 6] = [SESSIONS, SIGN_INS, TOTP_STEPS, KEY_RESTRICTIONS, KEY_ROTATIONS, OUTBOX];

/// Brings guichet's own tables to the version that this program knows.
pub const OWN: Migrator = Migrator {
    table: "guichet_own_migrations",
    steps: &[SIGNING_IN, RESTRICTED_KEYS, ROTATED_KEYS, OUTGOING],
};

/// Whether the tables for signing in exist, be it those of an earlier program.
///
/// # Errors
/// When the database fails, or a newer program has made further tables.
pub async fn may_sign_in(db: &DatabaseConnection) -> Result<bool, Error> {
    is_applied(db, &SIGNING_IN).await
}

/// Whether the table of restrictions exists, be it that of an earlier program.
///
/// # Errors
/// As [`may_sign_in`].
pub async fn may_restrict_keys(db: &DatabaseConnection) -> Result<bool, Error> {
    is_applied(db, &RESTRICTED_KEYS).await
}

/// Whether the table of keys that replaced others exists, be it that of an earlier program.
///
/// # Errors
/// As [`may_sign_in`].
pub async fn may_rotate_keys(db: &DatabaseConnection) -> Result<bool, Error> {
    is_applied(db, &ROTATED_KEYS).await
}

/// Whether the outbox exists, be it that of an earlier program.
///
/// # Errors
/// As [`may_sign_in`].
pub async fn has_outbox(db: &DatabaseConnection) -> Result<bool, Error> {
    is_applied(db, &OUTGOING).await
}

async fn is_applied(db: &DatabaseConnection, step: &Step) -> Result<bool, Error> {
    Ok(OWN.applied(db).await?.iter().any(|applied| applied.name == step.name))
}

/// Sessions, the networks that accounts signed in from, and the codes of authenticator apps that were used.
const SIGNING_IN: Step = Step {
    name: "m20261128_000001_signing_in",
    // Sessions that an earlier program keeps in another form end.
    up: |backend| {
        let made = signing_in().into_iter().map(|table| written(backend, &table));
        [drop_table(SESSIONS)].into_iter().chain(made).collect()
    },
    down: |_| [SESSIONS, SIGN_INS, TOTP_STEPS].map(drop_table).into(),
};

/// What single API keys may not do.
const RESTRICTED_KEYS: Step = Step {
    name: "m20261130_000001_key_restrictions",
    up: |backend| vec![written(backend, &key_restrictions())],
    down: |_| vec![drop_table(KEY_RESTRICTIONS)],
};

/// Mails and webhooks that are to be sent.
const OUTGOING: Step = Step {
    name: "m20261130_000003_outbox",
    up: |backend| {
        let mut table = outbox();
        let mut indexes = outbox_indexes();
        // MySQL makes no index that may be there already, and the others make none together with the table.
        if backend == DbBackend::MySql {
            for mut index in indexes.drain(..) {
                table.index(&mut index);
            }
        }
        let indexes = indexes.iter_mut().map(|index| index_written(backend, index.if_not_exists()));
        [written(backend, &table)].into_iter().chain(indexes).collect()
    },
    down: |_| vec![drop_table(OUTBOX)],
};

/// Which API key replaced which.
const ROTATED_KEYS: Step = Step {
    name: "m20261130_000002_key_rotations",
    up: |backend| vec![written(backend, &key_rotations())],
    down: |_| vec![drop_table(KEY_ROTATIONS)],
};

/// Times are in Unix seconds, those of refreshing in milliseconds; hashes are SHA-256 in hexadecimal.
fn signing_in() -> Vec<TableCreateStatement> {
    let owner = || vec![text("owner_type", 16), number("owner_id")];
    vec![
        table(
            SESSIONS,
            &["owner_type", "owner_id", "id"],
            [
                owner(),
                vec![
                    text("id", 40),
                    text("family_hash", 64),
                    text("refresh_hash", 64),
                    number("generation"),
                    number("refreshed_at"),
                    text("client_hash", 64),
                    text("password_mark", 64),
                    number("created_at"),
                    number("expires_at"),
                ],
            ]
            .concat(),
        ),
        table(
            SIGN_INS,
            &["owner_type", "owner_id", "network_hash"],
            [owner(), vec![text("network_hash", 64), number("signed_in_at")]].concat(),
        ),
        table(TOTP_STEPS, &["owner_type", "owner_id"], [owner(), vec![number("step")]].concat()),
    ]
}

/// A number that is 0 stands for none; `read_only` is 0 or 1.
fn key_restrictions() -> TableCreateStatement {
    let columns = vec![
        text("key_hash", 64),
        text("addresses", 2000),
        number("requests_per_minute"),
        number("read_only"),
        text("note", 255),
    ];
    table(KEY_RESTRICTIONS, &["key_hash"], columns)
}

/// The end that a replaced key had before; 0 stands for none.
fn key_rotations() -> TableCreateStatement {
    let columns = vec![text("key_hash", 64), text("successor_hash", 64), number("ends_at")];
    table(KEY_ROTATIONS, &["key_hash"], columns)
}

/// Times are in Unix milliseconds; a number that is 0 and a text that is empty stand for none.
fn outbox() -> TableCreateStatement {
    let key = ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key().to_owned();
    let columns = [
        key,
        text("message_id", 64),
        text("kind", 16),
        text("record", 64),
        text("event", 64),
        number("mail_id"),
        text("target", 2000),
        ColumnDef::new("body").text().not_null().to_owned(),
        number("created_at"),
        text("state", 16),
        number("attempts"),
        number("due_at"),
        number("gives_up_at"),
        text("lease", 40),
        number("leased_until"),
        text("error", 500),
    ];
    let mut table = Table::create();
    for mut column in columns {
        table.col(&mut column);
    }
    table.table(OUTBOX).if_not_exists().to_owned()
}

/// What is due, and what stands before a row of the same record.
fn outbox_indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table(OUTBOX);
        for column in columns {
            index.col(*column);
        }
        index
    };
    vec![
        index("guichet_outbox_due", &["state", "due_at"]),
        index("guichet_outbox_order", &["record", "kind", "state", "id"]),
    ]
}

fn text(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).not_null().to_owned()
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().to_owned()
}

fn table(name: &'static str, key: &[&'static str], columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut primary = Index::create();
    for column in key {
        primary.col(*column);
    }
    let mut table = Table::create();
    for mut column in columns {
        table.col(&mut column);
    }
    table.table(name).if_not_exists().primary_key(&mut primary).to_owned()
}

fn drop_table(table: &str) -> String {
    format!("DROP TABLE IF EXISTS {table}")
}

fn written(backend: DbBackend, statement: &TableCreateStatement) -> String {
    match backend {
        DbBackend::MySql => statement.to_string(MysqlQueryBuilder),
        DbBackend::Postgres => statement.to_string(PostgresQueryBuilder),
        _ => statement.to_string(SqliteQueryBuilder),
    }
}

fn index_written(backend: DbBackend, statement: &IndexCreateStatement) -> String {
    match backend {
        DbBackend::MySql => statement.to_string(MysqlQueryBuilder),
        DbBackend::Postgres => statement.to_string(PostgresQueryBuilder),
        _ => statement.to_string(SqliteQueryBuilder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The user of an operator who makes the tables has no rights on a sequence of its own.
    #[test]
    fn keys_of_the_outbox_come_from_the_table() {
        let made = |backend| (OUTGOING.up)(backend).join("; ");
        let postgres = made(DbBackend::Postgres);
        assert!(postgres.contains("GENERATED") && !postgres.contains("serial"), "{postgres}");
        assert!(made(DbBackend::Sqlite).contains("AUTOINCREMENT"), "no key is given twice");
        assert_eq!((OUTGOING.up)(DbBackend::MySql).len(), 1);
    }
}
