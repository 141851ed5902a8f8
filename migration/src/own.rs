//! Tables of guichet itself, beside those of the shop: sessions, and what signing in remembers.
//!
//! The [`OwnMigrator`] records what it has applied in `guichet_own_migrations`, apart from the migrations of the
//! shop's schema, which guichet doesn't apply to a shop of the original.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, Schema};
use sea_orm_migration::seaql_migrations;

/// The table that records which migrations of them were applied.
pub const OWN_MIGRATION_TABLE: &str = "guichet_own_migrations";
const SESSIONS: &str = "guichet_sessions";

/// Names of guichet's own tables, without the one that records migrations.
pub const OWN_TABLES: [&str; 3] = [SESSIONS, "guichet_sign_ins", "guichet_totp_steps"];

/// Brings guichet's own tables to the version that this program knows.
pub struct OwnMigrator;

impl MigratorTrait for OwnMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(SigningIn)]
    }

    fn migration_table_name() -> DynIden {
        OWN_MIGRATION_TABLE.into_iden()
    }
}

/// The statements that make all of them and the table that records it, for an operator whose guichet may make no
/// tables.
#[must_use]
pub fn own_statements(backend: DbBackend) -> Vec<String> {
    let mut records = Schema::new(backend).create_table_from_entity(seaql_migrations::Entity);
    records.if_not_exists().table(OWN_MIGRATION_TABLE);
    let made = signing_in().into_iter().map(|table| written(backend, &table));
    [written(backend, &records)].into_iter().chain(made).collect()
}

/// The statements that record all migrations as applied. They come last.
#[must_use]
pub fn own_migration_records() -> Vec<String> {
    let steps = OwnMigrator::migrations().into_iter();
    let noted = steps.map(|step| {
        let name = step.name();
        format!(
            "INSERT INTO {OWN_MIGRATION_TABLE} (version, applied_at) SELECT '{name}', 0 \
             WHERE NOT EXISTS (SELECT 1 FROM {OWN_MIGRATION_TABLE} WHERE version = '{name}')"
        )
    });
    noted.collect()
}

/// Sessions, the networks that accounts signed in from, and the codes of authenticator apps that were used.
struct SigningIn;

impl MigrationName for SigningIn {
    fn name(&self) -> &'static str {
        "m20261128_000001_signing_in"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SigningIn {
    /// Sessions that an earlier program keeps in another form end.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop(SESSIONS)).await?;
        for table in signing_in() {
            manager.create_table(table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in OWN_TABLES {
            manager.drop_table(drop(name)).await?;
        }
        Ok(())
    }
}

/// Times are in Unix seconds, those of refreshing in milliseconds; hashes are SHA-256 in hexadecimal.
fn signing_in() -> Vec<TableCreateStatement> {
    let [sessions, sign_ins, totp_steps] = OWN_TABLES;
    let text =
        |name: &'static str, length: u32| ColumnDef::new(name).string_len(length).not_null().to_owned();
    let number = |name: &'static str| ColumnDef::new(name).big_integer().not_null().to_owned();
    let table = |name: &'static str, key: &[&'static str], columns: Vec<ColumnDef>| {
        let mut primary = Index::create();
        for column in key {
            primary.col(*column);
        }
        let mut table = Table::create();
        for mut column in columns {
            table.col(&mut column);
        }
        table.table(name).if_not_exists().primary_key(&mut primary).to_owned()
    };
    let owner = || vec![text("owner_type", 16), number("owner_id")];
    vec![
        table(
            sessions,
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
            sign_ins,
            &["owner_type", "owner_id", "network_hash"],
            [owner(), vec![text("network_hash", 64), number("signed_in_at")]].concat(),
        ),
        table(totp_steps, &["owner_type", "owner_id"], [owner(), vec![number("step")]].concat()),
    ]
}

fn drop(name: &'static str) -> TableDropStatement {
    Table::drop().table(name).if_exists().to_owned()
}

fn written(backend: DbBackend, statement: &impl SchemaStatementBuilder) -> String {
    match backend {
        DbBackend::MySql => statement.to_string(MysqlQueryBuilder),
        DbBackend::Postgres => statement.to_string(PostgresQueryBuilder),
        _ => statement.to_string(SqliteQueryBuilder),
    }
}
