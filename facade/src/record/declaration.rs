//! [`record!`](crate::record!) lists the columns of a row, with the ability a column needs when it is more
//! sensitive than the row itself, and the related rows and computed values that belong to it. The list is
//! data ([`RecordType`]), which the engine answers. A view lists columns of another record by their names only.

use sea_orm::{EntityTrait, Iterable, ModelTrait};

use super::cell::Kind;
use super::record_type::{Field, FieldForm, RecordType};
use crate::guard::Need;

/// The values of all columns of a row, in their order.
#[doc(hidden)]
pub fn values<M: ModelTrait>(row: &M) -> Vec<sea_orm::Value> {
    <M::Entity as EntityTrait>::Column::iter().map(|column| row.get(column)).collect()
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

/// The place of a column whose values are looked for in another table.
///
/// # Panics
/// As [`place`], and when the column holds no whole numbers: no row would be found by it.
#[doc(hidden)]
pub fn key_place(record: &RecordType, name: &str) -> usize {
    let place = place(record, name);
    let is_whole = record.columns[place].kind == Kind::Int;
    assert!(is_whole, "`{}.{}` holds no whole numbers", record.table, record.columns[place].name);
    place
}

/// A field of a view: a column of the record that it is a view of, shown and described as there. Whoever sees the
/// row sees it, until the view says otherwise.
///
/// # Panics
/// When that record shows no such column: at start-up, as soon as the schema is made.
#[doc(hidden)]
pub fn viewed(view: &RecordType, origin: &RecordType, column: &str, field: &str) -> Field {
    let place = place(view, column);
    let shown = origin.fields.iter().find(|shown| shown.column == place && shown.name == field);
    let Some(Field { name, doc, shown: FieldForm::Value(rendering), .. }) = shown else {
        panic!("`{}` is a view of `{}`, which shows no column `{column}`", view.name, origin.name)
    };
    let shown = FieldForm::Value(*rendering);
    Field { name, doc, need: Need::NONE, rest_only: false, column: place, shown }
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

/// Declares a record: how it is found again, its columns, then the rows and values that belong to it.
/// Abilities are constants of the type [`Ability`](crate::Ability).
///
/// ```ignore
/// record! {
///     /// A price of something, in one currency.
///     pub struct Pricing(entity::pricing);
///     // Who may find it by its `id`, and which rows there are; without this line it has none.
///     #[can(SHOW)] node: |_| live_prices();
///     columns {
///         /// ISO 4217 code.
///         currency,
///         /// Where the stored word is one of a closed list.
///         related_type as PricingTarget,
///         /// Where it is shown otherwise than it is stored.
///         options shown JsonText,
///         /// Only for those who may.
///         #[can(metadata::METADATA)] secret,
///         /// Only for REST documents: clients of GraphQL don't see it. The same before a branch.
///         #[rest_only] legacy_name,
///     }
///     branches {
///         /// Rows whose column holds this row's key; also makes `pricesCount` and `pricesExists`.
///         #[can(pricing::INDEX)] prices: many<Pricing>(pricing::Column::RelatedId, prices_of_products),
///         /// The same, where their column holds what another column of this row holds.
///         #[can(pricing::INDEX)] rates: many<Rate>(rate::Column::CurrencyNumber = currency_number, all_rates),
///         /// Rows that a table between joins to this row, by the column of this row's key and the column of
///         /// theirs; REST may show these columns and further ones under `pivot`. Also makes `tagsCount` and `tagsExists`.
///         #[can(tag::INDEX)] tags: through<Tag>(entity::pricing_tag [pricing_id, tag_id, created_at], live_tags),
///         /// The row whose key this row's column holds; also makes `groupCount` and `groupExists`.
///         #[can(group::SHOW)] group: one<Group>(group_id, live_groups),
///         /// The row whose other column holds what this row's column holds. Of several, it is the first in the order
///         /// of `all_areas`, and `areaCount` is 1.
///         area: one<Area>(area_number = area::Column::Number, all_areas),
///         /// The row whose key a function of these columns tells.
///         #[can(product::SHOW)] product: one_by<Product>(product_of, [RelatedId, RelatedType], live_products),
///         /// The same; REST leaves its key out where there is none.
///         #[can(group::SHOW)] shown_group: some<Group>(group_shown, [GroupId], live_groups),
///         /// Computed for all rows of a level at once, from these columns.
///         start_price: each<StartPrice>(start_prices, [Id]),
///     }
/// }
/// ```
///
/// Rows are related by whole numbers, also where the column is no primary key: a text is no key. A row whose column
/// is null has no related rows.
///
/// # Views
///
/// `view of` declares a record of the same table for another audience. Of the other record it lists the columns that
/// its audience sees, by name: they are described and shown as there, on both faces. **It inherits no guard**:
/// `#[can(…)]`, `#[rest_only]`, `node` and the branches are its own. A name that the other record does not show stops the start.
///
/// ```ignore
/// record! {
///     /// A price, as customers see it.
///     pub struct OfferedPrice view of Pricing;
///     // Other rows may be found than those of `Pricing`, by others.
///     #[can(CLIENT_API)] node: |ctx| own_prices(ctx.into());
///     columns {
///         currency, options,
///         /// Where the audience needs other words than those of `Pricing`.
///         related_type,
///         // Where not all of the audience may see it, whatever `Pricing` asks for.
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
        columns { $(
            $(#[doc = $cdoc:literal])+ $(#[can($($cneed:path),+)])? $(#[rest_only $($crest:tt)?])? $column:ident $(shown $form:ident)? $(as $word:ty)?
        ),* $(,)? }
        $(branches { $($branches:tt)* })?
    ) => {
        $crate::record! {
            @record [$($doc)+] [$visibility $Record] [$($entity)::+::Entity, $($entity)::+::Model]
            [$([$($nneed),+] $node)?]
            [|record: &$crate::record::RecordType| vec![$( $crate::record::Field {
                name: $crate::camel_name!($column),
                doc: concat!($($cdoc, "\n"),+),
                need: $crate::record!(@need $($($cneed),+)?),
                rest_only: $crate::record!(@rest_only $(rest_only $($crest)?)?),
                column: $crate::record::place(record, stringify!($column)),
                shown: $crate::record::FieldForm::Value(
                    $crate::record!(@shown <$Record as $crate::record::Record>::Model, $column $(shown $form)? $($word)?)
                ),
            } ),*]]
            [$($($branches)*)?]
        }
    };

    (
        $(#[doc = $doc:literal])+
        $visibility:vis struct $Record:ident view of $Origin:ty;
        $(#[can($($nneed:path),+)] node: $node:expr;)?
        columns { $(
            $(#[doc = $cdoc:literal])* $(#[can($($cneed:path),+)])? $(#[rest_only $($crest:tt)?])? $column:ident
        ),* $(,)? }
        $(branches { $($branches:tt)* })?
    ) => {
        $crate::record! {
            @record [$($doc)+] [$visibility $Record]
            [<$Origin as $crate::record::Record>::Entity, <$Origin as $crate::record::Record>::Model]
            [$([$($nneed),+] $node)?]
            [|view: &$crate::record::RecordType| {
                let origin = <$Origin as $crate::record::Record>::record();
                vec![$({
                    let field = $crate::record::viewed(view, origin, stringify!($column), $crate::camel_name!($column));
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
        [$([$($nneed:path),+] $node:expr)?] [$fields:expr]
        [$(
            $(#[doc = $bdoc:literal])+ $(#[can($($bneed:path),+)])? $(#[rest_only $($brest:tt)?])? $branch:ident: $kind:ident<$Target:ty>($($args:tt)*)
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
                    $( $crate::record!(@id record [$($nneed),+]); )?
                    record.fields.push($crate::record::Field {
                        name: "databaseId",
                        doc: "Primary key: the `id` of the REST face.",
                        need: $crate::guard::Need::NONE,
                        rest_only: false,
                        column: record.key,
                        shown: $crate::record::FieldForm::Value($crate::record::Rendering::INT),
                    });
                    let fields: fn(&$crate::record::RecordType) -> Vec<$crate::record::Field> = $fields;
                    let fields = fields(&record);
                    record.fields.extend(fields);
                    $(
                        let _first = record.branches.len();
                        $crate::record!(@branch record, [$($bdoc)+] [$($($bneed),+)?] $branch $kind $Target [$($args)*]);
                        $( $crate::record!(@hide record _first $($brest)?); )?
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
                $crate::record::write_held(record, values, ctx).await
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

    (@id $record:ident [$($need:path),+]) => {
        $record.is_node = true;
        $record.fields.push($crate::record::Field {
            name: "id",
            doc: "Global identifier, opaque.",
            need: $crate::guard::Need::NONE,
            rest_only: false,
            column: $record.key,
            shown: $crate::record::FieldForm::GlobalId,
        });
    };

    (@shown $Model:ty, $column:ident) => {{
        fn of<M, L: $crate::record::Leaf>(_: fn(&M) -> &L) -> $crate::record::Rendering {
            L::rendering()
        }
        of(|model: &$Model| &model.$column)
    }};
    (@shown $Model:ty, $column:ident shown $form:ident) => {
        <$form as $crate::record::Shown>::rendering()
    };
    (@shown $Model:ty, $column:ident $word:ty) => {{
        let word = $crate::record::Rendering::word(<$word as async_graphql::OutputType>::create_type_info);
        if $crate::record!(@shown $Model, $column).nullable { word.or_null() } else { word }
    }};

    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident many $Target:ty [$by:path, $base:path]) => {
        $crate::record!(@many $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Foreign($by as usize), $base,
            $crate::record::Own::Column(TableColumn::Id as usize));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident many $Target:ty [$by:path = $key:ident, $base:path]) => {
        let own = $crate::record::key_place(&$record, stringify!($key));
        $crate::record!(@many $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Foreign($by as usize), $base,
            $crate::record::Own::Column(own));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident through $Target:ty [
        $($join:ident)::+ [$($column:ident),+], $base:path
    ]) => {{
        use $($join)::+ as join;
        fn join_table() -> &'static $crate::record::JoinTable {
            static JOIN_TABLE: std::sync::LazyLock<$crate::record::JoinTable> = std::sync::LazyLock::new(|| {
                $crate::record::JoinTable::of::<join::Entity>(vec![
                    $((stringify!($column), $crate::record!(@shown join::Model, $column))),+
                ])
            });
            &JOIN_TABLE
        }
        $crate::record!(@many $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Joined(join_table), $base,
            $crate::record::Own::Column(TableColumn::Id as usize));
    }};
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident one $Target:ty [$by:ident, $base:path]) => {
        let own = $crate::record::key_place(&$record, stringify!($by));
        $crate::record!(@one $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Primary, $base,
            $crate::record::Own::Column(own));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident one $Target:ty [$by:ident = $key:path, $base:path]) => {
        let own = $crate::record::key_place(&$record, stringify!($by));
        $crate::record!(@one $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Foreign($key as usize), $base,
            $crate::record::Own::Column(own));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident one_by $Target:ty [$key:path, [$($column:ident),+], $base:path]) => {
        $crate::record!(@one $record, [$($doc)+] [$($need),*] $branch $Target, $crate::record::KeyColumn::Primary, $base,
            $crate::record!(@worked $key [$($column)+]));
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident some $Target:ty [$key:path, [$($column:ident),+], $base:path]) => {
        $record.branches.push($crate::record::Branch {
            name: $crate::camel_name!($branch),
            doc: concat!($($doc, "\n"),+),
            need: $crate::record!(@need $($need),*),
            ty: <Option<$Target> as async_graphql::OutputType>::create_type_info,
            sparse: true,
            rest_only: false,
            answer: $crate::record::Answer::Related(
                $crate::record!(@relation $Target, One, $crate::record::KeyColumn::Primary, $base, $crate::record!(@worked $key [$($column)+]))
            ),
        });
    };
    (@branch $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident each $Target:ty [$by:path, [$($column:ident),+]]) => {
        $record.branches.push($crate::record::Branch {
            name: $crate::camel_name!($branch),
            doc: concat!($($doc, "\n"),+),
            need: $crate::record!(@need $($need),*),
            ty: <$Target as async_graphql::OutputType>::create_type_info,
            sparse: false,
            rest_only: false,
            answer: $crate::record::Answer::Computed {
                columns: &[$(TableColumn::$column as usize),+],
                resolve: |batch, field| Box::pin(async move {
                    let computed = $by(batch.ctx.into(), batch.rows).await;
                    batch.values::<$Target>(field, computed.map_err(async_graphql::Error::from)).await
                }),
            },
        });
    };

    (@worked $key:path [$($column:ident)+]) => {
        $crate::record::Own::Worked { columns: &[$(TableColumn::$column as usize),+], key: $key }
    };
    (@relation $Target:ty, $shown:ident, $key:expr, $base:path, $own:expr) => {
        $crate::record::Relation {
            own: $own,
            target: <$Target as $crate::record::Record>::record,
            key: $key,
            rows: || sea_orm::QueryTrait::into_query($base()),
            shown: $crate::record::Related::$shown,
        }
    };
    (@many $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident $Target:ty, $key:expr, $base:path, $own:expr) => {
        $crate::record!(@related $record, [$($doc)+] [$($need),*] $branch, Count "Number of `" "`.", "Whether there are any `",
            <$crate::record::List<$Target> as async_graphql::OutputType>::create_type_info,
            $crate::record!(@relation $Target, Many, $key, $base, $own));
    };
    (@one $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident $Target:ty, $key:expr, $base:path, $own:expr) => {
        $crate::record!(@related $record, [$($doc)+] [$($need),*] $branch, CountOfOne "1 if there is a `" "`, else 0.", "Whether there is a `",
            <Option<$Target> as async_graphql::OutputType>::create_type_info,
            $crate::record!(@relation $Target, One, $key, $base, $own));
    };
    (@related $record:ident, [$($doc:literal)+] [$($need:path),*] $branch:ident, $count:ident $number:literal $end:literal, $whether:literal,
        $ty:expr, $relation:expr) => {
        let branch = |name, doc, ty, shown| $crate::record::Branch {
            name, doc, ty,
            need: $crate::record!(@need $($need),*),
            sparse: false,
            rest_only: false,
            answer: $crate::record::Answer::Related($crate::record::Relation { shown, ..$relation }),
        };
        let (number, whether) = (
            concat!($number, stringify!($branch), $end),
            concat!($whether, stringify!($branch), "`."),
        );
        $record.branches.extend([
            branch($crate::camel_name!($branch), concat!($($doc, "\n"),+), $ty, $relation.shown),
            branch($crate::camel_name!($branch _count), number, <$crate::Id as $crate::record::Leaf>::register, $crate::record::Related::$count),
            branch($crate::camel_name!($branch _exists), whether, <bool as $crate::record::Leaf>::register, $crate::record::Related::Exists),
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
    fn a_view_has_only_what_its_record_shows() {
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
