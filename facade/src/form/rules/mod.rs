//! The rules that a field can carry. Each function of this module makes one; they read as in the
//! original's lists (docs/contract/wire.md#3.2, docs/contract/wire.md#3.8).

mod database;
mod date;
mod email;
pub(crate) mod file;
mod number;
mod size;
mod text;

use std::fmt;

use async_graphql::Value;
use async_graphql::async_trait::async_trait;
pub(crate) use database::Found;
pub(crate) use date::{moments, shop_moment};
pub use size::Limit;
pub(crate) use size::{Bound, TEXT_BYTES};

use super::check::Subject;
use crate::Result;

/// Tables that rows are looked up in, by the word that names each.
type Tables = &'static [(&'static str, &'static str)];

/// One rule of a field.
#[derive(Clone, Debug)]
pub struct Rule(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Required { in_schema: bool },
    RequiredIfNull(&'static str),
    Nullable,
    Sometimes,
    Accepted,
    String,
    Integer,
    Numeric,
    Boolean,
    Array,
    Each(Vec<Rule>),
    Min(Bound),
    Max(Bound),
    Size(Bound),
    OneOf(&'static [&'static str]),
    PlainText,
    Lowercase,
    Confirmed,
    Date,
    Timestamp,
    After(&'static str),
    Exists(Column),
    ExistsFor(&'static str, Tables),
    Unique(Column),
    Email,
    File,
    Image,
    Mimes(&'static [&'static str]),
    Flag,
    TextColumn,
    Slugified,
    NoneIsNull,
    Custom(&'static dyn CustomRule),
    MaxOf { setting: &'static str, usual: i64 },
    Afterwards(Vec<Rule>),
}

/// A rule that the host declares, beside those of this module.
#[async_trait]
pub trait CustomRule: fmt::Debug + Send + Sync {
    /// The message, if the value breaks this rule.
    ///
    /// # Errors
    /// When a setting or the database cannot be read.
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<String>>;

    /// Brings what was sent into the form that the rules look at.
    fn rewrite(&self, value: &mut Value) {
        let _ = value;
    }

    /// Whether it is skipped when the field already has a message.
    fn needs_clean_field(&self) -> bool {
        false
    }

    /// The format that the schema names for the field, such as `phone`.
    fn format(&self) -> Option<&'static str> {
        None
    }
}

/// A column that `exists` and `unique` look into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) table: &'static str,
    pub(crate) name: &'static str,
}

impl Rule {
    /// A rule that also looks at absent values and ends the field when it is broken.
    pub(crate) fn is_implicit(&self) -> bool {
        matches!(self.0, Kind::Required { .. } | Kind::RequiredIfNull(_) | Kind::Accepted)
    }

    /// A rule that is skipped when the field already has a message.
    pub(crate) fn needs_clean_field(&self) -> bool {
        match self.0 {
            Kind::Custom(rule) => rule.needs_clean_field(),
            _ => matches!(self.0, Kind::Exists(_) | Kind::ExistsFor(..) | Kind::Unique(_)),
        }
    }

    /// The message, if the value breaks this rule.
    pub(crate) async fn broken(&self, subject: &Subject<'_>) -> Result<Option<String>> {
        match self.0 {
            Kind::Exists(column) => database::exists(subject, column).await,
            Kind::ExistsFor(sibling, tables) => database::exists_for(subject, sibling, tables).await,
            Kind::Unique(column) => database::unique(subject, column).await,
            Kind::Custom(rule) => rule.broken(subject).await,
            Kind::MaxOf { setting, usual } => size::max_of(subject, setting, usual).await,
            _ => Ok(self.broken_at_sight(subject)),
        }
    }

    fn broken_at_sight(&self, subject: &Subject<'_>) -> Option<String> {
        match &self.0 {
            Kind::Required { .. } => text::required(subject),
            Kind::RequiredIfNull(sibling) => text::required_if_null(subject, sibling),
            Kind::Accepted => text::accepted(subject),
            Kind::String => text::string(subject),
            Kind::PlainText => text::plain_text(subject),
            Kind::Lowercase => text::lowercase(subject),
            Kind::Confirmed => text::confirmed(subject),
            Kind::OneOf(words) => text::one_of(subject, words),
            Kind::Integer => number::integer(subject),
            Kind::Numeric => number::numeric(subject),
            Kind::Boolean | Kind::Flag => number::boolean(subject),
            Kind::Array => number::array(subject),
            Kind::Min(bound) => size::min(subject, bound),
            Kind::Max(bound) => size::max(subject, bound),
            Kind::Size(bound) => size::exact(subject, bound),
            Kind::TextColumn => size::text_column(subject),
            Kind::Date => date::date(subject),
            Kind::Timestamp => date::timestamp(subject),
            Kind::After(sibling) => date::after(subject, sibling),
            Kind::Email => email::email(subject),
            Kind::File => file::file(subject),
            Kind::Image => file::image(subject),
            Kind::Mimes(listed) => file::mimes(subject, listed),
            Kind::Nullable | Kind::Sometimes | Kind::Each(_) => None,
            Kind::Exists(_) | Kind::ExistsFor(..) | Kind::Unique(_) => None,
            Kind::Slugified | Kind::NoneIsNull | Kind::Custom(_) | Kind::MaxOf { .. } => None,
            // Looked at in the second pass.
            Kind::Afterwards(_) => None,
        }
    }
}

/// Questions about all rules of a field.
pub(crate) trait Rules {
    fn has(&self, wanted: fn(&Kind) -> bool) -> bool;

    fn is_number(&self) -> bool {
        self.has(|kind| matches!(kind, Kind::Integer | Kind::Numeric))
    }

    fn is_nullable(&self) -> bool {
        self.has(|kind| matches!(kind, Kind::Nullable))
    }
}

impl Rules for [Rule] {
    fn has(&self, wanted: fn(&Kind) -> bool) -> bool {
        self.iter().any(|rule| wanted(&rule.0))
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:expr])+ $name:ident($($arg:ident: $ty:ty),*) => $kind:expr;)+) => {
        $($(#[doc = $doc])+ pub fn $name($($arg: $ty),*) -> Rule { Rule($kind) })+
    };
}

rules! {
    /// Sent and not empty; not asked for in a partial update. The field is non-null in the schema.
    required() => Kind::Required { in_schema: true };
    /// As [`required`], for a field that the schema leaves optional because the form also serves
    /// partial updates.
    required_unless_partial() => Kind::Required { in_schema: false };
    /// Sent and not empty when another field was sent as null or as the text `null`.
    required_if_null(sibling: &'static str) => Kind::RequiredIfNull(sibling);
    /// Null is a value: nothing else is checked then.
    nullable() => Kind::Nullable;
    /// Nothing is checked when the field was not sent.
    sometimes() => Kind::Sometimes;
    /// `yes`, `on`, `1` or `true`; absent is refused.
    accepted() => Kind::Accepted;
    /// A text.
    string() => Kind::String;
    /// A whole number or a text of one, within 32 bits unless it names a row by [`exists`] or [`exists_for`].
    integer() => Kind::Integer;
    /// A decimal number or a text of one.
    numeric() => Kind::Numeric;
    /// `true`, `false`, `1`, `0`, also as text `1`, `0`.
    boolean() => Kind::Boolean;
    /// A list or map.
    array() => Kind::Array;
    /// Rules for every element of a list or map.
    each(rules: impl Into<Vec<Rule>>) => Kind::Each(rules.into());
    /// Smallest size: of a number, or in characters, elements or kilobytes (docs/contract/wire.md#3.3).
    min(limit: impl Limit) => Kind::Min(Bound::new(limit));
    /// Greatest size; see [`min`].
    max(limit: impl Limit) => Kind::Max(Bound::new(limit));
    /// Greatest size, as a setting of the host says; `usual` where it is not set or no whole number. See [`min`].
    max_of(setting: &'static str, usual: i64) => Kind::MaxOf { setting, usual };
    /// Exact size; see [`min`].
    size(limit: impl Limit) => Kind::Size(Bound::new(limit));
    /// One of these words; of an [`array()`], all elements are.
    one_of(words: &'static [&'static str]) => Kind::OneOf(words);
    /// Without `<` and `>`.
    plain_text() => Kind::PlainText;
    /// Without capital letters.
    lowercase() => Kind::Lowercase;
    /// Repeated in the field `<name>_confirmation`.
    confirmed() => Kind::Confirmed;
    /// A full date, with or without a time.
    date() => Kind::Date;
    /// A moment that a TIMESTAMP column holds. Where an offset from UTC is named, it counts.
    timestamp() => Kind::Timestamp;
    /// Later than the date in another field; in a partial update, than the one that the record under update holds.
    after(sibling: &'static str) => Kind::After(sibling);
    /// A row of the table has this value.
    exists(table: &'static str, name: &'static str) => Kind::Exists(Column { table, name });
    /// A row with this primary key stands in the table that the word in another field names.
    exists_for(sibling: &'static str, tables: &'static [(&'static str, &'static str)]) => Kind::ExistsFor(sibling, tables);
    /// No row of the table has this value, except the record under update.
    unique(table: &'static str, name: &'static str) => Kind::Unique(Column { table, name });
    /// An e-mail address.
    email() => Kind::Email;
    /// An uploaded file.
    file() => Kind::File;
    /// An uploaded picture, by its content.
    image() => Kind::Image;
    /// A file whose content is of one of these types.
    mimes(extensions: &'static [&'static str]) => Kind::Mimes(extensions);
    /// No longer than a column of type `TEXT` holds: 65,535 bytes.
    text_column() => Kind::TextColumn;
    /// True or false, also as the words of forms: `on`, `off`, `yes`, `no`. Null is false.
    flag() => Kind::Flag;
    /// Rewrites what was sent: lower-case ASCII words joined by hyphens.
    slugified() => Kind::Slugified;
    /// Rules of a second pass: they are looked at only where no field broke a rule of the first.
    afterwards(rules: impl Into<Vec<Rule>>) => Kind::Afterwards(rules.into());
    /// A rule that the host declares.
    custom(rule: &'static dyn CustomRule) => Kind::Custom(rule);
    /// Rewrites what was sent: the text `none` is null.
    none_is_null() => Kind::NoneIsNull;
}
