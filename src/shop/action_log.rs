//! The shop's log of actions (docs/contract/application-operations.md#12.5,
//! docs/contract/application-operations.md#7). Actions of API keys are logged without an author.

use entity::{Id, ShopTime, action_log};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait};
use serde_json::Value as Json;

use crate::Result;

/// Who did an action, or whom it is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Persons {
    /// The customer.
    pub customer: Option<Id>,
    /// The member of the staff.
    pub staff: Option<Id>,
}

/// Logs an action on a record, without persons. `model` is the class name of the original.
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
    note_of(db, Persons::default(), action, (model, id), payload, now).await
}

/// As [`note`], with the persons.
///
/// # Errors
/// When the database fails.
pub async fn note_of(
    db: &impl ConnectionTrait,
    persons: Persons,
    action: &str,
    (model, id): (&str, Id),
    payload: &Json,
    now: ShopTime,
) -> Result<()> {
    let row = action_log::ActiveModel {
        customer_id: Set(persons.customer),
        staff_id: Set(persons.staff),
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
