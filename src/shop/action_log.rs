//! The shop's log of what was done (docs/contract/application-operations.md#12.5, docs/contract/application-operations.md#7). What a key does is
//! nobody's in it: neither a customer nor a member of the staff is named.

use entity::{Id, ShopTime, action_log};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait};
use serde_json::Value as Json;

use crate::Result;

/// Notes that something was done to a record, named as the original names its kind.
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
