//! Why customers end services.

use entity::{ShopTime, cancellation_reason};
use sea_orm::{ConnectionTrait, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};

/// Makes the reasons.
pub const MAKER: Maker = Maker { after: &["office"], make: |db, making| Box::pin(make(db, making)) };

async fn make(db: &impl ConnectionTrait, making: &DemoContext) -> Result<(), Failure> {
    Ok(insert(db, rows(making.opened)?).await?)
}

/// The reasons, made at this time.
pub(super) fn rows(made: ShopTime) -> Result<Vec<cancellation_reason::ActiveModel>, Failure> {
    // Text, mode, status.
    let reasons: Vec<[String; 3]> = serde_json::from_str(include_str!("demo.json"))?;
    let made = Some(made);
    let rows = reasons.into_iter().map(|[reason, mode, status]| cancellation_reason::ActiveModel {
        reason: Set(reason),
        cancellation_mode: Set(mode),
        status: Set(status),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    Ok(rows.collect())
}
