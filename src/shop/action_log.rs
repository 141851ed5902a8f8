//! The shop's log of actions (docs/contract/application-operations.md#12.5,
//! docs/contract/application-operations.md#7). Actions of API keys are logged without an author.

use entity::{Id, ShopTime, action_log};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait};
use serde_json::Value as Json;

use crate::Result;

/// Logs an action on a record. `model` is the class name of the original.
///
/// # Errors
/// When the database fails.
pub async fn note(
    db: &impl ConnectionTrait,
    action: &str,
    (model, id): (&str, Id),
    payload: &Json,
    now: ShopTime,
) -> Result<()> {
    let row = action_log::ActiveModel {
        action: Set(action.to_owned()),
        model: Set(Some(model.to_owned())),
        model_id: Set(Some(id.to_string())),
        payload: Set(Some(payload.to_string())),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    row.insert(db).await?;
    Ok(())
}
