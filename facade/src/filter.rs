//! Conditions and orders of lists, typed by column.
//!
//! [`filters!`](crate::filters!) declares both for a record. Every column can also be searched as text (`contains`),
//! because REST's `filter[x]=a,b` does that on any column (docs/contract/wire.md#5.1).

use async_graphql::{Enum, InputObject};
use sea_orm::sea_query::{Alias, ColumnType, Expr, ExprTrait, Func, IntoLikeExpr, LikeExpr, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QueryTrait, Select};

use crate::ability::Ability;
use crate::column::Column;
use crate::record::{Decimal, Moment};

/// Direction of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Asc,
    /// Largest first.
    Desc,
}

/// A condition on one column.
pub trait ColumnFilter {
    /// The condition as SQL.
    fn condition(&self, column: &Column, backend: DbBackend) -> Condition;

    /// Number of values that the condition's lists compare the column with.
    fn compared_values(&self) -> usize;
}

/// Maximum number of conditions that are joined directly; more are joined in groups. SeaQuery nests joined conditions,
/// and it builds and drops statements recursively, so a long list must not become a deep expression.
const MAX_GROUP_SIZE: usize = 32;

/// At least one of these holds.
pub fn any_of(parts: Vec<Condition>) -> Condition {
    joined(parts, Condition::any)
}

/// All of these hold.
pub fn all_of(parts: Vec<Condition>) -> Condition {
    joined(parts, Condition::all)
}

fn joined(mut parts: Vec<Condition>, join: fn() -> Condition) -> Condition {
    while parts.len() > MAX_GROUP_SIZE {
        let groups =
            parts.chunks(MAX_GROUP_SIZE).map(|group| group.iter().cloned().fold(join(), Condition::add));
        parts = groups.collect();
    }
    parts.into_iter().fold(join(), Condition::add)
}

/// `LOWER(column) LIKE '%text%'`: the original searches every column so.
pub fn contains(column: &Column, text: &str, backend: DbBackend) -> SimpleExpr {
    let plain = column.expr();
    let column = match (backend, &column.ty) {
        (DbBackend::Postgres, _) => plain.cast_as(Alias::new("text")),
        // SQLite prints whole numbers of such columns with a fraction, the other databases do not.
        (DbBackend::Sqlite, ColumnType::Float | ColumnType::Double) => {
            Expr::cust_with_expr("RTRIM(RTRIM(?, '0'), '.')", plain)
        }
        _ => plain,
    };
    if !is_findable(text, backend) {
        return Expr::val(1).eq(0);
    }
    if backend == DbBackend::Sqlite {
        return contains_on_sqlite(&column, text);
    }
    let folded = Expr::expr(Func::lower(column.clone())).like(pattern(&text.to_lowercase()).into_like_expr());
    // Letters that the database cannot convert to lower case are at least found as they are written.
    if backend == DbBackend::MySql || text.is_ascii() {
        return folded;
    }
    folded.or(column.like(pattern(text).into_like_expr()))
}

/// The same on SQLite, with `instr`: the time of SQLite's `LIKE` grows with the product of both lengths. SQLite's
/// `LOWER` converts ASCII letters only.
fn contains_on_sqlite(column: &Expr, text: &str) -> SimpleExpr {
    let found = |text: String| {
        let place = Func::cust(Alias::new("instr")).arg(Func::lower(column.clone())).arg(text);
        Expr::expr(place).gt(0)
    };
    let folded = found(text.to_lowercase());
    if text.is_ascii() { folded } else { folded.or(found(text.to_ascii_lowercase())) }
}

/// SQL for: the column equals the text, ignoring case.
pub fn equals(column: &Column, text: &str, backend: DbBackend) -> SimpleExpr {
    if !is_findable(text, backend) {
        return Expr::val(1).eq(0);
    }
    Expr::expr(Func::lower(column.expr())).eq(text.to_lowercase())
}

/// Longest text that is searched for, in bytes. A database may need time proportional to the product of both lengths.
const MAX_SEARCH_BYTES: usize = 1000;

/// Whether the text can be searched for. If not, no row is taken to match it.
fn is_findable(text: &str, backend: DbBackend) -> bool {
    text.len() <= MAX_SEARCH_BYTES && !(backend == DbBackend::Postgres && text.contains('\0'))
}

/// The text to compare with. PostgreSQL refuses NUL in a parameter, and none of its rows holds it. NUL is replaced by a
/// noncharacter, which no real text holds either, so that nothing matches.
fn comparable_text(text: &str, backend: DbBackend) -> String {
    if backend == DbBackend::Postgres { text.replace('\0', "\u{fffe}") } else { text.to_owned() }
}

fn pattern(text: &str) -> LikeExpr {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape('!')
}

fn contains_any(column: &Column, texts: Option<&Vec<String>>, backend: DbBackend) -> Option<Condition> {
    let one = |text: &String| Condition::all().add(contains(column, text, backend));
    Some(any_of(texts?.iter().map(one).collect()))
}

fn length<T>(list: Option<&Vec<T>>) -> usize {
    list.map_or(0, Vec::len)
}

macro_rules! column_filter {
    ($(#[$doc:meta])+ $Filter:ident, $Input:ty, $into:expr $(, $extra:ident)*) => {
        $(#[$doc])+
        #[derive(Clone, Debug, Default, InputObject)]
        pub struct $Filter {
            /// Equal to this.
            pub eq: Option<$Input>,
            /// Not equal to this; rows without a value don't count.
            pub ne: Option<$Input>,
            /// Equal to one of these.
            pub r#in: Option<Vec<$Input>>,
            /// Greater than this.
            pub gt: Option<$Input>,
            /// Greater than or equal to this.
            pub gte: Option<$Input>,
            /// Less than this.
            pub lt: Option<$Input>,
            /// Less than or equal to this.
            pub lte: Option<$Input>,
            /// Holds one of these texts, in any case, as the column is stored.
            pub contains: Option<Vec<String>>,
            /// Has no value (or has one, for `false`).
            pub is_null: Option<bool>,
        }

        impl ColumnFilter for $Filter {
            fn condition(&self, column: &Column, backend: DbBackend) -> Condition {
                let convert: fn(&$Input, DbBackend) -> sea_orm::Value = $into;
                let value = |given: &$Input| convert(given, backend);
                let list = self.r#in.as_ref().map(|list| column.expr().is_in(list.iter().map(&value)));
                let null = self.is_null.map(|null| if null { column.expr().is_null() } else { column.expr().is_not_null() });
                Condition::all()
                    .add_option(self.eq.as_ref().map(|given| column.expr().eq(value(given))))
                    .add_option(self.ne.as_ref().map(|given| column.expr().ne(value(given))))
                    .add_option(list)
                    .add_option(self.gt.as_ref().map(|given| column.expr().gt(value(given))))
                    .add_option(self.gte.as_ref().map(|given| column.expr().gte(value(given))))
                    .add_option(self.lt.as_ref().map(|given| column.expr().lt(value(given))))
                    .add_option(self.lte.as_ref().map(|given| column.expr().lte(value(given))))
                    .add_option(contains_any(column, self.contains.as_ref(), backend))
                    .add_option(null)
            }

            fn compared_values(&self) -> usize {
                length(self.r#in.as_ref()) + length(self.contains.as_ref())
            }
        }
    };
}

column_filter!(
    /// Conditions on a text; all given ones must hold.
    TextFilter, String, |text, backend| comparable_text(text, backend).into()
);
column_filter!(
    /// Conditions on a whole number; all given ones must hold.
    IntFilter, i64, |number, _| (*number).into()
);
column_filter!(
    /// Conditions on an amount; all given ones must hold.
    DecimalFilter, Decimal, |number, _| number.0.into()
);
column_filter!(
    /// Conditions on a price; all given ones must hold.
    PriceFilter, Decimal, |price, backend| single_precision(price.0, backend)
);
column_filter!(
    /// Conditions on a moment; all given ones must hold.
    DateTimeFilter, Moment, |at, _| value::ShopTime(at.0).into()
);

/// A price in the precision of its column: single, except on SQLite, which has only doubles.
fn single_precision(price: f64, backend: DbBackend) -> sea_orm::Value {
    #[expect(clippy::cast_possible_truncation, reason = "the column holds no more")]
    match backend {
        DbBackend::Sqlite => price.into(),
        _ => (price as f32).into(),
    }
}

/// Conditions on a yes or no; all given ones must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BooleanFilter {
    /// Equal to this.
    pub eq: Option<bool>,
    /// Stored as `1` or `0`, which holds one of these texts.
    pub contains: Option<Vec<String>>,
}

impl ColumnFilter for BooleanFilter {
    fn condition(&self, column: &Column, _: DbBackend) -> Condition {
        let holds = |stored: &str| {
            self.contains
                .as_ref()
                .is_some_and(|texts| texts.iter().any(|text| stored.contains(text.as_str())))
        };
        let texts = self.contains.as_ref().map(|_| {
            let values = [(true, holds("1")), (false, holds("0"))];
            column.expr().is_in(values.into_iter().filter_map(|(value, held)| held.then_some(value)))
        });
        Condition::all().add_option(self.eq.map(|given| column.expr().eq(given))).add_option(texts)
    }

    fn compared_values(&self) -> usize {
        0
    }
}

/// Conditions on a word of a closed list; all given ones must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WordFilter {
    /// Equal to this word, in any case.
    pub eq: Option<String>,
    /// Equal to one of these words, in any case.
    pub r#in: Option<Vec<String>>,
    /// Holds one of these texts, in any case.
    pub contains: Option<Vec<String>>,
}

impl ColumnFilter for WordFilter {
    fn condition(&self, column: &Column, backend: DbBackend) -> Condition {
        let word = |given: &String| comparable_text(&given.to_lowercase(), backend);
        let list = self.r#in.as_ref().map(|list| column.expr().is_in(list.iter().map(word)));
        Condition::all()
            .add_option(self.eq.as_ref().map(|given| column.expr().eq(word(given))))
            .add_option(list)
            .add_option(contains_any(column, self.contains.as_ref(), backend))
    }

    fn compared_values(&self) -> usize {
        length(self.r#in.as_ref()) + length(self.contains.as_ref())
    }
}

/// Declares the filter and sort types of a record: one line for each column.
///
/// ```ignore
/// filters! {
///     /// Conditions on products; all given ones must hold.
///     pub struct ProductFilter, ProductSort, ProductSortField on entity::product {
///         database_id: IntFilter = Id,
///         name: TextFilter = Name,
///         /// A column of words is ordered by the position of the word in the list.
///         status: WordFilter = Status in ShopStatus,
///     }
///     related {
///         /// Those with a price for which this holds; only for those who may see prices.
///         #[can(pricing::INDEX)] pricing: PricingFilter(pricing::Column::RelatedId = Id, prices_of_products),
///     }
/// }
/// ```
#[macro_export]
macro_rules! filters {
    (
        $(#[doc = $doc:literal])+
        pub struct $Filter:ident, $Sort:ident, $Field:ident on $($entity:ident)::+ {
            $( $(#[doc = $fdoc:literal])+ $field:ident: $Type:ident = $Column:ident $(in $Words:ident)? ),* $(,)?
        }
        $(related { $(
            $(#[doc = $rdoc:literal])+ #[can($($rneed:path),+)]
            $related:ident: $Related:ident($inner:path = $Outer:ident, $base:path)
        ),* $(,)? })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, async_graphql::InputObject)]
        pub struct $Filter {
            /// All of these hold.
            pub and: Option<Vec<$Filter>>,
            /// At least one of these holds.
            pub or: Option<Vec<$Filter>>,
            /// This doesn't hold.
            pub not: Option<Box<$Filter>>,
            $( $(#[doc = $fdoc])+ pub $field: Option<$crate::filter::$Type>, )*
            $($(
                $(#[doc = $rdoc])+
                #[graphql(directive = $crate::guard::Can::apply(&[$($rneed),+]))]
                pub $related: Option<Box<$Related>>,
            )*)?
        }

        impl $crate::filter::Filter for $Filter {
            fn condition(&self, backend: sea_orm::DbBackend) -> sea_orm::Condition {
                #[allow(unused_imports)]
                use $($entity)::+ as table;
                use $crate::filter::ColumnFilter as _;
                let parts = |parts: &Vec<$Filter>| parts.iter().map(|part| part.condition(backend)).collect();
                let mut all = sea_orm::Condition::all();
                if let Some(and) = &self.and {
                    all = all.add($crate::filter::all_of(parts(and)));
                }
                if let Some(or) = &self.or {
                    all = all.add($crate::filter::any_of(parts(or)));
                }
                if let Some(part) = &self.not {
                    all = all.add(part.condition(backend).not());
                }
                $( if let Some(filter) = &self.$field {
                    let column = $crate::column::Column::of(table::Column::$Column);
                    all = all.add(filter.condition(&column, backend));
                } )*
                $($( if let Some(filter) = &self.$related {
                    let outer = table::Column::$Outer;
                    all = all.add($crate::filter::exists($base(), $inner, outer, filter.condition(backend)));
                } )*)?
                all
            }

            fn demand(&self, demand: &mut $crate::filter::FilterDemand) -> usize {
                use $crate::filter::ColumnFilter as _;
                $( demand.values += self.$field.as_ref().map_or(0, |filter| filter.compared_values()); )*
                let parts = self.and.iter().flatten().chain(self.or.iter().flatten()).chain(self.not.as_deref());
                let mut depth = 0;
                for part in parts {
                    demand.values += 1;
                    depth = Ord::max(depth, part.demand(demand));
                }
                $($( if let Some(filter) = &self.$related {
                    demand.needs.push(const { &[$($rneed),+] });
                    depth = Ord::max(depth, filter.demand(demand));
                } )*)?
                depth + 1
            }
        }

        #[doc = concat!("What a list can be ordered by (`", stringify!($Sort), "`).")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        pub enum $Field { $( $(#[doc = $fdoc])+ $Column ),* }

        #[doc = "One key of an order; earlier keys come first."]
        #[derive(Clone, Copy, Debug, async_graphql::InputObject)]
        pub struct $Sort {
            /// What to order by.
            pub field: $Field,
            /// Which way.
            #[graphql(default)]
            pub direction: $crate::filter::Direction,
        }

        impl $crate::filter::Sort for $Sort {
            type Entity = $($entity)::+::Entity;
            fn key(&self) -> $crate::filter::SortKey {
                use $($entity)::+ as table;
                let (name, column, words): (_, _, &'static [&'static str]) = match self.field {
                    $( $Field::$Column => (
                        $crate::camel_name!($field),
                        $crate::column::Column::of(table::Column::$Column),
                        $crate::words_or_none!($($Words)?),
                    ) ),*
                };
                $crate::filter::SortKey { name, column, words, direction: self.direction }
            }
        }
    };
}

/// Conditions on the rows of a record; implemented by [`filters!`](crate::filters!).
pub trait Filter {
    /// The conditions as SQL.
    fn condition(&self, backend: DbBackend) -> Condition;

    /// Adds what the conditions require to `demand`; returns how deep they nest.
    fn demand(&self, demand: &mut FilterDemand) -> usize;
}

/// What conditions require.
#[derive(Debug, Default)]
pub struct FilterDemand {
    /// Abilities for the related records that they read: the caller needs one ability of each list.
    pub needs: Vec<&'static [Ability]>,
    /// Number of compared values and of nested conditions: the work for the database.
    pub values: usize,
}

/// SQL for: a related row exists for which the condition holds.
pub fn exists<E: EntityTrait>(
    base: Select<E>,
    inner: E::Column,
    outer: impl ColumnTrait,
    condition: Condition,
) -> SimpleExpr {
    let mut related =
        base.filter(Expr::col(inner.as_column_ref()).equals(outer.as_column_ref())).filter(condition);
    let query = QueryTrait::query(&mut related);
    query.clear_order_by().clear_selects().expr(Expr::val(1));
    Expr::exists(query.take())
}

/// One key of an order.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// GraphQL name of the field that shows the column.
    pub name: &'static str,
    /// The column.
    pub column: Column,
    /// Its words in their order, where it is a column of words; otherwise empty.
    pub words: &'static [&'static str],
    /// Ascending or descending.
    pub direction: Direction,
}

/// The words of an enum, or an empty list.
#[doc(hidden)]
#[macro_export]
macro_rules! words_or_none {
    () => {
        &[]
    };
    ($Words:ident) => {
        $Words::WORDS
    };
}

/// One key of an order, as GraphQL clients send it; implemented by [`filters!`](crate::filters!).
pub trait Sort {
    /// The table that is ordered.
    type Entity: EntityTrait;
    /// The key with its column.
    fn key(&self) -> SortKey;
}
