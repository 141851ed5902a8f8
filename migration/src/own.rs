//! Tables of guichet itself, beside those of the shop: sessions, what signing in remembers, and restrictions of keys.
//!
//! [`OWN`] records what it has applied in `guichet_own_migrations`, apart from the migrations of the shop's
//! schema, which guichet doesn't apply to a shop of the original.

use sea_orm::sea_query::{
    ColumnDef, Index, MysqlQueryBuilder, PostgresQueryBuilder, SqliteQueryBuilder, Table,
    TableCreateStatement,
};
use sea_orm::{DatabaseConnection, DbBackend};

use crate::migrator::{Error, Migrator, Step};

const SESSIONS: &str = "guichet_sessions";
const SIGN_INS: &str = "guichet_sign_ins";
const TOTP_STEPS: &str = "guichet_totp_steps";
const KEY_RESTRICTIONS: &str = "guichet_key_restrictions";

/// Names of guichet's own tables, without the one that records migrations.
pub const OWN_TABLES: [&str; 4] = [SESSIONS, SIGN_INS, TOTP_STEPS, KEY_RESTRICTIONS];

/// Brings guichet's own tables to the version that this program knows.
pub const OWN: Migrator = Migrator { table: "guichet_own_migrations", steps: &[SIGNING_IN, RESTRICTED_KEYS] };

/// Whether the tables for signing in exist, be it those of an earlier program.
///
/// # Errors
/// When the database fails, or a newer program has made further tables.
pub async fn may_sign_in(db: &DatabaseConnection) -> Result<bool, Error> {
    Ok(OWN.applied(db).await?.iter().any(|step| step.name == SIGNING_IN.name))
}

/// Sessions, the networks that accounts signed in from, and the codes of authenticator apps that were used.
const SIGNING_IN: Step = Step {
    name: "m20261128_000001_signing_in",
    // Sessions that an earlier program keeps in another form end.
    up: |backend| {
        let made = signing_in().into_iter().map(|table| written(backend, &table));
        [drop(SESSIONS)].into_iter().chain(made).collect()
    },
    down: |_| [SESSIONS, SIGN_INS, TOTP_STEPS].map(drop).into(),
};

/// What single API keys may not do.
const RESTRICTED_KEYS: Step = Step {
    name: "m20261130_000001_key_restrictions",
    up: |backend| vec![written(backend, &key_restrictions())],
    down: |_| vec![drop(KEY_RESTRICTIONS)],
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

fn drop(table: &str) -> String {
    format!("DROP TABLE IF EXISTS {table}")
}

fn written(backend: DbBackend, statement: &TableCreateStatement) -> String {
    match backend {
        DbBackend::MySql => statement.to_string(MysqlQueryBuilder),
        DbBackend::Postgres => statement.to_string(PostgresQueryBuilder),
        _ => statement.to_string(SqliteQueryBuilder),
    }
}
