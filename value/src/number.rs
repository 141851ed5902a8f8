//! Numbers: keys, integers, flags and amounts of money.

use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::cell::{cell, column_value, double, non_null};

/// A key of a row, or a reference to one. Reads integer columns of any width and sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub i64);

impl From<i64> for Id {
    fn from(key: i64) -> Self {
        Self(key)
    }
}

column_value!(Id as BigInt(BigInteger), into: |id: Id| id.0, from: Id);

impl TryGetable for Id {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        cell(row, index).map(Id)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFromU64 for Id {
    fn try_from_u64(n: u64) -> Result<Self, DbErr> {
        i64::try_from(n).map(Id).map_err(|e| DbErr::TryIntoErr {
            from: "u64",
            into: "Id",
            source: std::sync::Arc::new(e),
        })
    }
}

/// A whole number that is no key: a quantity, a port, a position. Reads columns of any width and sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Int(pub i64);

impl From<i64> for Int {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

column_value!(Int as BigInt(BigInteger), into: |int: Int| int.0, from: Int);

impl TryGetable for Int {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        cell(row, index).map(Int)
    }
}

/// A boolean that the shop stores as `0` or `1` and that REST prints so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flag(pub bool);

impl From<bool> for Flag {
    fn from(truth: bool) -> Self {
        Self(truth)
    }
}

column_value!(Flag as Bool(Boolean), into: |flag: Flag| flag.0, from: Flag);

impl TryGetable for Flag {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        cell(row, index).map(Flag)
    }
}

/// An amount of money in a `double` column that is shown with two decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Amount(pub f64);

column_value!(Amount as Double(Double), into: |amount: Amount| amount.0, from: Amount);

impl TryGetable for Amount {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        double(row, index).map(Amount)
    }
}

/// An amount of money in a single-precision `float` column.
///
/// It is read as the shortest decimal that identifies the stored number, so 2.99 stays 2.99.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Price(pub f64);

column_value!(Price as Double(Float), into: |price: Price| single_or_zero(price.0), from: Price);

impl Price {
    /// The shortest decimal for a double that is a widened single; any other double unchanged.
    #[must_use]
    pub fn shortest(double: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "whether it loses anything is the question")]
        let single = double as f32;
        if f64::from(single) != double {
            return double;
        }
        zmij::Buffer::new().format(single).parse().unwrap_or(double)
    }
}

/// Zero for prices that are too small for single precision; PostgreSQL would refuse them.
fn single_or_zero(price: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "whether anything is left is the question")]
    let single = price as f32;
    if single == 0.0 { 0.0 } else { price }
}

impl TryGetable for Price {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        if row.try_as_pg_row().is_some() {
            return f32::try_get_by(row, index).map(|single| Price(Self::shortest(f64::from(single))));
        }
        // Older shops have `double(10,2)` here, and SQLite has only doubles.
        double(row, index).map(|double| Price(Self::shortest(double)))
    }
}

/// A `decimal` with two decimals: MariaDB sends it as text, the other databases as a double.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Decimal2(pub f64);

column_value!(Decimal2 as Double(Double), into: |decimal: Decimal2| decimal.0, from: Decimal2);

impl TryGetable for Decimal2 {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let Some(mysql) = row.try_as_mysql_row() else {
            return double(row, index).map(Decimal2);
        };
        let text: String = non_null(mysql.try_get_unchecked(index.as_sqlx_mysql_index()), index)?;
        text.parse().map(Decimal2).map_err(|_| DbErr::Type(format!("`{text}` is no decimal number")).into())
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Value;
    use sea_orm::sea_query::ValueType;

    use super::*;

    #[test]
    fn a_widened_single_reads_as_its_shortest_decimal() {
        for price in [2.99_f32, 0.1, 109.9, 4.99, 12345.67, 0.0, -1.5, f32::MAX, f32::MIN_POSITIVE] {
            assert_eq!(Price::shortest(f64::from(price)).to_string(), price.to_string());
        }
    }

    #[test]
    fn a_true_double_is_left_alone() {
        for price in [2.99_f64, 0.1, 12_345.678_9, 1e300] {
            assert!((Price::shortest(price) - price).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn values_survive_the_way_there_and_back() {
        assert_eq!(<Id as ValueType>::unwrap(Value::from(Id(7))), Id(7));
        assert_eq!(<Int as ValueType>::unwrap(Value::from(Int(-1))), Int(-1));
        assert_eq!(<Flag as ValueType>::unwrap(Value::from(Flag(true))), Flag(true));
        assert_eq!(<Price as ValueType>::unwrap(Value::from(Price(2.99))), Price(2.99));
        assert_eq!(<Option<Id> as ValueType>::unwrap(Value::from(None::<Id>)), None);
    }

    #[test]
    fn a_key_beyond_i64_is_an_error() {
        assert_eq!(Id::try_from_u64(5).ok(), Some(Id(5)));
        assert!(Id::try_from_u64(u64::MAX).is_err());
    }
}
