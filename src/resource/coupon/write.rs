//! Making, changing and deleting coupons (docs/contract/application-store.md#8.3, docs/contract/application-store.md#8.4).

use std::collections::BTreeSet;

use async_graphql::{Context, MaybeUndefined};
use entity::{Id, Int, ShopTime, coupon, coupon_product, coupon_usage, product};
use facade::record::{Deleted, KeyOf};
use facade::transaction::Transaction;
use facade::write::{lock, put, save, taken};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

use super::{Coupon, CouponInput, MODEL, live_coupons, metadata};
use crate::Result;
use crate::resource::pricing::{self, PeriodPrices, PricingTarget};
use crate::resource::product::{Product, live_products};
use crate::scope::ShopScope;

pub(super) async fn create(scope: ShopScope<'_>, input: CouponInput) -> Result<coupon::Model> {
    let now = ShopTime::from(scope.now());
    let mut row = coupon::ActiveModel {
        usages: Set(Int(0)),
        products_required: Set(json!([]).to_string()),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    write_columns(&mut row, &input);
    put(&mut row.usages, input.usages);
    let currency = scope.currency().await?;
    let (input, row, currency) = (&input, &row, currency.as_str());
    scope
        .write(|transaction| async move {
            let coupon =
                row.clone().insert(&transaction).await.map_err(|error| taken(*scope, "code", error))?;
            let prices = input.pricing.value().cloned().unwrap_or_default();
            pricing::write_first(&transaction, (PricingTarget::Coupon, coupon.id), &prices, currency).await?;
            let products = products(&transaction, input).await?;
            link(&transaction, coupon.id, &products).await?;
            Ok(coupon)
        })
        .await
}

pub(super) async fn update(scope: ShopScope<'_>, id: Id, mut input: CouponInput) -> Result<coupon::Model> {
    if scope.is_partial() {
        input.usages = MaybeUndefined::Undefined;
    } else {
        reset_what_is_missing(&mut input);
    }
    let currency = scope.currency().await?;
    let (input, currency) = (&input, currency.as_str());
    scope
        .write(|transaction| async move {
            let coupon = lock::<Coupon>(&transaction, live_coupons(), id, MODEL, scope.expected()).await?;
            let mut row = coupon.clone().into_active_model();
            write_columns(&mut row, input);
            put(&mut row.usages, input.usages);
            let prices = PeriodPrices::of_update(scope, &input.pricing);
            let target = (PricingTarget::Coupon, id);
            let has_new_prices = pricing::write_first(&transaction, target, &prices, currency).await?;
            // The original does not note them in the coupon. In GraphQL nobody shall write over them unawares.
            let coupon = if row.is_changed() || (has_new_prices && !scope.execution().api.is_rest()) {
                save(&transaction, row, scope.now()).await.map_err(|error| taken(*scope, "code", error))?
            } else {
                coupon
            };
            let products = products(&transaction, input).await?;
            // Left out, the products stay as they are: groups add theirs.
            if !input.products.is_undefined() {
                unlink(&transaction, id, &products).await?;
            }
            link(&transaction, id, &products).await?;
            Ok(coupon)
        })
        .await
}

/// What a whole replacement leaves out is off or empty (docs/contract/application-store.md#C6).
fn reset_what_is_missing(input: &mut CouponInput) {
    for flag in [&mut input.free_setup, &mut input.first_order_only, &mut input.is_global] {
        if flag.is_undefined() {
            *flag = MaybeUndefined::Value(false);
        }
    }
    for list in [&mut input.products, &mut input.required_products] {
        if list.is_undefined() {
            *list = MaybeUndefined::Value(Vec::new());
        }
    }
}

fn write_columns(row: &mut coupon::ActiveModel, input: &CouponInput) {
    input.write_to(row);
    let required = input.required_products.clone().map_value(|products| json!(keys(&products)).to_string());
    put(&mut row.products_required, required);
}

fn keys(products: &[KeyOf<Product>]) -> Vec<i64> {
    products.iter().map(|product| product.id.0).collect()
}

/// The products that a coupon is for: those that are named, and those of the groups that are named.
async fn products(transaction: &Transaction, input: &CouponInput) -> Result<BTreeSet<Id>> {
    let named = input.products.value().into_iter().flatten().map(|product| product.id);
    let mut products: BTreeSet<Id> = named.collect();
    let groups: Vec<Id> = input.groups.value().into_iter().flatten().map(|group| group.id).collect();
    if !groups.is_empty() {
        let of_groups = live_products().filter(product::Column::GroupId.is_in(groups));
        let keys = of_groups.select_only().column(product::Column::Id).into_tuple::<Id>();
        products.extend(keys.all(transaction).await?);
    }
    Ok(products)
}

/// Adds the products that are missing from a coupon that is locked.
async fn link(transaction: &Transaction, coupon: Id, products: &BTreeSet<Id>) -> Result<()> {
    if products.is_empty() {
        return Ok(());
    }
    let known = coupon_product::Entity::find()
        .select_only()
        .column(coupon_product::Column::ProductId)
        .filter(coupon_product::Column::CouponId.eq(coupon))
        .order_by_asc(coupon_product::Column::Id);
    let known: BTreeSet<Id> = known.into_tuple::<Id>().all(transaction).await?.into_iter().collect();
    let rows: Vec<_> = products
        .difference(&known)
        .map(|&product| coupon_product::ActiveModel {
            coupon_id: Set(coupon),
            product_id: Set(product),
            ..Default::default()
        })
        .collect();
    if !rows.is_empty() {
        coupon_product::Entity::insert_many(rows).exec(transaction).await?;
    }
    Ok(())
}

/// Takes away the products that a coupon is not for any more.
async fn unlink(transaction: &Transaction, coupon: Id, products: &BTreeSet<Id>) -> Result<()> {
    coupon_product::Entity::delete_many()
        .filter(coupon_product::Column::CouponId.eq(coupon))
        .filter(coupon_product::Column::ProductId.is_not_in(products.iter().copied()))
        .exec(transaction)
        .await?;
    Ok(())
}

pub(super) async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<Coupon>> {
    let now = ShopTime::from(scope.now());
    scope
        .write(|transaction| async move {
            let coupon = lock::<Coupon>(&transaction, live_coupons(), id, MODEL, scope.expected()).await?;
            let gone = coupon::Model { deleted_at: Some(now), updated_at: Some(now), ..coupon.clone() };
            let deleted = Deleted::<Coupon>::read(ctx, &transaction, gone).await?;
            if !deleted.is_read() {
                return Ok(deleted);
            }
            let mut row = coupon.into_active_model();
            row.deleted_at = Set(Some(now));
            save(&transaction, row, now.0).await?;
            pricing::delete_of(&transaction, PricingTarget::Coupon, id, now).await?;
            unlink(&transaction, id, &BTreeSet::new()).await?;
            coupon_usage::Entity::delete_many()
                .filter(coupon_usage::Column::CouponId.eq(id))
                .exec(&transaction)
                .await?;
            metadata::detach(&transaction, MODEL, id).await?;
            Ok(deleted)
        })
        .await
}
