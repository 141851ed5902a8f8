//! Products that the shop sells (docs/contract/application-store.md#5).

pub mod demo;
pub mod seed;

use async_graphql::{Context, ID, Json, MaybeUndefined, MergedObject, Object};
use entity::{Id, Int, ShopTime, invoice_item, product};
use facade::error::Refusal;
use facade::form::{File, Form};
use facade::guard::Can;
use facade::payload::Deletes;
use facade::record::{CountryCode, Currency, Deleted, Html, KeyOf, Moment, View, require};
use facade::rest_only::RestOnly;
use facade::transaction::Transaction;
use facade::write::{lock, put, save};
use facade::{filters, form, list, one, record, words};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Select,
};

use super::group::{self, Group, lock_group};
use super::metadata::{self, Metadata};
use super::pricing::cheapest::{POINTS, ProductPriceFilter, sort_key};
use super::pricing::price::{self, Price};
use super::pricing::{
    self, BillingPeriod, CurrencyPrices, Pricing, PricingTarget, ProductPricing, product_prices,
};
use super::service::{self, Service, ServiceFilter, ServiceSort};
use crate::scope::ShopScope;
use crate::shop::html::{active_content, harmless_html};
use crate::shop::image::{self, Image};
use crate::shop::storage::{self, Draft};
use crate::{Result, abilities};

abilities! {
    /// Lists products.
    INDEX = "products:index", permissions ["admin.manage_products"];
    /// Shows products.
    SHOW = "products:show", permissions ["admin.manage_products"];
    /// Makes products.
    STORE = "products:store", aliases ["products:create"], permissions ["admin.manage_products"];
    /// Changes products.
    UPDATE = "products:update", permissions ["admin.manage_products"];
    /// Deletes products.
    DELETE = "products:delete", permissions ["admin.manage_products"];
}

/// The class of a product in texts and polymorphic columns of the original.
pub const MODEL: &str = "App\\Models\\Store\\Product";

words! {
    /// Whether something of the shop is shown and can be ordered.
    pub enum ShopStatus {
        /// Shown, can be ordered.
        Active = "active",
        /// Shown, cannot be ordered.
        Hidden = "hidden",
        /// Not shown to customers.
        Unreferenced = "unreferenced",
    }
}

record! {
    /// Something that the shop sells.
    pub struct Product(entity::product);
    #[can(SHOW, INDEX)] node: |_| live_products();
    columns {
        /// Name shown in the shop.
        name,
        /// Identifier of its group.
        group_id shown KeyOf<Group>,
        /// Whether it is shown and can be ordered.
        status as ShopStatus,
        /// Description, HTML.
        description shown Html,
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
        #[rest_only] image_path from image,
    }
    branches {
        /// Its picture.
        image: each<Option<Image>>(images, [Image]),
        /// Free values attached to the product.
        #[can(metadata::METADATA)] metadata: many<Metadata>(entity::metadata::Column::ModelId, metadata_of_products),
        /// Its prices by billing period, without those that are not sold: shorter periods first, what is paid once last.
        #[can(pricing::INDEX)] prices: each<Vec<Price>>(price::of_products, [Id], {
            /// Only in this currency; without it in all, the shop's own first.
            currency: Currency,
            /// Only for this billing period.
            period: BillingPeriod,
            /// Country whose tax is on them, two letters; without it, that of the customer who asks.
            country: CountryCode,
        }),
        /// Its prices as they are stored, in every currency.
        #[can(pricing::INDEX)] pricing_rows: many<Pricing>(entity::pricing::Column::RelatedId, pricing::prices_of_products),
        /// Services that were made from it.
        #[can(service::INDEX)] services:
            many<Service>(entity::service::Column::ProductId, service::live_services) by ServiceFilter, ServiceSort,
        /// The group that it is in.
        #[can(group::SHOW)] group: one<Group>(group_id, group::live_groups),
    }
}

filters! {
    /// Conditions on products; all given ones must hold.
    pub struct ProductFilter, ProductSort, ProductSortField on entity::product {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name.
        name: TextFilter = Name,
        /// Status.
        status: WordFilter<ShopStatus> = Status in ShopStatus,
        /// Description.
        description: TextFilter = Description,
        /// Position in its group.
        sort_order: IntFilter = SortOrder,
        /// Identifier of its group.
        group_id: KeyFilter<Group> = GroupId,
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
    computed {
        /// What it costs a month at least, in one currency. In an order, products without a recurring price come last.
        #[can(pricing::INDEX)] #[cost(POINTS)] price: ProductPriceFilter = Price(sort_key, {
            /// Currency of the price that is ordered by; without it, the shop's own.
            currency: Currency
        }),
    }
}

/// Products that are not deleted.
pub fn live_products() -> Select<product::Entity> {
    product::Entity::find().filter(product::Column::DeletedAt.is_null())
}

async fn images(scope: ShopScope<'_>, products: &[View<'_>]) -> Result<Vec<Option<Image>>> {
    image::of_column(&scope.public_url(), products, product::Column::Image as usize)
}

fn metadata_of_products() -> Select<entity::metadata::Entity> {
    metadata::attached_to(MODEL)
}

one! {
    /// A product by its identifier.
    #[can(SHOW, INDEX)] pub ProductById: product<Product>(live_products);
}

list! {
    /// Products of the shop.
    #[can(INDEX)] pub ProductList: products<Product>(live_products) by ProductFilter, ProductSort,
    search(product::Column::Name): "Only products whose name holds this text, exact matches first.";
}

/// Reading products.
#[derive(MergedObject, Default)]
pub struct ProductQuery(ProductById, ProductList, ProductConfigQuery);

/// Reading what the kind of a product adds to it.
#[derive(Default)]
pub struct ProductConfigQuery;

#[Object]
impl ProductConfigQuery {
    /// The configuration of a product's kind. The kinds of the base shop have none.
    #[graphql(directive = Can::apply(&[SHOW]), directive = RestOnly::apply())]
    async fn product_config(&self, ctx: &Context<'_>, id: ID) -> Result<Json<serde_json::Value>> {
        no_config(ctx.into(), &id).await
    }
}

form! {
    /// What a new product is made from.
    pub struct ProductCreateInput for entity::product {
        /// Name shown in the shop.
        name: String => [required(), string(), max(255)],
        /// Description, HTML without active content.
        description: String => [required(), string(), text_column(), active_content(), harmless_html()],
        /// Whether it is shown and can be ordered.
        status: ShopStatus => [required(), string(), one_of(ShopStatus::WORDS)],
        /// Identifier of its group.
        group_id: KeyOf<Group> => [required(), integer(), exists("groups", "id")],
        /// How many are left: -1 without limit, 0 sold out.
        stock: i64 => [required(), integer(), in_graphql(min(-1))],
        /// How it is provided.
        r#type: String => [required(), string(), one_of(TYPES)],
        /// Whether it is shown first.
        pinned: bool => [flag()],
        /// Its picture.
        #[no_column]
        image: File => [nullable(), image(), mimes(PICTURES), max(2048)],
        /// Its prices, for each currency.
        #[no_column]
        pricing: ProductPricing => [product_prices()],
    }
}

form! {
    /// What changes in a product; fields that are left out stay as they are.
    pub struct ProductUpdateInput for entity::product {
        /// Name shown in the shop.
        name: String => [string(), max(255)],
        /// Description, HTML without active content.
        description: String => [string(), text_column(), active_content(), harmless_html()],
        /// Whether it is shown and can be ordered.
        status: ShopStatus => [string(), one_of(ShopStatus::WORDS)],
        /// Identifier of its group.
        group_id: KeyOf<Group> => [integer(), exists("groups", "id")],
        /// How many are left: -1 without limit, 0 sold out.
        stock: i64 => [integer(), in_graphql(min(-1))],
        /// How it is provided.
        r#type: String => [string(), one_of(TYPES)],
        /// Whether it is shown first.
        pinned: bool => [flag()],
        /// Its new picture.
        #[no_column]
        image: File => [nullable(), image(), mimes(PICTURES), max(2048)],
        /// Whether its picture is removed.
        #[no_column]
        remove_image: bool => [nullable(), string(), one_of(&["true", "false"])],
        /// Its prices, for each currency; those of other currencies stay as they are.
        #[no_column]
        pricing: ProductPricing => [product_prices()],
    }
}

/// Changing products.
#[derive(Default)]
pub struct ProductMutation;

#[Object]
impl ProductMutation {
    /// Makes a product.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn product_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] input: Form<ProductCreateInput>,
    ) -> Result<Product> {
        let scope = ShopScope::from(ctx);
        create(scope, scope.check_new(input).await?).await.map(Product)
    }

    /// Changes a product.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn product_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] input: Form<ProductUpdateInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Product> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require::<Product>(*scope, live_products, &id, MODEL).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        update(scope, id, input).await.map(Product)
    }

    /// Deletes a product with its prices and free values. Services that run on it stay.
    #[graphql(directive = Can::apply(&[DELETE]), directive = Deletes::apply())]
    async fn product_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Deleted<Product>> {
        let scope = ShopScope::from(ctx);
        let id = require::<Product>(*scope, live_products, &id, MODEL).await?.0.id;
        delete(ctx, scope, id).await
    }

    /// Writes the configuration of a product's kind. The kinds of the base shop have none.
    #[graphql(directive = Can::apply(&[UPDATE]), directive = RestOnly::apply())]
    async fn product_config_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "The configuration, as the product's kind defines it.")] input: Json<
            serde_json::Value,
        >,
    ) -> Result<Json<serde_json::Value>> {
        let _ = input;
        no_config(ctx.into(), &id).await
    }
}

/// Maximum number of keys in one `IN` list.
const MAX_KEYS: usize = 10_000;
/// Types of products that the base shop can provide.
const TYPES: &[&str] = &["none", "domain"];
/// Folder of the pictures of products in the public storage.
const FOLDER: &str = "products";
/// Extensions of pictures that are accepted.
const PICTURES: &[&str] = &["jpeg", "png", "jpg", "gif", "svg"];

/// The refusal of a configuration: types of the base shop have none.
async fn no_config(scope: ShopScope<'_>, id: &str) -> Result<Json<serde_json::Value>> {
    require::<Product>(*scope, live_products, id, MODEL).await?;
    Err(Refusal::message(404, scope.texts().text("admin.products.config.notfound", &[])))
}

/// Creates a product with its prices and picture.
async fn create(scope: ShopScope<'_>, input: ProductCreateInput) -> Result<product::Model> {
    let now = Some(ShopTime::from(scope.now()));
    let mut row = product::ActiveModel {
        created_at: Set(now),
        updated_at: Set(now),
        sort_order: Set(Int(0)),
        pinned: Set(false),
        ..Default::default()
    };
    input.write_to(&mut row);
    let own_currency = scope.currency().await?;
    let draft = Draft::of(&scope.config().storage, FOLDER, &input.image).await?;
    let (input, row, own_currency) = (&input, &row, own_currency.as_str());
    let (draft, storage) = (draft.as_ref(), &scope.config().storage);
    let product = scope.write(|transaction| async move {
        if let MaybeUndefined::Value(group) = input.group_id {
            lock_group(&transaction, group.id).await?;
        }
        let mut product = row.clone().insert(&transaction).await?;
        let prices = input.pricing.value().map(ProductPricing::given).unwrap_or_default();
        write_prices(scope, &transaction, product.id, prices, own_currency).await?;
        if let MaybeUndefined::Value(file) = &input.image {
            let mut row = product.into_active_model();
            row.image = Set(Some(image_name(*row.id.as_ref(), file)));
            product = row.update(&transaction).await?;
        }
        storage::place(&transaction, storage, draft, product.image.as_deref());
        Ok(product)
    });
    product.await
}

/// Updates a product. Fields that were not given stay as they are.
async fn update(scope: ShopScope<'_>, id: Id, input: ProductUpdateInput) -> Result<product::Model> {
    let own_currency = scope.currency().await?;
    let draft = Draft::of(&scope.config().storage, FOLDER, &input.image).await?;
    let (input, own_currency) = (&input, own_currency.as_str());
    let (draft, storage) = (draft.as_ref(), &scope.config().storage);
    let updated = scope.write(|transaction| async move {
        let product = lock::<Product>(&transaction, live_products(), id, MODEL, scope.expected()).await?;
        if let MaybeUndefined::Value(group) = input.group_id {
            lock_group(&transaction, group.id).await?;
        }
        let former_image = product.image.clone();
        let mut row = product.clone().into_active_model();
        input.write_to(&mut row);
        if input.remove_image == MaybeUndefined::Value(true) {
            put(&mut row.image, MaybeUndefined::<String>::Null);
        }
        if let MaybeUndefined::Value(file) = &input.image {
            row.image = Set(Some(image_name(id, file)));
        }
        let prices = input.pricing.value().map(|prices| prices.of_update(scope)).unwrap_or_default();
        let has_new_prices = write_prices(scope, &transaction, id, prices, own_currency).await?;
        // The original does not note new prices in the product. In GraphQL nobody shall write over them unawares.
        let is_changed = row.is_changed() || (has_new_prices && !scope.execution().api.is_rest());
        let product = if is_changed { save(&transaction, row, scope.now()).await? } else { product };
        let unused_image = former_image.filter(|former_image| product.image.as_ref() != Some(former_image));
        storage::place(&transaction, storage, draft, product.image.as_deref());
        storage::forget(&transaction, storage, unused_image);
        Ok(product)
    });
    updated.await
}

/// Writes the given prices of a product, if there are any. REST has no currencies in them: they go to the product's first row of
/// prices, whatever that row's currency is. Answers whether anything has changed.
async fn write_prices(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    product: Id,
    prices: Vec<CurrencyPrices>,
    own_currency: &str,
) -> Result<bool> {
    let mut is_changed = false;
    for CurrencyPrices { currency, mut prices } in prices {
        if prices.is_empty() {
            continue;
        }
        let target = (PricingTarget::Product, product);
        is_changed |= if scope.execution().api.is_rest() {
            pricing::write_first(transaction, target, &prices, own_currency).await?
        } else {
            let currency = currency.map_or_else(|| own_currency.to_owned(), String::from);
            pricing::write_in_currency(transaction, target, &prices, &currency).await?
        };
    }
    Ok(is_changed)
}

/// The path of a picture below `/storage/`.
fn image_name(product: Id, file: &File) -> String {
    format!("{FOLDER}/{product}.{}", file.extension().unwrap_or("bin"))
}

/// Deletes a product with its prices, metadata, picture and undelivered invoice items.
async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<Product>> {
    let now = scope.now().into();
    let deleted = scope.write(|transaction| async move {
        let product = lock::<Product>(&transaction, live_products(), id, MODEL, scope.expected()).await?;
        let deleted_row = product::Model { deleted_at: Some(now), updated_at: Some(now), ..product.clone() };
        let deleted = Deleted::<Product>::read(ctx, &transaction, deleted_row).await?;
        if !deleted.is_read() {
            return Ok(deleted);
        }
        let image = product.image.clone();
        let mut row = product.into_active_model();
        row.deleted_at = Set(Some(now));
        save(&transaction, row, now.0).await?;
        pricing::delete_of(&transaction, PricingTarget::Product, id, now).await?;
        metadata::detach(&transaction, MODEL, id).await?;
        cancel_items(&transaction, id, now).await?;
        storage::forget(&transaction, &scope.config().storage, image);
        Ok(deleted)
    });
    deleted.await
}

/// Cancels the invoice items of a product that are not delivered. Reads first: the table has no index on the product,
/// and an update by it would lock all of its rows.
async fn cancel_items(transaction: &Transaction, product: Id, now: ShopTime) -> Result<()> {
    let open = Condition::all()
        .add(invoice_item::Column::Type.eq("product"))
        .add(invoice_item::Column::RelatedId.eq(product))
        .add(invoice_item::Column::DeliveredAt.is_null());
    let found =
        invoice_item::Entity::find().select_only().column(invoice_item::Column::Id).filter(open.clone());
    let keys: Vec<Id> = found.into_tuple().all(transaction).await?;
    for keys in keys.chunks(MAX_KEYS) {
        invoice_item::Entity::update_many()
            .col_expr(invoice_item::Column::CancelledAt, Expr::value(now))
            .filter(invoice_item::Column::Id.is_in(keys.iter().copied()))
            .filter(open.clone())
            .exec(transaction)
            .await?;
    }
    Ok(())
}
