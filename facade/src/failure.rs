//! Classifies database errors: lost connection, ended transaction, unavailable, read-only, missing table, wrong statement.

use std::io::{self, ErrorKind};

use sea_orm::{DbErr, RuntimeErr};
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// MySQL and MariaDB: the node of a cluster is not ready, the server shuts down or has killed this connection.
const MYSQL_LOST: [u16; 6] = [1047, 1053, 1079, 1080, 1184, 1927];
/// MySQL and MariaDB: a lock timeout, a deadlock or a conflict with another node of a cluster, a rollback during the
/// commit.
const MYSQL_ENDED: [u16; 3] = [1205, 1213, 3101];
/// MySQL and MariaDB: too many connections, a failed commit, a statement that was killed or timed out, a full disk.
const MYSQL_BUSY: [u16; 9] = [1021, 1040, 1114, 1180, 1203, 1226, 1317, 1969, 3024];
/// MySQL and MariaDB: the session, the server or the schema is read-only.
const MYSQL_READ_ONLY: [u16; 3] = [1290, 1792, 1836];
/// MySQL and MariaDB: no such table, no such column, a column that has lost its default or does not count up any more.
const MYSQL_ABSENT: [u16; 3] = [1146, 1054, 1364];
/// PostgreSQL: no such table, no such column.
const POSTGRES_ABSENT: [&str; 2] = ["42P01", "42703"];
/// PostgreSQL: null in a column that takes none. In a key that means that the column does not count up any more.
const POSTGRES_NULL: &str = "23502";
const KEY: &str = "id";
/// SQLite has one code for all wrong statements; these texts in its message tell a missing table or column.
const SQLITE_ABSENT: [&str; 3] = ["no such table", "no such column", "has no column named"];
/// PostgreSQL: shutting down, crashed, starting.
const POSTGRES_LOST: [&str; 3] = ["57P01", "57P02", "57P03"];
/// PostgreSQL: a lock timeout, a serialization failure, a deadlock.
const POSTGRES_ENDED: [&str; 3] = ["55P03", "40001", "40P01"];
/// PostgreSQL: cancelled or timed out.
const POSTGRES_BUSY: [&str; 1] = ["57014"];
/// PostgreSQL: error classes of connection exceptions and of insufficient resources.
const POSTGRES_LOST_CLASS: &str = "08";
const POSTGRES_BUSY_CLASS: &str = "53";
const POSTGRES_READ_ONLY: &str = "25006";
/// SQLite: busy, locked.
const SQLITE_ENDED: [i32; 2] = [5, 6];
/// SQLite: an I/O error, a full disk, a file that cannot be opened.
const SQLITE_BUSY: [i32; 3] = [10, 13, 14];
const SQLITE_READ_ONLY: i32 = 8;

/// What a database error means for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connection is broken; a new one may work at once.
    Lost,
    /// The database has ended the transaction, or the statement, in favour of another one. It can be run again.
    Ended,
    /// The database does not answer, or not in time.
    Unavailable,
    /// No connection can be made: wrong database name, user or password, no encryption, or a certificate that is not
    /// trusted.
    Refused,
    /// The database is read-only.
    ReadOnly,
    /// The database lacks a table or a column, or what makes the values of one.
    Absent,
    /// The statement itself is wrong.
    Statement,
}

/// The error of a statement that ran on a server which was left before it answered.
pub fn left() -> DbErr {
    let error = sqlx::Error::Io(io::Error::new(ErrorKind::ConnectionAborted, "the database server was left"));
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

impl Failure {
    /// Whether the failure of a statement has ended its transaction, which has changed nothing and can be run again.
    pub fn ends_transaction(self) -> bool {
        matches!(self, Self::Lost | Self::Ended)
    }
}

/// Classifies an error.
pub fn of(error: &DbErr) -> Failure {
    match error {
        DbErr::ConnectionAcquire(_) => Failure::Unavailable,
        DbErr::Conn(RuntimeErr::SqlxError(error)) if is_untrusted(error) => Failure::Refused,
        DbErr::Conn(RuntimeErr::SqlxError(error)) => match of_sqlx(error) {
            Failure::Statement => Failure::Refused,
            failure => failure,
        },
        DbErr::Conn(_) => Failure::Unavailable,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            of_sqlx(error)
        }
        _ => Failure::Statement,
    }
}

/// Whether the TLS handshake failed. A certificate that is not trusted is reported as [`ErrorKind::InvalidData`].
fn is_untrusted(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == ErrorKind::InvalidData,
        _ => false,
    }
}

fn of_sqlx(error: &sqlx::Error) -> Failure {
    match error {
        // What breaks the protocol is no database: a proxy whose servers are away, or something else at that address.
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            Failure::Lost
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::BeginFailed => {
            Failure::Unavailable
        }
        sqlx::Error::Database(error) => of_database(error.as_ref()),
        _ => Failure::Statement,
    }
}

fn of_database(error: &dyn DatabaseError) -> Failure {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return mysql(error.number());
    }
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        let is_uncounted = error.code() == POSTGRES_NULL && error.column() == Some(KEY);
        return if is_uncounted { Failure::Absent } else { postgres(error.code()) };
    }
    if error.try_downcast_ref::<SqliteError>().is_some() {
        if SQLITE_ABSENT.iter().any(|text| error.message().contains(text)) {
            return Failure::Absent;
        }
        return error.code().and_then(|code| code.parse().ok()).map_or(Failure::Statement, sqlite);
    }
    Failure::Statement
}

fn mysql(number: u16) -> Failure {
    match number {
        // 1158 to 1161: reading from or writing to the network failed.
        _ if MYSQL_LOST.contains(&number) || (1158..=1161).contains(&number) => Failure::Lost,
        _ if MYSQL_ENDED.contains(&number) => Failure::Ended,
        _ if MYSQL_BUSY.contains(&number) => Failure::Unavailable,
        _ if MYSQL_READ_ONLY.contains(&number) => Failure::ReadOnly,
        _ if MYSQL_ABSENT.contains(&number) => Failure::Absent,
        _ => Failure::Statement,
    }
}

fn postgres(code: &str) -> Failure {
    match code {
        _ if POSTGRES_LOST.contains(&code) || code.starts_with(POSTGRES_LOST_CLASS) => Failure::Lost,
        _ if POSTGRES_ENDED.contains(&code) => Failure::Ended,
        _ if POSTGRES_BUSY.contains(&code) || code.starts_with(POSTGRES_BUSY_CLASS) => Failure::Unavailable,
        _ if POSTGRES_ABSENT.contains(&code) => Failure::Absent,
        POSTGRES_READ_ONLY => Failure::ReadOnly,
        _ => Failure::Statement,
    }
}

/// Extended result codes hold the primary code in their low byte.
fn sqlite(code: i32) -> Failure {
    match code & 0xff {
        code if SQLITE_ENDED.contains(&code) => Failure::Ended,
        code if SQLITE_BUSY.contains(&code) => Failure::Unavailable,
        SQLITE_READ_ONLY => Failure::ReadOnly,
        _ => Failure::Statement,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnAcquireErr;

    use super::*;

    fn query(error: sqlx::Error) -> Failure {
        of(&DbErr::Query(RuntimeErr::SqlxError(error.into())))
    }

    #[test]
    fn a_connection_that_broke_is_lost() {
        for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe, io::ErrorKind::UnexpectedEof]
        {
            assert_eq!(query(sqlx::Error::Io(kind.into())), Failure::Lost);
        }
        assert_eq!(query(sqlx::Error::Protocol("unexpected response from SSLRequest".into())), Failure::Lost);
        assert_eq!([mysql(1053), mysql(1927), mysql(1160)], [Failure::Lost; 3]);
        assert_eq!([postgres("57P01"), postgres("08006")], [Failure::Lost; 2]);
    }

    #[test]
    fn a_database_that_is_busy_or_closed_is_unavailable() {
        let acquire = |error| of(&DbErr::ConnectionAcquire(error));
        assert_eq!(acquire(ConnAcquireErr::Timeout), Failure::Unavailable);
        assert_eq!(acquire(ConnAcquireErr::ConnectionClosed), Failure::Unavailable);
        assert_eq!(query(sqlx::Error::PoolTimedOut), Failure::Unavailable);
        assert_eq!(query(sqlx::Error::PoolClosed), Failure::Unavailable);
        assert_eq!([mysql(1040), mysql(1180), mysql(1969)], [Failure::Unavailable; 3]);
        assert_eq!([postgres("53300"), postgres("57014")], [Failure::Unavailable; 2]);
        assert_eq!(sqlite(13), Failure::Unavailable);
    }

    #[test]
    fn what_made_way_for_another_transaction_can_be_run_again() {
        assert_eq!([mysql(1205), mysql(1213), mysql(3101)], [Failure::Ended; 3]);
        assert_eq!([postgres("40001"), postgres("40P01"), postgres("55P03")], [Failure::Ended; 3]);
        assert_eq!([sqlite(5), sqlite(6), sqlite(517)], [Failure::Ended; 3]);
    }

    #[test]
    fn a_database_that_takes_no_writes_says_so() {
        assert_eq!([mysql(1792), postgres("25006"), sqlite(8), sqlite(1032)], [Failure::ReadOnly; 4]);
    }

    #[test]
    fn a_database_that_lets_nobody_in_is_told_apart() {
        for wrong in [
            sqlx::Error::Configuration("no such thing".into()),
            sqlx::Error::Tls("server does not support TLS".into()),
            sqlx::Error::Io(io::Error::new(
                ErrorKind::InvalidData,
                "invalid peer certificate: UnknownIssuer",
            )),
        ] {
            assert_eq!(of(&DbErr::Conn(RuntimeErr::SqlxError(wrong.into()))), Failure::Refused);
        }
    }

    #[test]
    fn a_wrong_statement_is_our_own_fault() {
        assert_eq!([mysql(1146), mysql(1054), mysql(1364), postgres("42P01")], [Failure::Absent; 4]);
        assert_eq!([mysql(1064), postgres("42601"), sqlite(1)], [Failure::Statement; 3]);
        assert_eq!(query(sqlx::Error::RowNotFound), Failure::Statement);
    }
}
