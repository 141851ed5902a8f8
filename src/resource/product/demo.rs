//! The products of the demo shop, and the option that some offer.

use std::collections::BTreeMap;
use std::mem;

use entity::value::{Flag, Id, Int};
use entity::{config_option, config_options_product, product};
use sea_orm::{ConnectionTrait, DbErr, Set};
use serde::Deserialize;

use crate::resource::metadata;
use crate::resource::product::MODEL;
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};
use crate::shop::sample::money::percent;

/// Inserts the products that the maker of groups drew.
pub const MAKER: Maker = Maker { after: &["group"], make: |db, making| Box::pin(make(db, making)) };

/// A product; amounts are cents before tax.
#[derive(Deserialize)]
pub struct Article {
    /// Slug of its group.
    group: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Monthly price; none for a product that is bought once.
    pub month: Option<i64>,
    /// Price of a product that is bought once.
    #[serde(default)]
    pub once: i64,
    /// Setup fee.
    #[serde(default)]
    pub setup: i64,
    stock: i64,
    status: Option<String>,
    #[serde(default)]
    pinned: bool,
    /// Whether memory can be added.
    #[serde(default)]
    pub options: bool,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Article {
    /// The price of a period in months, or of a product that is bought once. Longer periods are cheaper.
    #[must_use]
    pub fn price(&self, months: i64) -> i64 {
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

/// The products in the order of their primary keys, which start at 1.
///
/// # Errors
/// When `demo.json` is not a list of products.
pub fn articles() -> serde_json::Result<Vec<Article>> {
    serde_json::from_str(include_str!("demo.json"))
}

/// Draws the products of a group, for [`MAKER`] to insert.
pub fn draw(making: &mut DemoContext, articles: &[Article], slug: &str, group: Id) {
    for (article, id) in articles.iter().zip(1..).filter(|(article, _)| article.group == slug) {
        let made = Some(making.ago(420 - id * 3));
        making.kept::<Vec<product::ActiveModel>>().push(product::ActiveModel {
            id: Set(Id(id)),
            name: Set(article.name.clone()),
            group_id: Set(group),
            status: Set(article.status.as_deref().unwrap_or("active").to_owned()),
            description: Set(article.description.clone()),
            pinned: Set(article.pinned),
            stock: Set(Int(article.stock)),
            r#type: Set("none".to_owned()),
            sort_order: Set(Int(id)),
            created_at: Set(made),
            updated_at: Set(made),
            ..Default::default()
        });
        metadata::demo::attach(making, (MODEL, Id(id)), &article.metadata, made);
    }
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    insert(db, mem::take(making.kept::<Vec<product::ActiveModel>>())).await?;
    insert_option(db, making, &articles()?).await?;
    Ok(())
}

/// Inserts an option of more memory, which some products offer.
async fn insert_option(
    db: &impl ConnectionTrait,
    making: &mut DemoContext,
    articles: &[Article],
) -> Result<(), DbErr> {
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
