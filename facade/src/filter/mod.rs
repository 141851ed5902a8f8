//! Conditions and orders of lists, typed by column.
//!
//! [`filters!`](crate::filters!) declares both for a record. REST can search every column as text (`contains`), because
//! its `filter[x]=a,b` does that on any column (docs/contract/wire.md#5.1); GraphQL only texts.

mod column;
mod cost;
mod search;

use async_graphql::Enum;
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QueryTrait, Select};

pub use self::column::{
    BooleanFilter, DateFilter, DateRange, DateTimeFilter, DateTimeRange, DecimalFilter, DecimalRange,
    IntFilter, IntRange, KeyFilter, MomentOrDay, TextFilter, WordFilter,
};
pub use self::cost::Costs;
pub use self::search::{contains, equals};
use crate::ability::Ability;
use crate::column::Column;

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

/// Declares the filter and sort types of a record: one line for each column.
///
/// ```ignore
/// filters! {
///     /// Conditions on products; all given ones must hold.
///     pub struct ProductFilter, ProductSort, ProductSortField on entity::product {
///         database_id: IntFilter = Id,
///         name: TextFilter = Name,
///         /// A column of words is compared with words of the enum, and ordered by their position in it.
///         status: WordFilter<ShopStatus> = Status in ShopStatus,
///     }
///     related {
///         /// Those with a price for which this holds; only for those who may see prices.
///         #[can(pricing::INDEX)] pricing: PricingFilter(pricing::Column::RelatedId = Id, prices_of_products),
///     }
///     computed {
///         /// A condition of its own type, and an order by what a function joins, with a further field of sort keys.
///         /// Each use of either costs the points that are named.
///         #[can(pricing::INDEX)] #[cost(POINTS)] price: PriceFilter = Price(sort_key, {
///             /// Currency of the price.
///             currency: Currency
///         }),
///     }
///     derived {
///         /// A condition on a computed value: a function makes SQL of it. There is no order by it.
///         #[can(pricing::INDEX)] offer: WordFilter<Offer> = products_with_offer,
///     }
/// }
/// ```
#[macro_export]
macro_rules! filters {
    (
        $(#[doc = $doc:literal])+
        pub struct $Filter:ident, $Sort:ident, $Field:ident on $($entity:ident)::+ {
            $( $(#[doc = $fdoc:literal])+ $field:ident: $Type:ident $(<$Word:ident>)? = $Column:ident $(in $Words:ident)? ),* $(,)?
        }
        $(related { $(
            $(#[doc = $rdoc:literal])+ #[can($($rneed:path),+)]
            $related:ident: $Related:ident($inner:path = $Outer:ident, $base:path)
        ),* $(,)? })?
        $(computed { $(
            $(#[doc = $xdoc:literal])+ #[can($($xneed:path),+)] #[cost($points:path)]
            $computed:ident: $Computed:ty = $Variant:ident($key:path, {
                $(#[doc = $odoc:literal])+ $option:ident: $Option:ty
            })
        ),* $(,)? })?
        $(derived { $(
            $(#[doc = $vdoc:literal])+ #[can($($vneed:path),+)]
            $derived:ident: $Derived:ty = $condition:path
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
            $( $(#[doc = $fdoc])+ pub $field: Option<$crate::filter::$Type $(<$Word>)?>, )*
            $($(
                $(#[doc = $rdoc])+
                #[graphql(directive = $crate::guard::Can::apply(&[$($rneed),+]))]
                pub $related: Option<Box<$Related>>,
            )*)?
            $($(
                $(#[doc = $xdoc])+
                #[graphql(
                    directive = $crate::guard::Can::apply(&[$($xneed),+]),
                    directive = $crate::filter::Costs::apply($points)
                )]
                pub $computed: Option<Box<$Computed>>,
            )*)?
            $($(
                $(#[doc = $vdoc])+
                #[graphql(directive = $crate::guard::Can::apply(&[$($vneed),+]))]
                pub $derived: Option<$Derived>,
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
                $($( if let Some(filter) = &self.$computed {
                    all = all.add(filter.condition(backend));
                } )*)?
                $($( if let Some(filter) = &self.$derived {
                    all = all.add($condition(filter));
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
                $($( if let Some(filter) = &self.$computed {
                    demand.needs.push(const { &[$($xneed),+] });
                    depth = Ord::max(depth, filter.demand(demand));
                } )*)?
                $($( if let Some(filter) = &self.$derived {
                    demand.needs.push(const { &[$($vneed),+] });
                    demand.values += filter.compared_values();
                    demand.tables += 1;
                } )*)?
                depth + 1
            }
        }

        #[doc = concat!("What a list can be ordered by (`", stringify!($Sort), "`).")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        pub enum $Field {
            $( $(#[doc = $fdoc])+ $Column, )*
            $($( $(#[doc = $xdoc])+ #[graphql(directive = $crate::filter::Costs::apply($points))] $Variant, )*)?
        }

        #[doc = "One key of an order; earlier keys come first."]
        #[derive(Clone, Debug, async_graphql::InputObject)]
        pub struct $Sort {
            /// What to order by.
            pub field: $Field,
            /// Smallest or largest first.
            #[graphql(default)]
            pub direction: $crate::filter::Direction,
            $($( $(#[doc = $odoc])+ pub $option: Option<$Option>, )*)?
        }

        impl $crate::filter::Sort for $Sort {
            type Entity = $($entity)::+::Entity;
            #[allow(unused_variables, reason = "only computed keys depend on the database")]
            fn key(&self, backend: sea_orm::DbBackend) -> $crate::filter::SortKey {
                use $($entity)::+ as table;
                let (name, column, words): (_, _, &'static [&'static str]) = match self.field {
                    $( $Field::$Column => (
                        $crate::camel_name!($field),
                        $crate::column::Column::of(table::Column::$Column),
                        $crate::words_or_none!($($Words)?),
                    ), )*
                    $($( $Field::$Variant => return $key(self.direction, self.$option.as_ref(), backend), )*)?
                };
                $crate::filter::SortKey::of(name, column, words, self.direction)
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
    /// Number of tables that the statement computes for them.
    pub tables: usize,
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
    /// The table that has the column, where it is not the list's own.
    pub table: Option<Box<JoinedTable>>,
}

impl SortKey {
    /// A key that is a column of the list's own table.
    pub fn of(
        name: &'static str,
        column: Column,
        words: &'static [&'static str],
        direction: Direction,
    ) -> Self {
        Self { name, column, words, direction, table: None }
    }
}

/// A table that a statement computes, and that is joined to a list for its order. It has at most one row for each row of the
/// list, or one for all of them.
#[derive(Clone, Debug)]
pub struct JoinedTable {
    /// The statement that computes it.
    pub rows: SelectStatement,
    /// Its name in other statements.
    pub name: &'static str,
    /// Its column with the primary key of the list's rows; nothing where it has one row for all.
    pub key: Option<&'static str>,
    /// What tells it from other tables of this name, for cursors.
    pub identity: String,
    /// The abilities of which the caller needs one.
    pub need: &'static [Ability],
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
    fn key(&self, backend: DbBackend) -> SortKey;
}
