//! Coupons, what they take off, and where they were used.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::value::{Flag, Id, Int, Price};
use entity::{coupon, coupon_product, coupon_usage, invoice, invoice_item, pricing};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde::Deserialize;
use serde_json::json;

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};
use crate::shop::sample::money::{CURRENCIES, money};

/// Makes the coupons with what they take off and where they were used.
pub const MAKER: Maker =
    Maker { after: &["invoice", "pricing"], make: |db, making| Box::pin(make(db, making)) };

/// A coupon; days count from the day on which the shop is made.
#[derive(Deserialize)]
struct Coupon {
    code: String,
    r#type: String,
    /// Percent or units of the currency.
    off: i64,
    from: i64,
    to: i64,
    #[serde(default)]
    uses: i64,
    #[serde(default)]
    months: i64,
    #[serde(default)]
    first: bool,
    #[serde(default)]
    global: bool,
    #[serde(default)]
    setup: bool,
    /// Smallest order.
    #[serde(default)]
    least: i64,
    customer: Option<i64>,
    #[serde(default)]
    products: Vec<i64>,
}

async fn make(db: &impl ConnectionTrait, making: &DemoContext) -> Result<(), Failure> {
    let coupons: Vec<Coupon> = serde_json::from_str(include_str!("demo.json"))?;
    let used = usages(db).await?;
    let uses = |id: i64| used.iter().filter(|usage| usage.coupon_id == Set(Id(id))).count();
    let rows = coupons.iter().zip(1..).map(|(coupon, id)| row(making, coupon, id, uses(id)));
    insert(db, rows.collect()).await?;
    let products = coupons.iter().zip(1..).flat_map(|(coupon, id)| {
        coupon.products.iter().map(move |&product| coupon_product::ActiveModel {
            coupon_id: Set(Id(id)),
            product_id: Set(Id(product)),
            ..Default::default()
        })
    });
    insert(db, products.collect()).await?;
    let worth = coupons
        .iter()
        .zip(1..)
        .flat_map(|(coupon, id)| CURRENCIES.map(|(currency, _)| worth(coupon, id, currency)));
    insert(db, worth.collect()).await?;
    insert(db, used).await?;
    Ok(())
}

/// The discount of a line of an invoice.
#[derive(Deserialize)]
struct Discount {
    /// Key of the coupon.
    id: i64,
    /// What it took off, as a text.
    sub_price: String,
}

/// What the lines of paid invoices tell.
async fn usages(db: &impl ConnectionTrait) -> Result<Vec<coupon_usage::ActiveModel>, Failure> {
    let paid = invoice::Entity::find().filter(invoice::Column::PaidAt.is_not_null()).all(db).await?;
    let paid: BTreeMap<Id, invoice::Model> = paid.into_iter().map(|invoice| (invoice.id, invoice)).collect();
    let lines = invoice_item::Entity::find().filter(invoice_item::Column::Discount.is_not_null());
    let mut usages = Vec::new();
    for line in lines.order_by_asc(invoice_item::Column::Id).all(db).await? {
        let (Some(invoice), Some(discount)) = (paid.get(&line.invoice_id), line.discount) else { continue };
        let Some(paid_at) = invoice.paid_at else { continue };
        let Discount { id, sub_price } = serde_json::from_str(&discount)?;
        usages.push(coupon_usage::ActiveModel {
            coupon_id: Set(Id(id)),
            customer_id: Set(invoice.customer_id),
            used_at: Set(paid_at),
            amount: Set(Price(sub_price.parse()?)),
            created_at: Set(Some(paid_at)),
            updated_at: Set(Some(paid_at)),
            ..Default::default()
        });
    }
    Ok(usages)
}

fn row(making: &DemoContext, coupon: &Coupon, id: i64, usages: usize) -> coupon::ActiveModel {
    let made = making.ahead(coupon.from.min(-10)).0 - TimeDelta::days(5);
    coupon::ActiveModel {
        id: Set(Id(id)),
        code: Set(coupon.code.clone()),
        r#type: Set(coupon.r#type.clone()),
        applied_month: Set(Int(coupon.months)),
        free_setup: Set(Flag(coupon.setup)),
        start_at: Set(Some(making.ahead(coupon.from))),
        end_at: Set(Some(making.ahead(coupon.to))),
        first_order_only: Set(Flag(coupon.first)),
        max_uses: Set(Int(coupon.uses)),
        max_uses_per_customer: Set(Int(1)),
        usages: Set(Int(i64::try_from(usages).unwrap_or(i64::MAX))),
        unique_use: Set(Int(0)),
        customer_id: Set(coupon.customer.map(Id)),
        products_required: Set(json!([]).to_string()),
        is_global: Set(Flag(coupon.global)),
        minimum_order_amount: Set(Price(money(coupon.least * 100))),
        created_at: Set(Some(made.into())),
        updated_at: Set(Some(made.into())),
        ..Default::default()
    }
}

/// What a coupon takes off, kept as a price of every period.
fn worth(coupon: &Coupon, id: i64, currency: &str) -> pricing::ActiveModel {
    let off = Some(Price(money(coupon.off * 100)));
    pricing::ActiveModel {
        related_id: Set(Id(id)),
        related_type: Set("coupon".to_owned()),
        currency: Set(currency.to_owned()),
        monthly: Set(off),
        quarterly: Set(off),
        annually: Set(off),
        ..Default::default()
    }
}
