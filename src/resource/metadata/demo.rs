//! The metadata of the demo shop's records.

use std::collections::BTreeMap;
use std::mem;

use entity::metadata;
use entity::value::{Id, ShopTime};
use sea_orm::{ConnectionTrait, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};

/// Inserts the values that other makers attached, in their order.
pub const MAKER: Maker =
    Maker { after: &["group", "product", "customer"], make: |db, making| Box::pin(make(db, making)) };

/// Attaches values to a record. The record is named by its kind, a class of the original, and its primary key.
pub fn attach(
    making: &mut DemoContext,
    (model, id): (&str, Id),
    values: &BTreeMap<String, String>,
    made: Option<ShopTime>,
) {
    let rows = values.iter().map(|(key, value)| metadata::ActiveModel {
        model_id: Set(id),
        model_type: Set(model.to_owned()),
        key: Set(key.clone()),
        value: Set(Some(value.clone())),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    making.kept::<Vec<metadata::ActiveModel>>().extend(rows);
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    insert(db, mem::take(making.kept::<Vec<metadata::ActiveModel>>())).await?;
    Ok(())
}
