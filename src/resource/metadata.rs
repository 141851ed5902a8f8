//! Free values that extensions and the shop attach to records (spec: `application-store.md` 5.1, 12).

use entity::{Id, metadata, translation};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::{Result, record};

record! {
    /// A free value attached to a record.
    pub struct Metadata(metadata::Model);
    columns {
        /// Primary key of the record that it is attached to.
        model_id,
        /// Kind of that record, as the original names it.
        model_type,
        /// Name of the value.
        key,
        /// The value.
        value,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
    }
}

/// Values attached to records of one kind, in the order in which they were made.
pub fn attached_to(model: &str) -> Select<metadata::Entity> {
    metadata::Entity::find().filter(metadata::Column::ModelType.eq(model)).order_by_asc(metadata::Column::Id)
}

/// Removes the free values and the translations of a record that is deleted.
///
/// # Errors
/// When the database fails.
pub async fn detach(transaction: &DatabaseTransaction, model: &str, id: Id) -> Result<()> {
    metadata::Entity::delete_many()
        .filter(metadata::Column::ModelType.eq(model))
        .filter(metadata::Column::ModelId.eq(id))
        .exec(transaction)
        .await?;
    translation::Entity::delete_many()
        .filter(translation::Column::Model.eq(model))
        .filter(translation::Column::ModelId.eq(id))
        .exec(transaction)
        .await?;
    Ok(())
}
