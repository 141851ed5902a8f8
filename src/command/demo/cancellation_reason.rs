//! Why customers end services.

use entity::cancellation_reason;
use sea_orm::{ConnectionTrait, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};

pub(super) const MAKER: Maker = Maker { after: &["office"], make: |db, making| Box::pin(make(db, making)) };

async fn make(db: &impl ConnectionTrait, making: &DemoContext) -> Result<(), Failure> {
    // Text, mode, status.
    let reasons: Vec<[String; 3]> = serde_json::from_str(include_str!("cancellation_reason.json"))?;
    let made = Some(making.opened);
    let rows = reasons.into_iter().map(|[reason, mode, status]| cancellation_reason::ActiveModel {
        reason: Set(reason),
        cancellation_mode: Set(mode),
        status: Set(status),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, rows.collect()).await?;
    Ok(())
}
