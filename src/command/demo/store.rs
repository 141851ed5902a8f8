//! Groups, products, prices, options and coupons.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::value::{Flag, Id, Int, Price, ShopTime};
use entity::{
    config_option, config_options_product, coupon, coupon_product, group, metadata, pricing, product,
};
use sea_orm::{ConnectionTrait, DbErr, Set};
use serde_json::json;

use super::Making;
use super::data::{Coupon, Data, Group, Product};
use crate::command::batch::insert;
use crate::command::random::{money, percent};

/// Class names that the original stores with metadata.
pub(super) const CUSTOMER: &str = r"App\Models\Account\Customer";
const GROUP: &str = r"App\Models\Store\Group";
const PRODUCT: &str = r"App\Models\Store\Product";
/// Currencies with their rate in percent of the euro.
const CURRENCIES: [(&str, i64); 2] = [("EUR", 100), ("USD", 110)];

/// A product as the sales need it; amounts are cents before tax.
pub(super) struct Article {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) month: Option<i64>,
    pub(super) once: i64,
    pub(super) setup: i64,
    /// Whether memory can be added.
    pub(super) options: bool,
}

impl Article {
    /// Price of so many months; longer periods are cheaper. No months: the price that is paid once.
    pub(super) fn price(&self, months: i64) -> i64 {
        let rate = match months {
            ..=1 => 100,
            2..=3 => 97,
            4..=6 => 94,
            7..=12 => 88,
            13..=24 => 84,
            _ => 80,
        };
        self.month.map_or(self.once, |month| percent(month * months.max(1), rate))
    }
}

/// An amount in euros as one of the currency.
pub(super) fn exchanged(cents: i64, currency: &str) -> i64 {
    let rate = CURRENCIES.iter().find(|(name, _)| *name == currency).map_or(100, |(_, rate)| *rate);
    percent(cents, rate)
}

#[derive(Default)]
struct Rows {
    groups: Vec<group::ActiveModel>,
    products: Vec<product::ActiveModel>,
    notes: Vec<metadata::ActiveModel>,
    articles: Vec<Article>,
}

pub(super) async fn fill(
    db: &impl ConnectionTrait,
    making: &mut Making,
    data: &Data,
) -> Result<Vec<Article>, DbErr> {
    let mut rows = Rows::default();
    for group in &data.catalogue {
        shelf(&mut rows, making, group, None);
    }
    insert(db, rows.groups).await?;
    insert(db, rows.products).await?;
    insert(db, rows.notes).await?;
    let prices = rows
        .articles
        .iter()
        .zip(1..)
        .flat_map(|(article, id)| CURRENCIES.map(|(currency, _)| price(article, id, currency)));
    insert(db, prices.collect()).await?;
    options(db, making, &rows.articles).await?;
    Ok(rows.articles)
}

fn shelf(rows: &mut Rows, making: &mut Making, group: &Group, parent: Option<Id>) {
    let id = Id(count(&rows.groups) + 1);
    let made = Some(making.ago(425 - id.0));
    let [title, color, icon] = group.badge.clone().map_or([None, None, None], |badge| badge.map(Some));
    rows.groups.push(group::ActiveModel {
        id: Set(id),
        name: Set(group.name.clone()),
        slug: Set(group.slug.clone()),
        status: Set(status(group.status.as_deref())),
        description: Set(group.description.clone()),
        badge_title: Set(title),
        badge_color: Set(color),
        badge_icon: Set(icon),
        pinned: Set(group.pinned),
        sort_order: Set(Int(id.0)),
        parent_id: Set(parent),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    rows.notes.extend(notes(GROUP, id, &group.metadata, made));
    for article in &group.products {
        put_on(rows, making, article, id);
    }
    for inner in &group.groups {
        shelf(rows, making, inner, Some(id));
    }
}

fn put_on(rows: &mut Rows, making: &mut Making, article: &Product, group: Id) {
    let id = Id(count(&rows.products) + 1);
    let made = Some(making.ago(420 - id.0 * 3));
    rows.products.push(product::ActiveModel {
        id: Set(id),
        name: Set(article.name.clone()),
        group_id: Set(group),
        status: Set(status(article.status.as_deref())),
        description: Set(article.description.clone()),
        pinned: Set(article.pinned),
        stock: Set(Int(article.stock)),
        r#type: Set("none".to_owned()),
        sort_order: Set(Int(id.0)),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    rows.notes.extend(notes(PRODUCT, id, &article.metadata, made));
    rows.articles.push(Article {
        name: article.name.clone(),
        description: article.description.clone(),
        month: article.month,
        once: article.once.unwrap_or(0),
        setup: article.setup,
        options: article.options,
    });
}

fn count<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

fn status(given: Option<&str>) -> String {
    given.unwrap_or("active").to_owned()
}

/// Metadata rows of one owner.
pub(super) fn notes<'a>(
    class: &'static str,
    owner: Id,
    notes: &'a BTreeMap<String, String>,
    made: Option<ShopTime>,
) -> impl Iterator<Item = metadata::ActiveModel> + 'a {
    notes.iter().map(move |(key, value)| metadata::ActiveModel {
        model_id: Set(owner),
        model_type: Set(class.to_owned()),
        key: Set(key.clone()),
        value: Set(Some(value.clone())),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    })
}

fn price(article: &Article, id: i64, currency: &str) -> pricing::ActiveModel {
    let amount = |cents: i64| money(exchanged(cents, currency));
    let monthly = article.month.is_some();
    let period = |months: i64| monthly.then(|| Price(amount(article.price(months))));
    let setup = (article.setup > 0).then(|| Price(amount(article.setup)));
    pricing::ActiveModel {
        related_id: Set(Id(id)),
        related_type: Set("product".to_owned()),
        currency: Set(currency.to_owned()),
        weekly: Set(monthly.then(|| amount(percent(article.price(1), 30)))),
        onetime: Set((!monthly).then(|| Price(amount(article.once)))),
        monthly: Set(period(1)),
        quarterly: Set(period(3)),
        semiannually: Set(period(6)),
        annually: Set(period(12)),
        biennially: Set(period(24)),
        triennially: Set(period(36)),
        setup_monthly: Set(setup),
        setup_quarterly: Set(setup),
        ..Default::default()
    }
}

/// More memory for some products.
async fn options(db: &impl ConnectionTrait, making: &mut Making, articles: &[Article]) -> Result<(), DbErr> {
    let made = Some(making.ago(300));
    let memory = config_option::ActiveModel {
        id: Set(Id(1)),
        r#type: Set("slider".to_owned()),
        key: Set("additional_memory".to_owned()),
        name: Set("Mémoire supplémentaire".to_owned()),
        default_value: Set(Some("0".to_owned())),
        min_value: Set(Some(Int(0))),
        max_value: Set(Some(Int(16))),
        step: Set(Some(Int(1))),
        required: Set(Flag(false)),
        unit: Set(Some("Go".to_owned())),
        automatic: Set(Flag(true)),
        hidden: Set(Flag(false)),
        sort_order: Set(Int(1)),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    };
    insert(db, vec![memory]).await?;
    let offered = articles.iter().zip(1..).filter(|(article, _)| article.options);
    let offered = offered.map(|(_, id)| config_options_product::ActiveModel {
        config_option_id: Set(Id(1)),
        product_id: Set(Id(id)),
        sort_order: Set(Int(1)),
        created_at: Set(made),
        updated_at: Set(made),
    });
    insert(db, offered.collect()).await
}

pub(super) async fn coupons(
    db: &impl ConnectionTrait,
    making: &mut Making,
    coupons: &[Coupon],
) -> Result<(), DbErr> {
    let rows = coupons.iter().zip(1..).map(|(coupon, id)| one_coupon(making, coupon, id));
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
    insert(db, worth.collect()).await
}

fn one_coupon(making: &Making, coupon: &Coupon, id: i64) -> coupon::ActiveModel {
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
        usages: Set(Int(0)),
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
