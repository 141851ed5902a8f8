//! The shop's records: a table's row as GraphQL type and as REST object, from one list.
//!
//! [`record!`](crate::record!) lists the columns of a row, with the ability a column needs when it is more
//! sensitive than the row itself, and what hangs on the row: related rows and computed values. The list is
//! data ([`facade::RecordType`]); `facade` answers it.

mod deleted;
mod host;
mod leaf;

use std::future::Future;

use async_graphql::registry::{MetaField, Registry};
use async_graphql::{Context, OutputType, TypeDirective};
use entity::{Id, ShopTime};
use facade::{ColumnSet, Level, Lookup, MAX_KEYS, MAX_ROWS, Need, One, RecordType, Row, Rows};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, Iterable, ModelTrait, QueryFilter,
    QuerySelect, QueryTrait, Select, Statement,
};

pub use deleted::Deleted;
pub use host::Host;
pub use leaf::{Decimal, JsonText, Leaf, Moment, Money, Shown};

use crate::auth::{Ability, Can};
use crate::node::{Refetch, database_id};
use crate::scope::Scope;
use crate::write::{CHANGED, changed_at};
use crate::{Error, Result};

/// A column of a record's table.
pub type ColumnOf<T> = <<T as Record>::Entity as EntityTrait>::Column;

/// A table's row as the API shows it. Made by [`record!`](crate::record!).
pub trait Record: facade::Record + OutputType + From<Self::Model> + Clone {
    /// The table.
    type Entity: EntityTrait<Model = Self::Model>;
    /// A row of the table.
    type Model: ModelTrait<Entity = Self::Entity> + FromQueryResult + Send + Sync + 'static;

    /// The primary key's column.
    fn key_column() -> ColumnOf<Self>;
    /// How the row is found again by its `id`; a record without is a part of others, and has no `id`.
    fn node() -> Option<Refetch<Self::Entity>>;

    /// The one of `rows` that an identifier names.
    ///
    /// # Errors
    /// When the database fails.
    fn find(
        scope: Scope<'_>,
        rows: fn() -> Select<Self::Entity>,
        id: &str,
    ) -> impl Future<Output = Result<Option<Self>>> + Send {
        let id = database_id(scope, Self::record().name, id);
        async move {
            let Some(id) = id else { return Ok(None) };
            let row = rows().filter(Self::key_column().eq(id)).limit(1).one(scope.reader()).await?;
            if let Some(at) = row.as_ref().and_then(changed_at) {
                scope.note_change(at);
            }
            Ok(row.map(Self::from))
        }
    }
}

/// The one of `rows` that an identifier names, for an action on it.
///
/// # Errors
/// [`Error::NotFound`] under the name that the original prints for `model`.
pub async fn require<T: Record>(
    scope: Scope<'_>,
    rows: fn() -> Select<T::Entity>,
    id: &str,
    model: &'static str,
) -> Result<T> {
    T::find(scope, rows, id).await?.ok_or_else(|| Error::NotFound { model, id: id.to_owned() })
}

/// The one of `rows` that an identifier names, with what is asked of it.
///
/// # Errors
/// When the database fails.
pub async fn see<T: Record>(
    ctx: &Context<'_>,
    rows: fn() -> Select<T::Entity>,
    id: &str,
) -> Result<Option<One<T>>> {
    let Some(key) = database_id(ctx.into(), T::NAME, id) else { return Ok(None) };
    let (record, select) = (T::record(), move || QueryTrait::into_query(rows()));
    let seen = Seen::plan(ctx, record)?;
    let Seen { scope, columns, .. } = seen;
    let lookup =
        Lookup { record, rows: &select, identity: rows as usize, column: record.key, columns, limit: 1 };
    let statement = scope.shared().lookups.statement(scope.backend(), lookup, &[key.0]);
    Ok(One::first(seen.read(statement).await?))
}

/// The same; where there is none, GraphQL answers null and REST the original's 404.
///
/// # Errors
/// [`Error::NotFound`] in REST; when the database fails.
pub async fn show<T: Record>(
    ctx: &Context<'_>,
    rows: fn() -> Select<T::Entity>,
    id: &str,
    model: &'static str,
) -> Result<Option<One<T>>> {
    match see(ctx, rows, id).await? {
        None if Scope::from(ctx).is_rest() => Err(Error::NotFound { model, id: id.to_owned() }),
        seen => Ok(seen),
    }
}

/// The first row of a statement, with what is asked of it.
///
/// # Errors
/// When the database fails.
pub async fn see_first<T: Record>(ctx: &Context<'_>, rows: Select<T::Entity>) -> Result<Option<One<T>>> {
    let seen = Seen::plan(ctx, T::record())?;
    let mut select = QueryTrait::into_query(rows.limit(1));
    seen.record.select(seen.columns, &mut select);
    let statement = seen.scope.backend().build(&select);
    Ok(One::first(seen.read(statement).await?))
}

/// A single record that is asked for.
#[derive(Clone, Copy)]
struct Seen<'a> {
    scope: Scope<'a>,
    record: &'static RecordType,
    columns: ColumnSet,
    /// Place of the column that tells when the record was changed, where REST's `Last-Modified` needs it.
    changed: Option<usize>,
}

impl<'a> Seen<'a> {
    fn plan(ctx: &Context<'a>, record: &'static RecordType) -> Result<Self> {
        let scope = Scope::from(ctx);
        let set = ctx.with_selection_set(&ctx.item.node.selection_set);
        let mut columns = asked_columns(&set, record)?;
        let changed = record.place(CHANGED).filter(|_| scope.is_rest());
        columns.extend(changed);
        Ok(Self { scope, record, columns, changed })
    }

    async fn read(self, statement: Statement) -> Result<Rows> {
        let found = self.scope.reader().query_one_raw(statement).await?;
        let rows = Rows::new(self.columns, found.into_iter().map(Row::Read).collect());
        if let (Some(changed), Some(row)) = (self.changed, rows.views(self.record).first())
            && let Some(at) = row.cell(changed)?.local()
        {
            self.scope.note_change(ShopTime::from_local(at).0);
        }
        Ok(rows)
    }
}

/// The columns of a record that a selection asks for.
fn asked_columns(
    ctx: &async_graphql::ContextSelectionSet<'_>,
    record: &'static RecordType,
) -> Result<ColumnSet> {
    let level = Level::plan(ctx, record).map_err(|error| Error::internal(error.message))?;
    Ok(level.columns())
}

/// The rows of a statement as a list of records, with what is asked of them.
///
/// # Errors
/// When the database fails.
pub async fn list<T: Record>(ctx: &Context<'_>, rows: Select<T::Entity>) -> Result<facade::List<T>> {
    let scope = Scope::from(ctx);
    let ctx = ctx.with_selection_set(&ctx.item.node.selection_set);
    let columns = asked_columns(&ctx, T::record())?;
    let mut select = QueryTrait::into_query(rows);
    T::record().select(columns, &mut select);
    let found = scope.reader().query_all_raw(scope.backend().build(&select)).await?;
    Ok(facade::List::new(Rows::new(columns, found.into_iter().map(Row::Read).collect())))
}

/// Whole rows of `T` whose `column` holds one of the keys, in the order of `rows`: for values that are computed
/// of them.
///
/// # Errors
/// When the database fails or there are too many rows.
pub async fn load<T: Record>(
    scope: Scope<'_>,
    mut keys: Vec<Id>,
    column: ColumnOf<T>,
    rows: fn() -> Select<T::Entity>,
) -> Result<Vec<T::Model>> {
    keys.sort_unstable();
    keys.dedup();
    let mut found = Vec::new();
    for keys in keys.chunks(MAX_KEYS) {
        let some = rows().filter(column.is_in(keys.iter().copied())).limit(MAX_ROWS + 1);
        found.extend(some.all(scope.reader()).await?);
    }
    if found.len() as u64 > MAX_ROWS {
        let name = T::record().name;
        return Err(Error::BadRequest(format!(
            "More than {MAX_ROWS} rows of {name}: ask for fewer at a time."
        )));
    }
    Ok(found)
}

/// The values of all columns of a row, in their order.
#[doc(hidden)]
pub fn values<M: ModelTrait>(row: &M) -> Vec<sea_orm::Value> {
    <M::Entity as EntityTrait>::Column::iter().map(|column| row.get(column)).collect()
}

/// What a field needs that is open to who has one of these abilities.
#[doc(hidden)]
pub const fn need(any: &[Ability], names: &'static [&'static str]) -> Need {
    let (mut bits, mut at) = (0, 0);
    while at < any.len() {
        bits |= 1 << any[at] as u64;
        at += 1;
    }
    Need { any: bits, names }
}

/// Marks a field of a record with what it needs.
#[doc(hidden)]
pub fn guard(registry: &mut Registry, field: &mut MetaField, need: Need) {
    if need == Need::NONE {
        return;
    }
    Can.register(registry);
    field.directive_invocations.push(Can::named(need.names));
    crate::auth::describe(field);
}

/// The place of a column that a record declares by the name of its field.
///
/// # Panics
/// When the table has no such column: at start-up, as soon as the schema is made.
#[doc(hidden)]
pub fn place(record: &RecordType, name: &str) -> usize {
    let name = name.strip_prefix("r#").unwrap_or(name);
    record.place(name).unwrap_or_else(|| panic!("`{}` has no column `{name}`", record.table))
}

/// Length of a snake-case name in camel case.
#[doc(hidden)]
pub const fn camel_len(name: &str) -> usize {
    let (bytes, mut at, mut len) = (name.as_bytes(), raw_prefix(name), 0);
    while at < bytes.len() {
        if bytes[at] != b'_' {
            len += 1;
        }
        at += 1;
    }
    len
}

/// A snake-case name in camel case.
#[doc(hidden)]
pub const fn camel<const N: usize>(name: &str) -> [u8; N] {
    let (bytes, mut at, mut len, mut upper) = (name.as_bytes(), raw_prefix(name), 0, false);
    let mut out = [0u8; N];
    while at < bytes.len() {
        if bytes[at] == b'_' {
            upper = true;
        } else {
            out[len] = if upper { bytes[at].to_ascii_uppercase() } else { bytes[at] };
            len += 1;
            upper = false;
        }
        at += 1;
    }
    out
}

const fn raw_prefix(name: &str) -> usize {
    let bytes = name.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'r' && bytes[1] == b'#' { 2 } else { 0 }
}

/// The camel-case form of a snake-case identifier, as a `&'static str`.
#[doc(hidden)]
#[macro_export]
macro_rules! camel_name {
    ($($part:ident)+) => {{
        const SNAKE: &str = concat!($(stringify!($part)),+);
        const BYTES: [u8; $crate::record::camel_len(SNAKE)] = $crate::record::camel(SNAKE);
        match std::str::from_utf8(&BYTES) {
            Ok(name) => name,
            Err(_) => panic!(),
        }
    }};
}

/// Declares a record: how it is found again, its columns, then what hangs on it.
///
/// ```ignore
/// record! {
///     /// A price of something, in one currency.
///     pub struct Pricing(pricing::Model);
///     // Who may find it by its `id`, and which rows there are; without this line it has none.
///     #[can(PricingsShow)] node: |_| live_prices();
///     columns {
///         /// ISO 4217 code.
///         currency,
///         /// Where the stored word is one of a closed list.
///         related_type as PricingTarget,
///         /// Where it is shown otherwise than it is stored.
///         options shown JsonText,
///         /// Only for those who may.
///         #[can(Metadata)] secret,
///     }
///     branches {
///         /// Rows whose column holds this row's key; also makes `pricesCount` and `pricesExists`.
///         #[can(PricingsIndex)] prices: many<Pricing>(pricing::Column::RelatedId, prices_of_products),
///         /// The row whose key this row's column holds; also makes `groupCount` and `groupExists`.
///         #[can(GroupsShow)] group: one<Group>(group_id, live_groups),
///         /// The row whose key a function of these columns tells.
///         #[can(ProductsShow)] product: one_by<Product>(product_of, [RelatedId, RelatedType], live_products),
///         /// The same; REST leaves its key out where there is none.
///         #[can(GroupsShow)] shown_group: some<Group>(group_shown, [GroupId], live_groups),
///         /// Computed for all rows of a level at once, from these columns.
///         start_price: each<StartPrice>(start_prices, [Id]),
///     }
/// }
/// ```
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        pub struct $Record:ident($entity:ident::Model);
        $(#[can($($nneed:ident),+)] node: $node:expr;)?
        columns { $( $(#[doc = $cdoc:literal])+ $(#[can($($cneed:ident),+)])? $column:ident $(shown $form:ident)? $(as $word:ty)? ),* $(,)? }
        $(branches { $(
            $(#[doc = $bdoc:literal])+ $(#[can($($bneed:ident),+)])? $branch:ident: $kind:ident<$Target:ty>($($args:tt)*)
        ),* $(,)? })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub struct $Record(pub entity::$entity::Model);

        impl facade::Record for $Record {
            const NAME: &'static str = stringify!($Record);

            fn record() -> &'static facade::RecordType {
                static RECORD: std::sync::LazyLock<facade::RecordType> = std::sync::LazyLock::new(|| {
                    let mut record = facade::RecordType::of::<entity::$entity::Entity>(
                        <$Record as facade::Record>::NAME,
                        concat!($($doc, "\n"),+),
                        entity::$entity::Column::Id as usize,
                    );
                    $( $crate::record!(@id record [$($nneed)+]); )?
                    record.fields.push(facade::Field {
                        name: "databaseId",
                        doc: "Primary key: the `id` of the REST face.",
                        need: facade::Need::NONE,
                        column: record.key,
                        shown: facade::Shown::Value(facade::Rendering::INT),
                    });
                    $( record.fields.push(facade::Field {
                        name: $crate::camel_name!($column),
                        doc: concat!($($cdoc, "\n"),+),
                        need: $crate::record!(@need $($($cneed)+)?),
                        column: $crate::record::place(&record, stringify!($column)),
                        shown: facade::Shown::Value(
                            $crate::record!(@shown entity::$entity::Model, $column $(shown $form)? $($word)?)
                        ),
                    }); )*
                    $($( $crate::record!(
                        @branch record, $entity, [$($bdoc)+] [$($($bneed)+)?] $branch $kind $Target [$($args)*]
                    ); )*)?
                    record
                });
                &RECORD
            }

            fn register(registry: &mut async_graphql::registry::Registry) -> String {
                <Self as facade::Record>::record().register::<Self>(registry, $crate::record::guard)
            }
        }

        impl $crate::record::Record for $Record {
            type Entity = entity::$entity::Entity;
            type Model = entity::$entity::Model;

            fn key_column() -> entity::$entity::Column { entity::$entity::Column::Id }
            fn node() -> Option<$crate::node::Refetch<Self::Entity>> {
                $crate::record!(@node $([$($nneed)+] $node)?)
            }
        }

        impl From<entity::$entity::Model> for $Record {
            fn from(model: entity::$entity::Model) -> Self { Self(model) }
        }

        impl async_graphql::OutputType for $Record {
            fn type_name() -> std::borrow::Cow<'static, str> { stringify!($Record).into() }
            fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
                <Self as facade::Record>::register(registry)
            }
            async fn resolve(
                &self,
                ctx: &async_graphql::ContextSelectionSet<'_>,
                _: &async_graphql::Positioned<async_graphql::parser::types::Field>,
            ) -> async_graphql::ServerResult<async_graphql::Value> {
                let (record, values) = (<Self as facade::Record>::record(), $crate::record::values(&self.0));
                facade::write_held(record, values, ctx).await
            }
        }
    };

    (@need) => { facade::Need::NONE };
    (@need $($need:ident)+) => {
        const {
            const NAMES: &[&str] = &[$($crate::auth::Ability::$need.name()),+];
            $crate::record::need(&[$($crate::auth::Ability::$need),+], NAMES)
        }
    };

    (@node) => { None };
    (@node [$($need:ident)+] $node:expr) => {
        Some($crate::node::Refetch { need: &[$($crate::auth::Ability::$need),+], rows: $node })
    };

    (@id $record:ident [$($need:ident)+]) => {
        $record.is_node = true;
        $record.fields.push(facade::Field {
            name: "id",
            doc: "Global identifier, opaque.",
            need: facade::Need::NONE,
            column: $record.key,
            shown: facade::Shown::GlobalId,
        });
    };

    (@shown $Model:ty, $column:ident) => {{
        fn of<M, L: $crate::record::Leaf>(_: fn(&M) -> &L) -> facade::Rendering {
            L::rendering()
        }
        of(|model: &$Model| &model.$column)
    }};
    (@shown $Model:ty, $column:ident shown $form:ident) => {
        <$form as $crate::record::Shown>::rendering()
    };
    (@shown $Model:ty, $column:ident $word:ty) => {
        facade::Rendering::word(<$word as async_graphql::OutputType>::create_type_info)
    };

    (@branch $record:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident many $Target:ty [$by:path, $base:path]) => {
        $crate::record!(@related $record, [$($doc)+] [$($need)*] $branch, "Number of `" "`.", "Whether there are any `",
            <facade::List<$Target> as async_graphql::OutputType>::create_type_info,
            $crate::record!(@relation $Target, Many, Some($by as usize), $base,
                facade::Own::Column(entity::$entity::Column::Id as usize)));
    };
    (@branch $record:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident one $Target:ty [$by:ident, $base:path]) => {
        let own = $crate::record::place(&$record, stringify!($by));
        $crate::record!(@related $record, [$($doc)+] [$($need)*] $branch, "1 if there is a `" "`, else 0.", "Whether there is a `",
            <Option<$Target> as async_graphql::OutputType>::create_type_info,
            $crate::record!(@relation $Target, One, None, $base, facade::Own::Column(own)));
    };
    (@branch $record:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident one_by $Target:ty [$key:path, [$($column:ident),+], $base:path]) => {
        $crate::record!(@related $record, [$($doc)+] [$($need)*] $branch, "1 if there is a `" "`, else 0.", "Whether there is a `",
            <Option<$Target> as async_graphql::OutputType>::create_type_info,
            $crate::record!(@relation $Target, One, None, $base, $crate::record!(@worked $entity $key [$($column)+])));
    };
    (@branch $record:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident some $Target:ty [$key:path, [$($column:ident),+], $base:path]) => {
        $record.branches.push(facade::Branch {
            name: $crate::camel_name!($branch),
            doc: concat!($($doc, "\n"),+),
            need: $crate::record!(@need $($need)*),
            ty: <Option<$Target> as async_graphql::OutputType>::create_type_info,
            sparse: true,
            answer: facade::Answer::Related(
                $crate::record!(@relation $Target, One, None, $base, $crate::record!(@worked $entity $key [$($column)+]))
            ),
        });
    };
    (@branch $record:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident each $Target:ty [$by:path, [$($column:ident),+]]) => {
        $record.branches.push(facade::Branch {
            name: $crate::camel_name!($branch),
            doc: concat!($($doc, "\n"),+),
            need: $crate::record!(@need $($need)*),
            ty: <$Target as async_graphql::OutputType>::create_type_info,
            sparse: false,
            answer: facade::Answer::Computed {
                columns: &[$(entity::$entity::Column::$column as usize),+],
                resolve: |batch, field| Box::pin(async move {
                    let computed = $by(batch.ctx.into(), batch.rows).await;
                    batch.values::<$Target>(field, computed.map_err(async_graphql::Error::from)).await
                }),
            },
        });
    };

    (@worked $entity:ident $key:path [$($column:ident)+]) => {
        facade::Own::Worked { columns: &[$(entity::$entity::Column::$column as usize),+], key: $key }
    };
    (@relation $Target:ty, $shown:ident, $column:expr, $base:path, $own:expr) => {
        facade::Relation {
            own: $own,
            target: <$Target as facade::Record>::record,
            column: $column,
            rows: || sea_orm::QueryTrait::into_query($base()),
            shown: facade::Related::$shown,
        }
    };
    (@related $record:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident, $number:literal $end:literal, $whether:literal,
        $ty:expr, $relation:expr) => {
        let branch = |name, doc, ty, shown| facade::Branch {
            name, doc, ty,
            need: $crate::record!(@need $($need)*),
            sparse: false,
            answer: facade::Answer::Related(facade::Relation { shown, ..$relation }),
        };
        let (number, whether) = (
            concat!($number, stringify!($branch), $end),
            concat!($whether, stringify!($branch), "`."),
        );
        $record.branches.extend([
            branch($crate::camel_name!($branch), concat!($($doc, "\n"),+), $ty, $relation.shown),
            branch($crate::camel_name!($branch _count), number, <entity::Id as $crate::record::Leaf>::register, facade::Related::Count),
            branch($crate::camel_name!($branch _exists), whether, <bool as $crate::record::Leaf>::register, facade::Related::Exists),
        ]);
    };
}

/// Declares a closed list of words: an enum in GraphQL, a lower-case text in the database and in
/// REST.
#[macro_export]
macro_rules! words {
    ($(#[doc = $doc:literal])+ pub enum $Name:ident { $($(#[doc = $wdoc:literal])+ $Word:ident = $word:literal),* $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        pub enum $Name { $($(#[doc = $wdoc])+ $Word),* }

        impl $Name {
            /// The words as they are stored.
            pub const WORDS: &'static [&'static str] = &[$($word),*];
        }

        impl From<$Name> for String {
            fn from(word: $Name) -> Self {
                match word { $($Name::$Word => $word.to_owned()),* }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use entity::pricing;
    use facade::{Lookups, Record as _};
    use sea_orm::sea_query::{ExprTrait, SelectStatement};
    use sea_orm::{DbBackend, QueryTrait, Select, Statement};

    use super::*;
    use crate::resource::pricing::{Pricing, prices_of_products};

    const BACKENDS: [DbBackend; 3] = [DbBackend::Sqlite, DbBackend::MySql, DbBackend::Postgres];

    fn all() -> Select<pricing::Entity> {
        pricing::Entity::find()
    }

    fn spelled(backend: DbBackend, mut rows: SelectStatement, columns: ColumnSet, keys: &[i64]) -> Statement {
        let (record, column) = (Pricing::record(), pricing::Column::RelatedId as usize);
        record.select(columns, &mut rows);
        rows.and_where(record.column(column).is_in(keys.iter().copied())).limit(9);
        backend.build(&rows)
    }

    #[test]
    fn a_remembered_statement_is_the_one_that_would_be_spelled() {
        let place = |column: pricing::Column| column as usize;
        let few = ColumnSet::default().with(place(pricing::Column::Id)).with(place(pricing::Column::Monthly));
        let sets = [few, few.with(place(pricing::Column::Currency))];
        for backend in BACKENDS {
            let lookups = Lookups::default();
            for (rows, columns) in [prices_of_products as fn() -> _, all]
                .into_iter()
                .flat_map(|rows| sets.map(|set| (rows, set)))
            {
                let select = || QueryTrait::into_query(rows());
                let (record, column) = (Pricing::record(), place(pricing::Column::RelatedId));
                let lookup =
                    Lookup { record, rows: &select, identity: rows as usize, column, columns, limit: 9 };
                let statement = |keys: &[i64]| lookups.statement(backend, lookup, keys);
                let expected = |keys: &[i64]| spelled(backend, select(), columns, keys);
                for keys in [[7, 9], [0, 1], [i64::MAX, -1]] {
                    assert_eq!(statement(&keys), expected(&keys));
                }
                assert_eq!(statement(&[4]), expected(&[4]));
                assert_eq!(statement(&[4, 5, 6]), expected(&[4, 5, 6, 6]));
                let many: Vec<i64> = (0..1500).collect();
                assert_eq!(statement(&many), expected(&many));
            }
        }
    }
}
