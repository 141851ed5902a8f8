//! The macro [`record!`](crate::record!): it declares the columns of a record, the abilities that some of them need
//! beside those of the row, and its branches. The result is data, a [`RecordType`], that the engine resolves. A view
//! names columns of another record.

use sea_orm::{EntityTrait, Iterable, ModelTrait};

use super::cell::CellType;
use super::record_type::{Field, FieldForm, RecordType, StoredColumn};
use crate::guard::Need;

/// The values of all columns of a row, in the order of the table.
#[doc(hidden)]
pub fn values<M: ModelTrait>(row: &M) -> Vec<sea_orm::Value> {
    <M::Entity as EntityTrait>::Column::iter().map(|column| row.get(column)).collect()
}

/// The index of a column that a record declares by the name of its field.
///
/// # Panics
/// When the table has no such column: at the start, when the schema is made.
#[doc(hidden)]
pub fn column_index(record: &RecordType, name: &str) -> usize {
    let name = name.strip_prefix("r#").unwrap_or(name);
    record.column_index(name).unwrap_or_else(|| panic!("`{}` has no column `{name}`", record.table))
}

/// The index of a column whose values are keys of related rows.
///
/// # Panics
/// As [`column_index`], and when the column has no whole numbers: no row would be found by it.
#[doc(hidden)]
pub fn key_column_index(record: &RecordType, name: &str) -> usize {
    let index = column_index(record, name);
    let StoredColumn { name, cell_type } = record.columns[index];
    assert!(cell_type == CellType::Int, "`{}.{name}` holds no whole numbers", record.table);
    index
}

/// A field of a view: one of the record that it is a view of, with that record's column, description and rendering. It
/// has no guard.
///
/// # Panics
/// When that record has no field of such a column: at the start, when the schema is made.
#[doc(hidden)]
pub fn view_field(view: &RecordType, origin: &RecordType, snake: &str, field: &str) -> Field {
    let original = origin.field(field);
    let Some(Field { name, doc, column, form: form @ (FieldForm::Value(_) | FieldForm::Money(_)), .. }) =
        original
    else {
        panic!("`{}` is a view of `{}`, which shows no column `{snake}`", view.name, origin.name)
    };
    Field { name, doc, need: Need::NONE, rest_only: false, column: *column, form: *form }
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

/// Declares a record: how it is found by its global identifier, its columns, then its branches: related rows and
/// computed values. Abilities are constants of the type [`Ability`](crate::Ability).
///
/// ```ignore
/// record! {
///     /// A price of something, in one currency.
///     pub struct Pricing(entity::pricing);
///     // The abilities to find it by its global identifier, and the rows that may be found. Without this line, `node(id)` does not find it.
///     #[can(SHOW)] node: |_| live_prices();
///     // Where not everybody with the ability sees all rows: the condition on those that the caller sees. It holds on all ways to
///     // them but `related` conditions of other records.
///     visible: prices_of_own_currencies;
///     columns {
///         /// ISO 4217 code.
///         currency,
///         /// A word of a closed list, an enum in GraphQL.
///         related_type as PricingTarget,
///         /// The same where the contract of REST lists no words.
///         period shown TextWord<Period>,
///         /// A column with another rendering than that of its type.
///         options shown JsonText,
///         /// A column that has another name in the API.
///         setup_fee from setup,
///         /// A column that needs an ability.
///         #[can(metadata::METADATA)] secret,
///         /// A column only for REST documents: clients of GraphQL do not see it. Branches may have this attribute too.
///         #[rest_only] legacy_name,
///     }
///     branches {
///         /// Rows whose column equals the key of this row; also makes `pricesCount` and `pricesExists`.
///         #[can(pricing::INDEX)] prices: many<Pricing>(pricing::Column::RelatedId, prices_of_products),
///         /// Rows whose column equals another column of this row.
///         #[can(pricing::INDEX)] rates: many<Rate>(rate::Column::CurrencyNumber = currency_number, all_rates),
///         /// Rows that a join table relates to this row: first its column with the key of this row, then its column
///         /// with their key. REST may show these and further columns under `pivot`. Also makes `tagsCount` and
///         /// `tagsExists`.
///         #[can(tag::INDEX)] tags: through<Tag>(entity::pricing_tag [pricing_id, tag_id, created_at], live_tags),
///         /// The row whose key equals the column of this row; also makes `groupCount` and `groupExists`.
///         #[can(group::SHOW)] group: one<Group>(group_id, live_groups),
///         /// The row another column of which equals the column of this row. If there are several, it is the first in
///         /// the order of `all_areas`, and `areaCount` is 1.
///         area: one<Area>(area_number = area::Column::Number, all_areas),
///         /// The row whose key a function computes from these columns.
///         #[can(product::SHOW)] product: one_by<Product>(product_of, [RelatedId, RelatedType], live_products),
///         /// The same, but REST omits the key in the answer if there is no row.
///         #[can(group::SHOW)] shown_group: some<Group>(group_shown, [GroupId], live_groups),
///         /// Values that a function computes from these columns, for all rows of a level at once.
///         start_price: each<StartPrice>(start_prices, [Id]),
///     }
/// }
/// ```
///
/// Rows are related by columns with whole numbers, primary keys or not; a column with texts is refused at the start. A
/// row whose column is null has no related rows.
///
/// # Views
///
/// `view of` declares a record of the same table for another audience. It names the columns of the other record that
/// its audience sees; they have the descriptions and renderings of that record. **It inherits no guard**: `#[can(…)]`,
/// `#[rest_only]`, `node`, `visible` and the branches are its own. A name that the other record does not have is refused at the
/// start.
///
/// ```ignore
/// record! {
///     /// A price, as customers see it.
///     pub struct OfferedPrice view of Pricing;
///     // Abilities and rows of its own: nothing of the `node` of `Pricing` is inherited.
///     #[can(CLIENT_API)] node: |ctx| own_prices(ctx.into());
///     columns {
///         currency, options,
///         /// A description of its own, in place of that of `Pricing`.
///         related_type,
///         // A guard of its own, whatever guard the column of `Pricing` has.
///         #[can(ME)] secret,
///     }
///     branches {
///         // As above.
///     }
/// }
/// ```
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        $visibility:vis struct $Record:ident($($entity:ident)::+);
        $(#[can($($nneed:path),+)] node: $node:expr;)?
        $(visible: $visible:path;)?
        columns { $(
            $(#[doc = $cdoc:literal])+ $(#[can($($cneed:path),+)])? $(#[rest_only $($crest:tt)?])?
            $field:ident $(from $column:ident)? $(shown $form:ty)? $(as $word:ty)? $(: $Money:ident $(in $currency:ident)?)?
        ),* $(,)? }
        $(branches { $($branches:tt)* })?
    ) => {
        $crate::record! {
            @record [$($doc)+] [$visibility $Record] [$($entity)::+::Entity, $($entity)::+::Model]
            [$([$($nneed),+] $node)?] [$($visible)?]
            [|record: &$crate::record::RecordType| vec![$( $crate::record::Field {
                name: $crate::camel_name!($field),
                doc: concat!($($cdoc, "\n"),+),
                need: $crate::record!(@need $($($cneed),+)?),
                rest_only: $crate::record!(@rest_only $(rest_only $($crest)?)?),
                column: $crate::record::column_index(record, $crate::record!(@column $field $($column)?)),
                form: $crate::record!(
                    @form record, <$Record as $crate::record::Record>::Model,
                    [$field $(from $column)? $(shown $form)? $(word $word)?] $($Money $($currency)?)?
                ),
            } ),*]]
            [$($($branches)*)?]
        }
    };

    (
        $(#[doc = $doc:literal])+
        $visibility:vis struct $Record:ident view of $Origin:ty;
        $(#[can($($nneed:path),+)] node: $node:expr;)?
        $(visible: $visible:path;)?
        columns { $(
            $(#[doc = $cdoc:literal])* $(#[can($($cneed:path),+)])? $(#[rest_only $($crest:tt)?])? $field:ident
        ),* $(,)? }
        $(branches { $($branches:tt)* })?
    ) => {
        $crate::record! {
            @record [$($doc)+] [$visibility $Record]
            [<$Origin as $crate::record::Record>::Entity, <$Origin as $crate::record::Record>::Model]
            [$([$($nneed),+] $node)?] [$($visible)?]
            [|view: &$crate::record::RecordType| {
                let origin = <$Origin as $crate::record::Record>::record();
                vec![$({
                    let field = $crate::record::view_field(view, origin, stringify!($field), $crate::camel_name!($field));
                    $crate::record::Field {
                        doc: $crate::record!(@doc field.doc $(, $cdoc)*),
                        need: $crate::record!(@need $($($cneed),+)?),
                        rest_only: $crate::record!(@rest_only $(rest_only $($crest)?)?),
                        ..field
                    }
                }),*]
            }]
            [$($($branches)*)?]
        }
    };

    (
        @record [$($doc:literal)+] [$visibility:vis $Record:ident] [$Entity:ty, $Model:ty]
        [$([$($nneed:path),+] $node:expr)?] [$($visible:path)?] [$fields:expr]
        [$(
            $(#[doc = $bdoc:literal])+ $(#[can($($bneed:path),+)])? $(#[rest_only $($brest:tt)?])? $branch:ident: $kind:ident<$Target:ty>($($args:tt)*)
            $(by $Filter:ty, $Sort:ty $([$unindexed:ident])?)?
        ),* $(,)?]
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        $visibility struct $Record(pub $Model);

        impl $crate::record::Record for $Record {
            type Entity = $Entity;
            type Model = $Model;

            const NAME: &'static str = stringify!($Record);

            fn record() -> &'static $crate::record::RecordType {
                type TableColumn = $crate::record::ColumnOf<$Record>;
                static RECORD: std::sync::LazyLock<$crate::record::RecordType> = std::sync::LazyLock::new(|| {
                    let mut record = $crate::record::RecordType::of::<$Entity>(
                        <$Record as $crate::record::Record>::NAME,
                        concat!($($doc, "\n"),+),
                        TableColumn::Id as usize,
                    );
                    $( $crate::record!(@is_node record [$($nneed),+]); )?
                    $( record.visible = Some($visible); )?
                    record.fields.push($crate::record::Field {
                        name: "id",
                        doc: "Global identifier, opaque.",
                        need: $crate::guard::Need::NONE,
                        rest_only: false,
                        column: record.key,
                        form: $crate::record::FieldForm::GlobalId,
                    });
                    record.fields.push($crate::record::Field {
                        name: "databaseId",
                        doc: "Primary key: the `id` of the REST face.",
                        need: $crate::guard::Need::NONE,
                        rest_only: false,
                        column: record.key,
                        form: $crate::record::FieldForm::Value($crate::record::Rendering::INT),
                    });
                    let fields: fn(&$crate::record::RecordType) -> Vec<$crate::record::Field> = $fields;
                    let fields = fields(&record);
                    record.fields.extend(fields);
                    $(
                        let _first = record.branches.len();
                        $crate::record!(@branch record, [$($bdoc)+] [$($($bneed),+)?] $branch $kind $Target [$($args)*]);
                        $( $crate::record!(@hide record _first $($brest)?); )?
                        $( record.branches[_first].list = Some($crate::page::NestedList::of::<$Target, $Filter, $Sort>()$(.$unindexed())?); )?
                    )*
                    record
                });
                &RECORD
            }

            fn key_column() -> $crate::record::ColumnOf<Self> { <$crate::record::ColumnOf<Self>>::Id }
            fn node() -> Option<$crate::node::Refetch<Self::Entity>> {
                $crate::record!(@node $([$($nneed),+] $node)?)
            }
        }

        impl From<$Model> for $Record {
            fn from(model: $Model) -> Self { Self(model) }
        }

        impl async_graphql::OutputType for $Record {
            fn type_name() -> std::borrow::Cow<'static, str> { stringify!($Record).into() }
            fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
                <Self as $crate::record::Record>::record().register::<Self>(registry)
            }
            async fn resolve(
                &self,
                ctx: &async_graphql::ContextSelectionSet<'_>,
                _: &async_graphql::Positioned<async_graphql::parser::types::Field>,
            ) -> async_graphql::ServerResult<async_graphql::Value> {
                let (record, values) = (<Self as $crate::record::Record>::record(), $crate::record::values(&self.0));
                $crate::record::write_in_memory(record, values, ctx).await
            }
        }
    };

    (@doc $described:expr) => { $described };
    (@doc $described:expr, $($doc:literal),+) => { concat!($($doc, "\n"),+) };

    (@rest_only) => { false };
    (@rest_only rest_only) => { true };
    (@hide $record:ident $first:ident) => {
        $record.branches[$first..].iter_mut().for_each(|branch| branch.rest_only = true);
    };

    (@need) => { $crate::guard::Need::NONE };
    (@need $($need:path),+) => { const { $crate::guard::Need::of(&[$($need),+]) } };

    (@node) => { None };
    (@node [$($need:path),+] $node:expr) => {
        Some($crate::node::Refetch { need: &[$($need),+], rows: $node })
    };

    (@is_node $record:ident [$($need:path),+]) => {
        $record.is_node = true;
    };

    (@form $record:ident, $Model:ty, [$($rendering:tt)+]) => {
        $crate::record::FieldForm::Value($crate::record!(@rendering $Model, $($rendering)+))
    };
    (@form $record:ident, $Model:ty, [$field:ident from $column:ident $($rendering:tt)*] Money $($currency:ident)?) => {
        $crate::record!(@form $record, $Model, [$column $($rendering)*] Money $($currency)?)
    };
    (@form $record:ident, $Model:ty, [$column:ident $($rendering:tt)*] Money $($currency:ident)?) => {{
        fn amount<M, A: $crate::record::AmountCell>(_: fn(&M) -> &A) -> fn($crate::record::Cell<'_>) -> Option<f64> {
            A::amount
        }
        $crate::record::FieldForm::Money($crate::record::MoneyColumn {
            rendering: $crate::record!(@rendering $Model, $column $($rendering)*),
            amount: amount(|model: &$Model| &model.$column),
            currency: $crate::record!(@currency $record $($currency)?),
        })
    }};
    (@currency $record:ident) => { $crate::record::RowCurrency::Host };
    (@currency $record:ident $currency:ident) => {
        $crate::record::RowCurrency::Column($crate::record::column_index($record, stringify!($currency)))
    };

    (@column $field:ident) => { stringify!($field) };
    (@column $field:ident $column:ident) => { stringify!($column) };

    (@rendering $Model:ty, $field:ident from $column:ident $($form:tt)*) => {
        $crate::record!(@rendering $Model, $column $($form)*)
    };
    (@rendering $Model:ty, $column:ident) => {{
        fn of<M, L: $crate::record::Leaf>(_: fn(&M) -> &L) -> $crate::record::Rendering {
            L::rendering()
        }
        of(|model: &$Model| &model.$column)
    }};
    (@rendering $Model:ty, $column:ident shown $form:ty) => {{
        let form = <$form as $crate::record::CustomRendering>::rendering();
        if $crate::record!(@rendering $Model, $column).nullable { form.or_null() } else { form }
    }};
    (@rendering $Model:ty, $column:ident word $word:ty) => {{
        let word = $crate::record::Rendering::word(<$word as async_graphql::OutputType>::create_type_info);
        if $crate::record!(@rendering $Model, $column).nullable { word.or_null() } else { word }
    }};

    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident many $Target:ty [$by:path, $base:path]) => {
        $crate::record!(@many $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Foreign($by as usize), $base,
            $crate::record::SourceKey::Column(TableColumn::Id as usize));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident many $Target:ty [$by:path = $key:ident, $base:path]) => {
        let key = $crate::record::key_column_index(&$record, stringify!($key));
        $crate::record!(@many $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Foreign($by as usize), $base,
            $crate::record::SourceKey::Column(key));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident through $Target:ty [
        $($join:ident)::+ [$($column:ident),+], $base:path
    ]) => {{
        use $($join)::+ as join;
        fn join_table() -> &'static $crate::record::JoinTable {
            static JOIN_TABLE: std::sync::LazyLock<$crate::record::JoinTable> = std::sync::LazyLock::new(|| {
                $crate::record::JoinTable::of::<join::Entity>(vec![
                    $((stringify!($column), $crate::record!(@rendering join::Model, $column))),+
                ])
            });
            &JOIN_TABLE
        }
        $crate::record!(@many $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Joined(join_table), $base,
            $crate::record::SourceKey::Column(TableColumn::Id as usize));
    }};
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident one $Target:ty [$by:ident, $base:path]) => {
        let key = $crate::record::key_column_index(&$record, stringify!($by));
        $crate::record!(@one $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Primary, $base,
            $crate::record::SourceKey::Column(key));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident one $Target:ty [$by:ident = $key:path, $base:path]) => {
        let key = $crate::record::key_column_index(&$record, stringify!($by));
        $crate::record!(@one $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Foreign($key as usize), $base,
            $crate::record::SourceKey::Column(key));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident one_by $Target:ty [$key:path, [$($column:ident),+], $base:path]) => {
        $crate::record!(@one $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Primary, $base,
            $crate::record!(@computed_key $key [$($column)+]));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident some $Target:ty [$key:path, [$($column:ident),+], $base:path]) => {
        $record.branches.push($crate::record::Branch {
            name: $crate::camel_name!($branch),
            doc: concat!($($doc, "\n"),+),
            need: $crate::record!(@need $($need),*),
            ty: <Option<$Target> as async_graphql::OutputType>::create_type_info,
            arguments: Vec::new(),
            sparse: true,
            rest_only: false,
            cost: 0,
            source: $crate::record::BranchSource::Related(
                $crate::record!(@relation $Target, One, $crate::record::KeyColumn::Primary, $base, $crate::record!(@computed_key $key [$($column)+]))
            ),
            list: None,
        });
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident each $Target:ty [
        $by:path, [$($column:ident),+] $(, { $($(#[doc = $adoc:literal])+ $argument:ident: $Argument:ty),+ $(,)? })? $(, cost $cost:path)?
    ]) => {
        $record.branches.push($crate::record::Branch {
            name: $crate::camel_name!($branch),
            doc: concat!($($doc, "\n"),+),
            need: $crate::record!(@need $($need),*),
            ty: <$Target as async_graphql::OutputType>::create_type_info,
            arguments: vec![$($($crate::record::Argument {
                name: $crate::camel_name!($argument),
                doc: concat!($($adoc, "\n"),+),
                ty: <Option<$Argument> as async_graphql::InputType>::create_type_info,
            }),+)?],
            sparse: false,
            rest_only: false,
            cost: 0 $(+ $cost)?,
            source: $crate::record::BranchSource::Computed {
                columns: &[$(TableColumn::$column as usize),+],
                resolve: |batch, field| Box::pin(async move {
                    let computed = async {
                        $by(
                            batch.ctx.into(), batch.rows
                            $($(, batch.argument::<$Argument>(field, $crate::camel_name!($argument))?)+)?
                        ).await
                    };
                    let computed: $crate::Result<_> = computed.await;
                    batch.values::<$Target>(field, computed.map_err(async_graphql::Error::from)).await
                }),
            },
            list: None,
        });
    };

    (@computed_key $key:path [$($column:ident)+]) => {
        $crate::record::SourceKey::Computed { columns: &[$(TableColumn::$column as usize),+], key: $key }
    };
    (@relation $Target:ty, $output:ident, $key:expr, $base:path, $source_key:expr) => {
        $crate::record::Relation {
            source_key: $source_key,
            target: <$Target as $crate::record::Record>::record,
            key: $key,
            rows: || sea_orm::QueryTrait::into_query($base()),
            output: $crate::record::RelationOutput::$output,
        }
    };
    (@many $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident $Target:ty, $key:expr, $base:path, $source_key:expr) => {
        $crate::record!(@related $record, [$($doc)+] [$($need),*] $branch, Count "Number of `" "`.", "Whether there are any `",
            <$crate::record::SelectedRows<$Target> as async_graphql::OutputType>::create_type_info,
            $crate::record!(@relation $Target, Many, $key, $base, $source_key));
    };
    (@one $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident $Target:ty, $key:expr, $base:path, $source_key:expr) => {
        $crate::record!(@related $record, [$($doc)+] [$($need),*] $branch, CountOfOne "1 if there is a `" "`, else 0.", "Whether there is a `",
            <Option<$Target> as async_graphql::OutputType>::create_type_info,
            $crate::record!(@relation $Target, One, $key, $base, $source_key));
    };
    (@related $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident, $count:ident $number:literal $end:literal, $whether:literal,
        $ty:expr, $relation:expr) => {
        let branch = |name, doc, ty, output, rest_only| $crate::record::Branch {
            name, doc, ty, rest_only,
            arguments: Vec::new(),
            need: $crate::record!(@need $($need),*),
            sparse: false,
            cost: 0,
            source: $crate::record::BranchSource::Related($crate::record::Relation { output, ..$relation }),
            list: None,
        };
        let (number, whether) = (
            concat!($number, stringify!($branch), $end),
            concat!($whether, stringify!($branch), "`."),
        );
        $record.branches.extend([
            branch($crate::camel_name!($branch), concat!($($doc, "\n"),+), $ty, $relation.output, false),
            branch($crate::camel_name!($branch _count), number, <$crate::Id as $crate::record::Leaf>::register, $crate::record::RelationOutput::$count, true),
            branch($crate::camel_name!($branch _exists), whether, <bool as $crate::record::Leaf>::register, $crate::record::RelationOutput::Exists, true),
        ]);
    };
}

/// Declares a closed list of words: an enum in GraphQL, a lower-case text in the database and in REST.
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
    use sea_orm::{EntityTrait, Select};

    use crate::record::Record;
    use crate::toy::{Book, book};

    crate::record! {
        /// A book of which more is to be seen than the record shows.
        struct Opened view of Book;
        columns { title, bought_at }
    }

    crate::record! {
        /// A book whose own key is listed.
        struct Numbered view of Book;
        columns { id }
    }

    crate::record! {
        /// A book that is related by its title.
        struct Titled(crate::toy::book);
        columns {
            /// Title.
            title,
        }
        branches {
            /// The book whose number is the title.
            numbered: one<Book>(title, all_books),
        }
    }

    fn all_books() -> Select<book::Entity> {
        book::Entity::find()
    }

    #[test]
    #[should_panic(expected = "`Opened` is a view of `Book`, which shows no column `bought_at`")]
    fn a_view_names_only_columns_that_its_record_has() {
        Opened::record();
    }

    #[test]
    #[should_panic(expected = "`Numbered` is a view of `Book`, which shows no column `id`")]
    fn the_identifier_of_a_record_is_not_that_of_its_view() {
        Numbered::record();
    }

    #[test]
    #[should_panic(expected = "`books.title` holds no whole numbers")]
    fn a_text_is_no_key() {
        Titled::record();
    }
}
