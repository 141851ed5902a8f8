//! Macros for the root fields that most records have: one record by its identifier ([`one!`](crate::one!)), and a list
//! ([`list!`](crate::list!)).

use async_graphql::registry::MetaField;

/// Descriptions of the arguments that mean the same on all root fields.
const ARGUMENTS: &[(&str, &str)] = &[
    ("id", "Global identifier, or the primary key's digits."),
    (
        "filter",
        "Conditions that must hold. One that is null, or whose variable is not given, is no condition.",
    ),
    ("sort", "Order; earlier keys come first."),
    ("first", "Number of rows from the start. Without it, `last`, `page` and `perPage`: the first 25."),
    ("after", "Only rows behind this cursor."),
    ("last", "Number of rows from the end."),
    ("before", "Only rows before this cursor."),
    ("page", "Page, from 1."),
    ("perPage", "Rows a page."),
    (
        "expectedUpdatedAt",
        "`updatedAt` as it was read; where the record was changed since, nothing is written (`STALE`).",
    ),
];

/// Adds these descriptions to arguments that have none.
pub(crate) fn describe_arguments(field: &mut MetaField) {
    for argument in field.args.values_mut().filter(|argument| argument.description.is_none()) {
        let known = ARGUMENTS.iter().find(|(name, _)| *name == argument.name);
        argument.description = known.map(|(_, text)| (*text).to_owned());
    }
}

/// Declares a root field that returns one record by its identifier.
///
/// ```ignore
/// one! {
///     /// A product by its identifier.
///     #[can(SHOW, INDEX)] pub ProductById: product<Product>(live_products);
/// }
/// ```
///
/// Where there is none it answers null; a REST document says with `missing` what it answers then.
#[macro_export]
macro_rules! one {
    (
        $(#[doc = $doc:literal])+
        #[can($($need:path),+)] $visibility:vis $Field:ident: $field:ident<$Record:ty>($rows:path);
    ) => {
        $(#[doc = $doc])+
        #[derive(Default)]
        $visibility struct $Field;

        #[async_graphql::Object]
        impl $Field {
            $(#[doc = $doc])+
            #[graphql(directive = $crate::guard::Can::apply(&[$($need),+]))]
            async fn $field(
                &self,
                ctx: &async_graphql::Context<'_>,
                id: async_graphql::ID,
            ) -> $crate::Result<Option<$crate::record::SelectedRow<$Record>>> {
                $crate::record::read_by_id(ctx, $rows, &id).await
            }
        }
    };
}

/// Declares a root field that returns a list of records, by Relay cursors or by pages.
///
/// ```ignore
/// list! {
///     /// Products of the shop.
///     #[can(INDEX)] pub ProductList: products<Product>(live_products) by ProductFilter, ProductSort,
///     search(product::Column::Name): "Only products whose name holds this text, exact matches first.";
/// }
/// list! {
///     /// Rows of prices.
///     #[can(INDEX)] pub PricingList: pricings<Pricing>(live_prices) by PricingFilter, PricingSort,
///     narrowed(of_product) { product: ID = "Only prices of this product." };
/// }
/// ```
///
/// An argument with `#[rest_only]` is one of REST documents alone.
///
/// A list is narrowed by `async fn(RequestScope<'_>, List<Entity>, Option<ID>) -> Result<List<Entity>>`.
#[macro_export]
macro_rules! list {
    (
        $(#[doc = $doc:literal])+
        #[can($($need:path),+)] $visibility:vis $Field:ident: $field:ident<$Record:ty>($rows:path) by $Filter:ty, $Sort:ty
        $(, search($column:path): $search:literal)?
        $(, narrowed($narrow:path) {
            $($(#[rest_only $($rest_only:tt)?])? $argument:ident: $Argument:ty = $about:literal),+ $(,)?
        })?;
    ) => {
        $(#[doc = $doc])+
        #[derive(Default)]
        $visibility struct $Field;

        #[async_graphql::Object]
        impl $Field {
            $(#[doc = $doc])+
            #[graphql(directive = $crate::guard::Can::apply(&[$($need),+]))]
            #[allow(clippy::too_many_arguments, reason = "the arguments of a list")]
            async fn $field(
                &self,
                ctx: &async_graphql::Context<'_>,
                filter: Option<Box<$Filter>>,
                sort: Option<Vec<$Sort>>,
                $( #[graphql(desc = $search)] search: Option<String>, )?
                $($(
                    #[graphql(desc = $about $(, directive = $crate::rest_only::RestOnly::apply($($rest_only)?))?)]
                    $argument: Option<$Argument>,
                )+)?
                first: Option<i64>,
                after: Option<String>,
                last: Option<i64>,
                before: Option<String>,
                page: Option<i64>,
                per_page: Option<i64>,
            ) -> $crate::Result<$crate::page::Connection<$Record>> {
                let list = $crate::page::List::of($rows);
                $( let list = $narrow(ctx.into(), list, $($argument),+).await?; )?
                let paging = $crate::page::Paging { first, after, last, before, page, per_page };
                let list = list.filter(filter.as_deref(), ctx.into());
                $( let list = list.search($column, search.as_deref(), sort.is_none(), ctx.into()); )?
                list.sort(sort.as_ref(), ctx.into()).page(ctx, paging).await
            }
        }
    };
}
