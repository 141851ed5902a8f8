//! Products that the shop sells (spec: `application-store.md` 5).

use async_graphql::{Context, Enum, ID, Object};
use entity::product;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use super::group::{self, Group};
use super::metadata::{self, Metadata};
use super::pricing::{self, Pricing};
use crate::auth::{Ability, Can};
use crate::page::{Connection, List, Paging};
use crate::{Result, filters, record};

/// What the original calls a product in texts and polymorphic columns.
pub const MODEL: &str = "App\\Models\\Store\\Product";

/// Whether something of the shop is shown and can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ShopStatus {
    /// Shown, can be ordered.
    Active,
    /// Shown, cannot be ordered.
    Hidden,
    /// Not shown to customers.
    Unreferenced,
}

record! {
    /// Something that the shop sells.
    pub struct Product(product::Model);
    columns {
        /// Name shown in the shop.
        name,
        /// Primary key of its group.
        group_id,
        /// Whether it is shown and can be ordered.
        status as ShopStatus,
        /// Description, HTML.
        description,
        /// Whether it is shown first.
        pinned,
        /// How many are left: -1 without limit, 0 sold out.
        stock,
        /// How it is provided: `none`, `domain`, or the name of an extension.
        r#type,
        /// Position in its group.
        sort_order,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
        /// Path of its picture below `/storage/`.
        image,
    }
    branches {
        /// Free values attached to the product.
        #[can(Metadata)] metadata: many<Metadata>(entity::metadata::Column::ModelId, metadata_of_products),
        /// Its prices, in every currency.
        #[can(PricingsIndex)] pricing: many<Pricing>(entity::pricing::Column::RelatedId, prices_of_products),
        /// The group that it is in.
        #[can(GroupsShow)] group: one<Group>(group_id, group::live_groups),
    }
}

filters! {
    /// Conditions on products; all given ones must hold.
    pub struct ProductFilter, ProductSort, ProductSortField on product {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name.
        name: TextFilter = Name,
        /// Status.
        status: WordFilter = Status,
        /// Description.
        description: TextFilter = Description,
        /// Position in its group.
        sort_order: IntFilter = SortOrder,
        /// Primary key of its group.
        group_id: IntFilter = GroupId,
        /// How many are left.
        stock: IntFilter = Stock,
        /// How it is provided.
        r#type: TextFilter = Type,
        /// Whether it is shown first.
        pinned: BooleanFilter = Pinned,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

/// Products that were not deleted.
pub fn live_products() -> Select<product::Entity> {
    product::Entity::find().filter(product::Column::DeletedAt.is_null())
}

fn metadata_of_products() -> Select<entity::metadata::Entity> {
    metadata::attached_to(MODEL)
}

fn prices_of_products() -> Select<entity::pricing::Entity> {
    pricing::prices_of("product")
}

/// Reading products.
#[derive(Default)]
pub struct ProductQuery;

#[Object]
impl ProductQuery {
    /// A product by its identifier.
    #[graphql(directive = Can::apply(&[Ability::ProductsShow, Ability::ProductsIndex]))]
    async fn product(&self, ctx: &Context<'_>, #[graphql(desc = "Global identifier, or the primary key's digits.")] id: ID) -> Result<Option<Product>> {
        Product::find(ctx.into(), live_products(), &id).await
    }

    /// Products of the shop.
    #[graphql(directive = Can::apply(&[Ability::ProductsIndex]))]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions that must hold.")] filter: Option<ProductFilter>,
        #[graphql(desc = "Order; earlier keys come first.")] sort: Option<Vec<ProductSort>>,
        #[graphql(desc = "Only products whose name holds this text, exact matches first.")] search: Option<String>,
        #[graphql(desc = "The first so many rows.")] first: Option<i64>,
        #[graphql(desc = "Only rows behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows.")] last: Option<i64>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "Page, from 1.")] page: Option<i64>,
        #[graphql(desc = "Rows a page.")] per_page: Option<i64>,
    ) -> Result<Connection<Product>> {
        List::of(live_products())
            .filter(filter.as_ref(), ctx.into())
            .search(product::Column::Name, search.as_deref(), sort.is_none(), ctx.into())
            .sort(sort.as_ref())
            .page(ctx, Paging { first, after, last, before, page, per_page })
            .await
    }
}

/// Changing products.
#[derive(Default)]
pub struct ProductMutation;

#[Object]
impl ProductMutation {
    /// Placeholder until the rules are merged.
    #[graphql(directive = Can::apply(&[Ability::ProductsStore]))]
    async fn product_create(&self) -> bool {
        true
    }
}
