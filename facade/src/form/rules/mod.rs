//! The rules of fields. Each function of this module makes one; the names are Laravel's
//! (docs/contract/wire.md#3.2, docs/contract/wire.md#3.8).

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
pub(crate) use database::ExistingIds;
pub(crate) use date::{date_spellings, shop_local_time};
pub use size::SizeLimit;
pub(crate) use size::{SizeBound, TEXT_BYTES};

use super::check::Subject;
use crate::Result;
use crate::user_error::BrokenRule;

/// Tables by the word that names them in another field.
type TablesByWord = &'static [(&'static str, &'static str)];

/// The format of an identifier that REST writes as a text, because its digits alone do not tell the kind of the record.
pub const TEXT_KEY: &str = "key";

/// One rule of a field.
#[derive(Clone, Debug)]
pub struct Rule(pub(crate) RuleKind);

#[derive(Clone, Debug)]
pub(crate) enum RuleKind {
    Required { in_schema: bool },
    RequiredIfNull(&'static str),
    Nullable,
    Sometimes,
    Accepted,
    String,
    Integer,
    Numeric,
    Decimals(usize),
    InGraphQl(Box<Rule>),
    Boolean,
    Array,
    Each(Vec<Rule>),
    Min(SizeBound),
    Max(SizeBound),
    Size(SizeBound),
    OneOf(&'static [&'static str]),
    PlainText,
    Lowercase,
    Confirmed,
    Date,
    Timestamp,
    After(&'static str),
    BeforeStored(&'static str),
    Exists(LookupColumn),
    ExistsFor(&'static str, TablesByWord),
    Unique(LookupColumn),
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
    /// The rule, if the value breaks it.
    ///
    /// # Errors
    /// When a setting or the database cannot be read.
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>>;

    /// All parts of the value that break the rule, for GraphQL; REST shows what [`broken`](Self::broken) answers.
    ///
    /// # Errors
    /// As [`broken`](Self::broken).
    async fn broken_parts(&self, subject: &Subject<'_>) -> Result<Vec<BrokenRule>> {
        Ok(self.broken(subject).await?.into_iter().collect())
    }

    /// Rewrites the sent value before the rules are checked. `rest` tells whether REST has sent it.
    fn rewrite(&self, value: &mut Value, rest: bool) {
        let _ = (value, rest);
    }

    /// Whether the rule is skipped when the field has a message already.
    fn needs_clean_field(&self) -> bool {
        false
    }

    /// Whether the rule also applies to fields that were not sent, and ends the check of the field when it is broken.
    fn is_implicit(&self) -> bool {
        false
    }

    /// The format that the schema names for the field, such as `phone`. A text of the format `country`, `html` or
    /// `locale` has the scalar of that name in the schema; an identifier of the format [`TEXT_KEY`] is a text in REST.
    fn format(&self) -> Option<&'static str> {
        None
    }
}

/// A column that `exists` and `unique` search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookupColumn {
    pub(crate) table: &'static str,
    pub(crate) name: &'static str,
}

impl Rule {
    /// Whether the rule also applies to fields that were not sent, and ends the check of the field when it is broken.
    pub(crate) fn is_implicit(&self) -> bool {
        match self.0 {
            RuleKind::Custom(rule) => rule.is_implicit(),
            _ => {
                matches!(self.0, RuleKind::Required { .. } | RuleKind::RequiredIfNull(_) | RuleKind::Accepted)
            }
        }
    }

    /// Whether the rule is skipped when the field has a message already.
    pub(crate) fn needs_clean_field(&self) -> bool {
        match self.0 {
            RuleKind::Custom(rule) => rule.needs_clean_field(),
            _ => matches!(self.0, RuleKind::Exists(_) | RuleKind::ExistsFor(..) | RuleKind::Unique(_)),
        }
    }

    /// The rule, if the value breaks it.
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        match self.0 {
            RuleKind::Exists(column) => database::exists(subject, column).await,
            RuleKind::ExistsFor(sibling, tables) => database::exists_for(subject, sibling, tables).await,
            RuleKind::Unique(column) => database::unique(subject, column).await,
            RuleKind::Custom(rule) => rule.broken(subject).await,
            RuleKind::MaxOf { setting, usual } => size::max_of(subject, setting, usual).await,
            _ => Ok(self.broken_without_database(subject)),
        }
    }

    /// How the value breaks the rule: once, or in GraphQL in each of its parts.
    pub(crate) async fn broken_parts(&self, subject: &Subject<'_>) -> Result<Vec<BrokenRule>> {
        match self.0 {
            RuleKind::Custom(rule) if !subject.scope.rest => rule.broken_parts(subject).await,
            _ => Ok(self.broken(subject).await?.into_iter().collect()),
        }
    }

    fn broken_without_database(&self, subject: &Subject<'_>) -> Option<BrokenRule> {
        match &self.0 {
            RuleKind::Required { .. } => text::required(subject),
            RuleKind::RequiredIfNull(sibling) => text::required_if_null(subject, sibling),
            RuleKind::Accepted => text::accepted(subject),
            RuleKind::String => text::string(subject),
            RuleKind::PlainText => text::plain_text(subject),
            RuleKind::Lowercase => text::lowercase(subject),
            RuleKind::Confirmed => text::confirmed(subject),
            RuleKind::OneOf(words) => text::one_of(subject, words),
            RuleKind::Integer => number::integer(subject),
            RuleKind::Numeric => number::numeric(subject),
            RuleKind::Decimals(most) => number::decimals(subject, *most),
            RuleKind::InGraphQl(_) if subject.scope.rest => None,
            RuleKind::InGraphQl(rule) => rule.broken_without_database(subject),
            RuleKind::Boolean | RuleKind::Flag => number::boolean(subject),
            RuleKind::Array => number::array(subject),
            RuleKind::Min(bound) => size::min(subject, bound),
            RuleKind::Max(bound) => size::max(subject, bound),
            RuleKind::Size(bound) => size::exact(subject, bound),
            RuleKind::TextColumn => size::text_column(subject),
            RuleKind::Date => date::date(subject),
            RuleKind::Timestamp => date::timestamp(subject),
            RuleKind::After(sibling) => date::after(subject, sibling),
            RuleKind::BeforeStored(sibling) => date::before_stored(subject, sibling),
            RuleKind::Email => email::email(subject),
            RuleKind::File => file::file(subject),
            RuleKind::Image => file::image(subject),
            RuleKind::Mimes(listed) => file::mimes(subject, listed),
            RuleKind::Nullable | RuleKind::Sometimes | RuleKind::Each(_) => None,
            RuleKind::Exists(_) | RuleKind::ExistsFor(..) | RuleKind::Unique(_) => None,
            RuleKind::Slugified | RuleKind::NoneIsNull | RuleKind::Custom(_) | RuleKind::MaxOf { .. } => None,
            // Looked at in the second pass.
            RuleKind::Afterwards(_) => None,
        }
    }
}

/// Queries on all rules of a field.
pub(crate) trait RuleList {
    fn has(&self, wanted: fn(&RuleKind) -> bool) -> bool;

    fn is_number(&self) -> bool {
        self.has(|kind| matches!(kind, RuleKind::Integer | RuleKind::Numeric))
    }

    fn is_nullable(&self) -> bool {
        self.has(|kind| matches!(kind, RuleKind::Nullable))
    }
}

impl RuleList for [Rule] {
    fn has(&self, wanted: fn(&RuleKind) -> bool) -> bool {
        self.iter().any(|rule| wanted(&rule.0))
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:expr])+ $name:ident($($arg:ident: $ty:ty),*) => $kind:expr;)+) => {
        $($(#[doc = $doc])+ pub fn $name($($arg: $ty),*) -> Rule { Rule($kind) })+

        /// The names of all rules.
        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name)),+];
    };
}

rules! {
    /// Sent and not empty; not asked for in a partial update. The field is non-null in the schema.
    required() => RuleKind::Required { in_schema: true };
    /// As [`required`], for a field that the schema leaves optional because the form also serves
    /// partial updates.
    required_unless_partial() => RuleKind::Required { in_schema: false };
    /// Sent and not empty when another field was sent as null or as the text `null`.
    required_if_null(sibling: &'static str) => RuleKind::RequiredIfNull(sibling);
    /// Null is a value: nothing else is checked then.
    nullable() => RuleKind::Nullable;
    /// Nothing is checked when the field was not sent.
    sometimes() => RuleKind::Sometimes;
    /// `yes`, `on`, `1` or `true`; absent is refused.
    accepted() => RuleKind::Accepted;
    /// A text.
    string() => RuleKind::String;
    /// A whole number or a text of one, within 32 bits unless it names a row by [`exists`] or [`exists_for`].
    integer() => RuleKind::Integer;
    /// A decimal number or a text of one; in REST also with spaces around it and an exponent, as in PHP.
    numeric() => RuleKind::Numeric;
    /// At most this many decimals.
    decimals(most: usize) => RuleKind::Decimals(most);
    /// A rule of GraphQL alone, where the contract of REST has none. It asks nothing of the database.
    in_graphql(rule: Rule) => RuleKind::InGraphQl(Box::new(rule));
    /// `true`, `false`, `1`, `0`, also as text `1`, `0`.
    boolean() => RuleKind::Boolean;
    /// A list or map.
    array() => RuleKind::Array;
    /// Rules for every element of a list or map.
    each(rules: impl Into<Vec<Rule>>) => RuleKind::Each(rules.into());
    /// Smallest size: of a number, or in characters, elements or kilobytes (docs/contract/wire.md#3.3).
    min(limit: impl SizeLimit) => RuleKind::Min(SizeBound::new(limit));
    /// Greatest size; see [`min`].
    max(limit: impl SizeLimit) => RuleKind::Max(SizeBound::new(limit));
    /// Greatest size, as a setting of the host says; `usual` where it is not set or no whole number. See [`min`].
    max_of(setting: &'static str, usual: i64) => RuleKind::MaxOf { setting, usual };
    /// Exact size; see [`min`].
    size(limit: impl SizeLimit) => RuleKind::Size(SizeBound::new(limit));
    /// One of these words; of an [`array()`], all elements are.
    one_of(words: &'static [&'static str]) => RuleKind::OneOf(words);
    /// Without `<` and `>`.
    plain_text() => RuleKind::PlainText;
    /// Without capital letters.
    lowercase() => RuleKind::Lowercase;
    /// Repeated in the field `<name>_confirmation`.
    confirmed() => RuleKind::Confirmed;
    /// A full date, with or without a time.
    date() => RuleKind::Date;
    /// A moment that a TIMESTAMP column holds. An offset from UTC is applied.
    timestamp() => RuleKind::Timestamp;
    /// Later than the date in another field; in a partial update, than the one that the record under update holds.
    after(sibling: &'static str) => RuleKind::After(sibling);
    /// Earlier than the stored date of another field. It applies to partial updates that do not send the other field; where
    /// both are sent, `after` on the other field compares them.
    before_stored(sibling: &'static str) => RuleKind::BeforeStored(sibling);
    /// A row of the table has this value.
    exists(table: &'static str, name: &'static str) => RuleKind::Exists(LookupColumn { table, name });
    /// A row with this primary key stands in the table that the word in another field names.
    exists_for(sibling: &'static str, tables: &'static [(&'static str, &'static str)]) => RuleKind::ExistsFor(sibling, tables);
    /// No row of the table has this value, except the record under update.
    unique(table: &'static str, name: &'static str) => RuleKind::Unique(LookupColumn { table, name });
    /// An e-mail address.
    email() => RuleKind::Email;
    /// An uploaded file.
    file() => RuleKind::File;
    /// An uploaded picture, by its content.
    image() => RuleKind::Image;
    /// A file whose content is of one of these types.
    mimes(extensions: &'static [&'static str]) => RuleKind::Mimes(extensions);
    /// No longer than a column of type `TEXT` holds: 65,535 bytes.
    text_column() => RuleKind::TextColumn;
    /// True or false, also as the words of forms: `on`, `off`, `yes`, `no`. Null is false.
    flag() => RuleKind::Flag;
    /// Rewrites what was sent: lower-case ASCII words joined by hyphens.
    slugified() => RuleKind::Slugified;
    /// Rules of a second pass: they are looked at only where no field broke a rule of the first.
    afterwards(rules: impl Into<Vec<Rule>>) => RuleKind::Afterwards(rules.into());
    /// A rule that the host declares.
    custom(rule: &'static dyn CustomRule) => RuleKind::Custom(rule);
    /// Rewrites what was sent: the text `none` is null.
    none_is_null() => RuleKind::NoneIsNull;
}

#[cfg(test)]
mod tests {
    use super::NAMES;

    const REFERENCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference.md"));

    #[test]
    fn the_reference_has_a_row_for_every_rule() {
        for rule in NAMES {
            let is_told = REFERENCE.lines().any(|line| line.starts_with(&format!("| `{rule}(")));
            assert!(is_told, "docs/reference.md has no row for the rule `{rule}`");
        }
    }
}
