//! Rows whose columns are read by position, and the values of their columns.

use chrono::{NaiveDate, NaiveDateTime};
use sea_orm::sea_query::ColumnType;
use sea_orm::{DbErr, QueryResult, RuntimeErr, Value};
use sqlx::{ColumnIndex, Decode, TypeInfo, ValueRef};
use value::Id;

use super::record_type::RecordType;

/// The value of one column in one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'r> {
    /// Null.
    Null,
    /// A whole number of any width.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// A number with a fraction. One of single precision is widened.
    Float(f64),
    /// A text.
    Text(&'r str),
    /// A date and time without a zone.
    Local(NaiveDateTime),
    /// A day.
    Day(NaiveDate),
}

impl<'r> Cell<'r> {
    /// Whether there is no value.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// The whole number; nothing for any other value.
    pub fn int(self) -> Option<i64> {
        if let Self::Int(number) = self { Some(number) } else { None }
    }

    /// The text; nothing for any other value.
    pub fn text(self) -> Option<&'r str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number with a fraction; nothing for any other value.
    pub fn float(self) -> Option<f64> {
        if let Self::Float(number) = self { Some(number) } else { None }
    }

    /// The truth value; nothing for any other value.
    pub fn bool(self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(truth) } else { None }
    }

    /// The date and time; nothing for any other value.
    pub fn local(self) -> Option<NaiveDateTime> {
        if let Self::Local(at) = self { Some(at) } else { None }
    }

    fn of_value(value: &'r Value) -> Self {
        let cell = match value {
            Value::TinyInt(number) => number.map(|number| Self::Int(number.into())),
            Value::SmallInt(number) => number.map(|number| Self::Int(number.into())),
            Value::Int(number) => number.map(|number| Self::Int(number.into())),
            Value::BigInt(number) => number.map(Self::Int),
            Value::Bool(truth) => truth.map(Self::Bool),
            Value::Float(number) => number.map(|number| Self::Float(number.into())),
            Value::Double(number) => number.map(Self::Float),
            Value::String(text) => text.as_deref().map(Self::Text),
            Value::ChronoDateTime(at) => at.map(Self::Local),
            Value::ChronoDate(day) => day.map(Self::Day),
            _ => None,
        };
        cell.unwrap_or(Self::Null)
    }
}

/// The type of the cells of a column, and so how they are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    /// A whole number of any width and sign, up to 63 bits.
    Int,
    /// True or false.
    Bool,
    /// A number with a fraction, exact decimals included.
    Float,
    /// A text or a word of an enumeration.
    Text,
    /// A date and time without a zone.
    Local,
    /// A day.
    Day,
}

impl CellType {
    /// The type of the cells of a column that is declared as `ty`.
    pub fn of(ty: &ColumnType) -> Self {
        match ty {
            ColumnType::Boolean => Self::Bool,
            ColumnType::Float | ColumnType::Double | ColumnType::Decimal(_) => Self::Float,
            ColumnType::DateTime | ColumnType::Timestamp | ColumnType::TimestampWithTimeZone => Self::Local,
            ColumnType::Date => Self::Day,
            ColumnType::TinyInteger
            | ColumnType::SmallInteger
            | ColumnType::Integer
            | ColumnType::BigInteger
            | ColumnType::TinyUnsigned
            | ColumnType::SmallUnsigned
            | ColumnType::Unsigned
            | ColumnType::BigUnsigned => Self::Int,
            _ => Self::Text,
        }
    }

    /// The cell at a position of a row.
    ///
    /// # Errors
    /// When the value has another type than the column.
    pub(super) fn read(self, row: &QueryResult, at: usize) -> Result<Cell<'_>, DbErr> {
        let cell = if let Some(row) = row.try_as_mysql_row() {
            self.decode(row, at, |value: sqlx::mysql::MySqlValueRef<'_>| {
                // An exact decimal travels as text.
                if value.type_info().name() == "DECIMAL" {
                    return Ok(<&str as Decode<sqlx::MySql>>::decode(value)?.parse()?);
                }
                Decode::<sqlx::MySql>::decode(value)
            })
        } else if let Some(row) = row.try_as_pg_row() {
            self.decode(row, at, |value: sqlx::postgres::PgValueRef<'_>| {
                if value.type_info().name() == "FLOAT4" {
                    return Ok(<f32 as Decode<sqlx::Postgres>>::decode(value)?.into());
                }
                Decode::<sqlx::Postgres>::decode(value)
            })
        } else if let Some(row) = row.try_as_sqlite_row() {
            if self == Self::Local
                && let Ok(text) = sqlx::Row::try_get::<&str, _>(row, at)
                && let Some(time) = local_time(text)
            {
                return Ok(Cell::Local(time));
            }
            self.decode(row, at, Decode::<sqlx::Sqlite>::decode)
        } else {
            return Err(DbErr::Type("a row of an unknown database".to_owned()));
        };
        cell.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))
    }

    /// The cell at a position. The decoders read integers of any width, signed or not, and a `timestamp` as a date and
    /// time.
    fn decode<'r, R: sqlx::Row>(
        self,
        row: &'r R,
        at: usize,
        float: impl FnOnce(<R::Database as sqlx::Database>::ValueRef<'r>) -> Result<f64, sqlx::error::BoxDynError>,
    ) -> Result<Cell<'r>, sqlx::Error>
    where
        usize: ColumnIndex<R>,
        i64: Decode<'r, R::Database>,
        bool: Decode<'r, R::Database>,
        &'r str: Decode<'r, R::Database>,
        NaiveDateTime: Decode<'r, R::Database>,
        NaiveDate: Decode<'r, R::Database>,
    {
        let value = row.try_get_raw(at)?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        let cell = match self {
            Self::Int => Decode::decode(value).map(Cell::Int),
            Self::Bool => Decode::decode(value).map(Cell::Bool),
            Self::Float => float(value).map(Cell::Float),
            Self::Text => Decode::decode(value).map(Cell::Text),
            Self::Local => Decode::decode(value).map(Cell::Local),
            Self::Day => Decode::decode(value).map(Cell::Day),
        };
        cell.map_err(|source| sqlx::Error::ColumnDecode { index: at.to_string(), source })
    }
}

/// A date and time in the form that SQLite usually has: `2026-11-29 02:30:00`. sqlx tries one form after the other,
/// which takes longer than reading the rest of the row.
fn local_time(text: &str) -> Option<NaiveDateTime> {
    let bytes: &[u8; 19] = text.as_bytes().try_into().ok()?;
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, separator)| bytes[*at] != *separator) {
        return None;
    }
    let year = i32::try_from(number(0, 4)?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
    day.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)
}

/// A set of columns of a table, by index: at most [`Self::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ColumnSet(u128);

impl ColumnSet {
    /// The number of columns that a table may have.
    pub const MAX: usize = 128;

    /// This set and one more column.
    #[must_use]
    pub const fn with(self, column: usize) -> Self {
        Self(self.0 | 1 << column)
    }

    /// Whether the column is in the set.
    pub const fn has(self, column: usize) -> bool {
        self.0 >> column & 1 == 1
    }

    /// How many columns are in the set.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether no column is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The indexes of the columns, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..Self::MAX).filter(move |&column| self.has(column))
    }
}

impl Extend<usize> for ColumnSet {
    fn extend<I: IntoIterator<Item = usize>>(&mut self, columns: I) {
        *self = columns.into_iter().fold(*self, Self::with);
    }
}

/// A row of a table.
#[derive(Debug)]
pub enum Row {
    /// Some of its columns, as the database sent them.
    Read(QueryResult),
    /// The values of all of its columns, in the order of the table.
    InMemory(Vec<Value>),
}

/// The position of each column of a table in the rows that a statement reads.
#[derive(Clone, Debug)]
pub struct ColumnPositions([u8; ColumnSet::MAX]);

impl ColumnPositions {
    /// The position of a column that the statement does not read.
    const NOT_READ: u8 = u8::MAX;

    /// The positions where a statement reads these columns in the order of the table.
    pub fn of(columns: ColumnSet) -> Self {
        let mut positions = [Self::NOT_READ; ColumnSet::MAX];
        for (position, column) in (0..).zip(columns.iter()) {
            positions[column] = position;
        }
        Self(positions)
    }
}

/// Rows of one table, all with the same columns.
#[derive(Debug)]
pub struct Rows {
    /// The rows.
    pub rows: Vec<Row>,
    positions: ColumnPositions,
}

impl Default for Rows {
    fn default() -> Self {
        Self::new(ColumnSet::default(), Vec::new())
    }
}

impl Rows {
    /// Rows of which these columns were read.
    pub fn new(columns: ColumnSet, rows: Vec<Row>) -> Self {
        Self { rows, positions: ColumnPositions::of(columns) }
    }

    /// A single row that is in memory: the values of all columns of its table, in their order.
    pub(crate) fn in_memory(values: Vec<Value>) -> Self {
        Self::new(ColumnSet::default(), vec![Row::InMemory(values)])
    }

    /// The rows as rows of a record.
    pub fn views(&self, record: &'static RecordType) -> Vec<View<'_>> {
        self.rows.iter().map(|row| View::new(record, &self.positions, row)).collect()
    }
}

/// A row of a record, as fields and computed values read it.
#[derive(Clone, Copy)]
pub struct View<'r> {
    record: &'static RecordType,
    positions: &'r ColumnPositions,
    row: &'r Row,
}

impl<'r> View<'r> {
    /// A row whose columns are at these positions.
    pub fn new(record: &'static RecordType, positions: &'r ColumnPositions, row: &'r Row) -> Self {
        Self { record, positions, row }
    }

    /// The value of a column, by its index in the table.
    ///
    /// # Errors
    /// When the value has another type than the column, or the column was not read.
    pub fn cell(self, column: usize) -> Result<Cell<'r>, DbErr> {
        let read = match self.row {
            Row::InMemory(values) => return Ok(values.get(column).map_or(Cell::Null, Cell::of_value)),
            Row::Read(read) => read,
        };
        match self.positions.0[column] {
            ColumnPositions::NOT_READ => {
                let RecordType { table, columns, .. } = self.record;
                Err(DbErr::Type(format!("`{table}.{}` was not read", columns[column].name)))
            }
            position => self.record.columns[column].cell_type.read(read, position.into()),
        }
    }

    /// The primary keys of rows, in their order.
    ///
    /// # Errors
    /// As [`Self::key`].
    pub fn keys(rows: &[Self]) -> Result<Vec<Id>, DbErr> {
        rows.iter().map(|row| row.key().map(Id)).collect()
    }

    /// The row's primary key.
    ///
    /// # Errors
    /// As [`Self::cell`], and when the key is not a whole number.
    pub fn key(self) -> Result<i64, DbErr> {
        let key = self.cell(self.record.key)?.int();
        key.ok_or_else(|| DbErr::Type(format!("a key of `{}` is no number", self.record.table)))
    }
}
