//! SQL statements, which are written once with `?` for each value and converted for each database.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::store::Value;

/// The placeholder for a list of keys.
const KEYS: &str = "IN (?)";
/// Number of lengths of key lists that have a text: powers of two up to 4096.
const KEY_COUNT_POWERS: u32 = 13;

/// The differences between databases.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    MySql,
    Postgres,
    Sqlite,
}

impl Dialect {
    /// A column in descending order, rows without a value last.
    pub fn descending(self, column: &str) -> String {
        match self {
            Self::Postgres => format!("{column} DESC NULLS LAST"),
            Self::MySql | Self::Sqlite => format!("{column} DESC"),
        }
    }
}

/// A statement.
pub struct Sql {
    /// Texts by the power of two that the number of keys is rounded up to; one text where there is no list of keys.
    texts: Vec<Arc<str>>,
}

impl Sql {
    pub fn new(dialect: Dialect, text: &str) -> Self {
        if dialect == Dialect::Postgres {
            return Self { texts: vec![numbered(&text.replace(KEYS, "= ANY(?)")).into()] };
        }
        if !text.contains(KEYS) {
            return Self { texts: vec![text.into()] };
        }
        let list = |power: u32| format!("IN (?{})", ", ?".repeat((1 << power) - 1));
        Self { texts: (0..KEY_COUNT_POWERS).map(|power| text.replace(KEYS, &list(power)).into()).collect() }
    }

    /// The text for these values.
    pub fn text(&self, values: &[Value<'_>]) -> SqlStr {
        let keys = values.iter().find_map(|value| match value {
            Value::Keys(keys) => Some(keys.len()),
            _ => None,
        });
        let power = match keys {
            Some(keys) if self.texts.len() > 1 => keys.next_power_of_two().trailing_zeros() as usize,
            _ => 0,
        };
        AssertSqlSafe(Arc::clone(&self.texts[power])).into_sql_str()
    }
}

/// Replaces `?` by PostgreSQL's numbered placeholders.
fn numbered(text: &str) -> String {
    let mut parts = text.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.enumerate().fold(first, |text, (at, part)| format!("{text}${}{part}", at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgresql_numbers_its_values_and_takes_keys_as_a_list() {
        let sql = Sql::new(Dialect::Postgres, "SELECT id FROM a WHERE b = ? AND c IN (?) LIMIT ?");
        assert_eq!(&*sql.texts[0], "SELECT id FROM a WHERE b = $1 AND c = ANY($2) LIMIT $3");
    }

    #[test]
    fn numbers_of_keys_are_powers_of_two() {
        let sql = Sql::new(Dialect::MySql, "SELECT id FROM a WHERE b IN (?)");
        let text = |keys: &[i64]| sql.text(&[Value::Keys(keys)]).as_str().to_owned();
        assert_eq!(text(&[1]), "SELECT id FROM a WHERE b IN (?)");
        assert_eq!(text(&[1, 2, 3]), "SELECT id FROM a WHERE b IN (?, ?, ?, ?)");
    }
}
