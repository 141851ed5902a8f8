//! Records: a table's row as GraphQL type and as REST object, from one list.
//!
//! [`record!`](crate::record!) lists the columns of a row, with the ability a column needs when
//! it is more sensitive than the row itself, and what hangs on the row: related rows and computed
//! values. Everything is answered level by level (`plan.rs`): the rows of a list are written in
//! one pass without a future each, and what hangs on them is loaded for all of them at once, so a
//! query of depth d costs d statements however many rows there are.

mod deleted;
mod edges;
mod kept;
mod leaf;
mod lookup;
mod plan;
mod related;
mod spelling;

use std::future::Future;
use std::pin::Pin;

use async_graphql::registry::{MetaField, MetaType, MetaTypeId, ObjectBuilder, Registry};
use async_graphql::{
    ContextSelectionSet, OutputType, PathSegment, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, SelectionSet},
};
use entity::Id;
use sea_orm::{EntityTrait, FromQueryResult, ModelTrait};

pub use deleted::Deleted;
pub use edges::Edges;
pub use kept::{Kept, KeptSet, is_record};
pub use leaf::{Decimal, Face, JsonText, Leaf, Moment, Money, Shown, Word, write_str, write_value};
pub use lookup::{ColumnOf, Lookups, RowsOf};
pub use plan::{Rows, RowsRead, resolve_row};
pub(crate) use plan::{path_of, resolve_level};
pub use related::{Branch, count, count_one, each, exists, exists_one, load, many, one};
pub use spelling::{InRest, RestForm, Spelling};

use crate::Result;
use crate::auth::{Ability, Can};
use crate::node::{self, Refetch, database_id};
use crate::scope::Scope;

/// A table's row as the API shows it. Made by [`record!`](crate::record!).
pub trait Record: OutputType + From<Self::Model> + Clone + Send + Sync + 'static {
    /// Name of the GraphQL type.
    const NAME: &'static str;
    /// Description of the GraphQL type.
    const DOC: &'static str;
    /// The table.
    type Entity: EntityTrait<Model = Self::Model>;
    /// A row of the table.
    type Model: ModelTrait<Entity = Self::Entity> + FromQueryResult + Send + Sync + 'static;

    /// The row.
    fn model(&self) -> &Self::Model;
    /// The row's primary key.
    fn key(model: &Self::Model) -> Id;
    /// The primary key's column.
    fn key_column() -> ColumnOf<Self>;
    /// What is read from the row itself.
    fn columns() -> &'static [Column<Self::Model>];
    /// What is loaded or computed for the row.
    fn branches() -> &'static [Branch<Self::Model>];
    /// How the row is found again by its `id`; a record without is a part of others, and has no `id`.
    fn node() -> Option<Refetch<Self::Entity>>;

    /// The one of `rows` that an identifier names.
    ///
    /// # Errors
    /// When the database fails.
    fn find(
        scope: Scope<'_>,
        rows: RowsOf<Self>,
        id: &str,
    ) -> impl Future<Output = Result<Option<Self>>> + Send {
        let id = database_id(scope, Self::NAME, id);
        async move {
            match id {
                Some(id) => lookup::find(scope, rows, id).await,
                None => Ok(None),
            }
        }
    }
}

/// The one of `rows` that an identifier names, for an action on it.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) under the name that the original prints for `model`.
pub async fn require<T: Record>(
    scope: Scope<'_>,
    rows: RowsOf<T>,
    id: &str,
    model: &'static str,
) -> Result<T> {
    T::find(scope, rows, id).await?.ok_or_else(|| crate::Error::NotFound { model, id: id.to_owned() })
}

/// The one of `rows` that an identifier names, for reading it. Where there is none, GraphQL answers null
/// and REST the original's 404.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) in REST; when the database fails.
pub async fn show<T: Record>(
    scope: Scope<'_>,
    rows: RowsOf<T>,
    id: &str,
    model: &'static str,
) -> Result<Option<T>> {
    if scope.is_rest() {
        return require(scope, rows, id, model).await.map(Some);
    }
    T::find(scope, rows, id).await
}

/// A field that is read from the row itself.
pub struct Column<M: 'static> {
    /// Name of the GraphQL field.
    pub name: &'static str,
    /// Description of the GraphQL field.
    pub doc: &'static str,
    /// Abilities of which the caller needs one; empty: seeing the row is enough.
    pub need: &'static [Ability],
    /// Registers the field's type and names it.
    pub ty: fn(&mut Registry) -> String,
    /// How REST spells the value.
    pub spelling: fn() -> Spelling,
    /// The field's value, in the spelling of the face.
    pub value: fn(&M, Face) -> Value,
    /// The field's value as REST prints it.
    pub json: fn(&M, &mut Vec<u8>),
}

/// A boxed future of a branch: its values, one for each row of the batch.
pub type BranchFuture<'a> = Pin<Box<dyn Future<Output = ServerResult<Vec<Value>>> + Send + 'a>>;

/// The rows of one level for which a branch is asked, with what is asked of it.
pub struct Batch<'a, M> {
    /// Where the level is resolved.
    pub ctx: &'a ContextSelectionSet<'a>,
    /// The rows of the level.
    pub rows: Vec<&'a M>,
    /// The field that asks: its arguments count for the whole level.
    pub field: &'a Positioned<Field>,
    /// What is selected below the field: once, or more often where fields merge.
    pub sets: Vec<&'a Positioned<SelectionSet>>,
    /// Path of the field in the first row of the level.
    pub path: Vec<PathSegment>,
}

/// Registers the GraphQL type of a record.
pub fn register<T: Record>(registry: &mut Registry) -> String {
    if T::node().is_some() {
        registry.add_implements(T::NAME, node::NAME);
    }
    registry.create_output_type::<T, _>(MetaTypeId::Object, |registry| {
        let mut fields: IndexMap<String, MetaField> = IndexMap::new();
        for column in T::columns() {
            let mut field = meta_field(registry, column.name, column.doc, column.need, column.ty);
            RestForm { spelling: (column.spelling)(), sparse: false }.mark(&mut field, registry);
            fields.insert(column.name.to_owned(), field);
        }
        for branch in T::branches() {
            let mut field = meta_field(registry, branch.name, branch.doc, branch.need, branch.ty);
            RestForm { spelling: Spelling::AsTyped, sparse: branch.sparse }.mark(&mut field, registry);
            fields.insert(branch.name.to_owned(), field);
        }
        object(T::NAME, T::DOC, fields)
    })
}

fn object(name: &str, doc: &str, fields: IndexMap<String, MetaField>) -> MetaType {
    let builder = ObjectBuilder::new(name, fields).description(Some(doc.trim().to_owned()));
    builder.tags(vec![kept::TAG.to_owned()]).build()
}

fn meta_field(
    registry: &mut Registry,
    name: &str,
    doc: &str,
    need: &[Ability],
    ty: fn(&mut Registry) -> String,
) -> MetaField {
    let mut field = MetaField::new(name, ty(registry));
    field.description = Some(doc.trim().to_owned());
    if !need.is_empty() {
        async_graphql::TypeDirective::register(&Can, registry);
        field.directive_invocations.push(Can::apply(need));
        crate::auth::describe(&mut field);
    }
    field
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
///         /// The row that a function of this row names; REST leaves its key out where there is none.
///         #[can(GroupsShow)] shown_group: some<Group>(group_shown, live_groups),
///         /// The row whose key a function tells.
///         #[can(ProductsShow)] product: one_by<Product>(product_of, live_products),
///         /// Computed for all rows of a level at once.
///         start_price: each<StartPrice>(start_prices),
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

        impl $crate::record::Record for $Record {
            const NAME: &'static str = stringify!($Record);
            const DOC: &'static str = concat!($($doc, "\n"),+);
            type Entity = entity::$entity::Entity;
            type Model = entity::$entity::Model;

            fn model(&self) -> &Self::Model { &self.0 }
            fn key(model: &Self::Model) -> entity::Id { model.id }
            fn key_column() -> entity::$entity::Column { entity::$entity::Column::Id }

            fn node() -> Option<$crate::node::Refetch<Self::Entity>> {
                $crate::record!(@node $([$($nneed)+] $node)?)
            }

            fn columns() -> &'static [$crate::record::Column<Self::Model>] {
                type Model = entity::$entity::Model;
                static COLUMNS: &[$crate::record::Column<Model>] = &[
                    $( $crate::record!(@id $Record [$($nneed)+]), )?
                    $crate::record::Column {
                        name: "databaseId", doc: "Primary key: the `id` of the REST face.", need: &[],
                        ty: <entity::Id as $crate::record::Leaf>::register,
                        spelling: <entity::Id as $crate::record::Leaf>::spelling,
                        value: |model, face| $crate::record::Leaf::value(&model.id, face),
                        json: |model, out| $crate::record::Leaf::json(&model.id, out),
                    },
                    $( $crate::record!(@column Model, [$($cdoc)+] [$($($cneed)+)?] $column $(shown $form)? $($word)?) ),*
                ];
                COLUMNS
            }

            fn branches() -> &'static [$crate::record::Branch<Self::Model>] {
                static BRANCHES: std::sync::LazyLock<Vec<$crate::record::Branch<entity::$entity::Model>>> =
                    std::sync::LazyLock::new(|| {
                        #[allow(unused_mut, reason = "a record without branches")]
                        let mut branches = Vec::new();
                        $($( $crate::record!(
                            @branch branches, $entity, [$($bdoc)+] [$($($bneed)+)?] $branch $kind $Target [$($args)*]
                        ); )*)?
                        branches
                    });
                &BRANCHES
            }
        }

        impl From<entity::$entity::Model> for $Record {
            fn from(model: entity::$entity::Model) -> Self { Self(model) }
        }

        impl async_graphql::OutputType for $Record {
            fn type_name() -> std::borrow::Cow<'static, str> { stringify!($Record).into() }
            fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
                $crate::record::register::<Self>(registry)
            }
            async fn resolve(
                &self,
                ctx: &async_graphql::ContextSelectionSet<'_>,
                _: &async_graphql::Positioned<async_graphql::parser::types::Field>,
            ) -> async_graphql::ServerResult<async_graphql::Value> {
                $crate::record::resolve_row(self, ctx).await
            }
        }
    };

    (@node) => { None };
    (@node [$($need:ident)+] $node:expr) => {
        Some($crate::node::Refetch { need: &[$($crate::auth::Ability::$need),+], rows: $node })
    };

    (@id $Record:ident [$($need:ident)+]) => {
        $crate::record::Column {
            name: "id", doc: "Global identifier, opaque.", need: &[],
            ty: <async_graphql::ID as async_graphql::OutputType>::create_type_info,
            spelling: $crate::record::Spelling::default,
            value: |model, _| $crate::node::global_id(stringify!($Record), model.id).0.into(),
            json: |model, out| $crate::record::write_str(&$crate::node::global_id(stringify!($Record), model.id), out),
        }
    };

    (@column $Model:ty, [$($doc:literal)+] [$($need:ident)*] $column:ident) => {
        $crate::record::Column {
            name: $crate::camel_name!($column),
            doc: concat!($($doc, "\n"),+),
            need: &[$($crate::auth::Ability::$need),*],
            ty: |registry| {
                fn of<M, L: $crate::record::Leaf>(_: fn(&M) -> &L, registry: &mut async_graphql::registry::Registry) -> String {
                    L::register(registry)
                }
                of(|model: &$Model| &model.$column, registry)
            },
            spelling: || {
                fn of<M, L: $crate::record::Leaf>(_: fn(&M) -> &L) -> $crate::record::Spelling {
                    L::spelling()
                }
                of(|model: &$Model| &model.$column)
            },
            value: |model, face| $crate::record::Leaf::value(&model.$column, face),
            json: |model, out| $crate::record::Leaf::json(&model.$column, out),
        }
    };
    (@column $Model:ty, [$($doc:literal)+] [$($need:ident)*] $column:ident shown $form:ident) => {
        $crate::record::Column {
            name: $crate::camel_name!($column),
            doc: concat!($($doc, "\n"),+),
            need: &[$($crate::auth::Ability::$need),*],
            ty: |registry| {
                fn of<M, C>(_: fn(&M) -> &C, registry: &mut async_graphql::registry::Registry) -> String
                where
                    $form: $crate::record::Shown<C>,
                {
                    <$form as $crate::record::Shown<C>>::register(registry)
                }
                of(|model: &$Model| &model.$column, registry)
            },
            spelling: || {
                fn of<M, C>(_: fn(&M) -> &C) -> $crate::record::Spelling
                where
                    $form: $crate::record::Shown<C>,
                {
                    <$form as $crate::record::Shown<C>>::spelling()
                }
                of(|model: &$Model| &model.$column)
            },
            value: |model, face| <$form as $crate::record::Shown<_>>::value(&model.$column, face),
            json: |model, out| <$form as $crate::record::Shown<_>>::json(&model.$column, out),
        }
    };
    (@column $Model:ty, [$($doc:literal)+] [$($need:ident)*] $column:ident $word:ty) => {
        $crate::record::Column {
            name: $crate::camel_name!($column),
            doc: concat!($($doc, "\n"),+),
            need: &[$($crate::auth::Ability::$need),*],
            ty: <$word as async_graphql::OutputType>::create_type_info,
            spelling: $crate::record::Spelling::default,
            value: |model, face| $crate::record::Word::value(&model.$column, face),
            json: |model, out| $crate::record::Leaf::json(&model.$column, out),
        }
    };

    (@branch $list:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident many $Target:ty [$by:path, $base:path]) => {
        $list.push($crate::record::Branch {
            name: $crate::camel_name!($branch), doc: concat!($($doc, "\n"),+), need: &[$($crate::auth::Ability::$need),*],
            ty: <$crate::record::Rows<$Target> as async_graphql::OutputType>::create_type_info,
            sparse: false,
            resolve: |batch| Box::pin($crate::record::many::<entity::$entity::Model, $Target>(batch, |model| model.id, $by, $base)),
        });
        $list.push($crate::record::Branch {
            name: $crate::camel_name!($branch _count), doc: concat!("Number of `", stringify!($branch), "`."),
            need: &[$($crate::auth::Ability::$need),*],
            ty: <entity::Id as $crate::record::Leaf>::register,
            sparse: false,
            resolve: |batch| Box::pin($crate::record::count::<entity::$entity::Model, $Target>(batch, |model| model.id, $by, $base)),
        });
        $list.push($crate::record::Branch {
            name: $crate::camel_name!($branch _exists), doc: concat!("Whether there are any `", stringify!($branch), "`."),
            need: &[$($crate::auth::Ability::$need),*],
            ty: <bool as async_graphql::OutputType>::create_type_info,
            sparse: false,
            resolve: |batch| Box::pin($crate::record::exists::<entity::$entity::Model, $Target>(batch, |model| model.id, $by, $base)),
        });
    };
    (@branch $list:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident one $Target:ty [$by:ident, $base:path]) => {
        $crate::record!(@branch $list, $entity, [$($doc)+] [$($need)*] $branch one_by $Target [|model| model.$by.into(), $base]);
    };
    (@branch $list:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident one_by $Target:ty [$key:expr, $base:path]) => {
        $list.push($crate::record::Branch {
            name: $crate::camel_name!($branch), doc: concat!($($doc, "\n"),+), need: &[$($crate::auth::Ability::$need),*],
            ty: <Option<$Target> as async_graphql::OutputType>::create_type_info,
            sparse: false,
            resolve: |batch| Box::pin($crate::record::one::<entity::$entity::Model, $Target>(batch, $key, $base)),
        });
        $list.push($crate::record::Branch {
            name: $crate::camel_name!($branch _count), doc: concat!("1 if there is a `", stringify!($branch), "`, else 0."),
            need: &[$($crate::auth::Ability::$need),*],
            ty: <entity::Id as $crate::record::Leaf>::register,
            sparse: false,
            resolve: |batch| Box::pin($crate::record::count_one::<entity::$entity::Model, $Target>(batch, $key, $base)),
        });
        $list.push($crate::record::Branch {
            name: $crate::camel_name!($branch _exists), doc: concat!("Whether there is a `", stringify!($branch), "`."),
            need: &[$($crate::auth::Ability::$need),*],
            ty: <bool as async_graphql::OutputType>::create_type_info,
            sparse: false,
            resolve: |batch| Box::pin($crate::record::exists_one::<entity::$entity::Model, $Target>(batch, $key, $base)),
        });
    };
    (@branch $list:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident some $Target:ty [$by:path, $base:path]) => {
        $list.push($crate::record::Branch {
            name: $crate::camel_name!($branch), doc: concat!($($doc, "\n"),+), need: &[$($crate::auth::Ability::$need),*],
            ty: <Option<$Target> as async_graphql::OutputType>::create_type_info,
            sparse: true,
            resolve: |batch| Box::pin($crate::record::one::<entity::$entity::Model, $Target>(batch, $by, $base)),
        });
    };
    (@branch $list:ident, $entity:ident, [$($doc:literal)+] [$($need:ident)*] $branch:ident each $Target:ty [$by:path]) => {
        $list.push($crate::record::Branch {
            name: $crate::camel_name!($branch), doc: concat!($($doc, "\n"),+), need: &[$($crate::auth::Ability::$need),*],
            ty: <$Target as async_graphql::OutputType>::create_type_info,
            sparse: false,
            resolve: |batch| Box::pin($crate::record::each::<entity::$entity::Model, $Target>(batch, |scope, rows| Box::pin($by(scope, rows)))),
        });
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
