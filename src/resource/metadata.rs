//! Free values that extensions and the shop attach to records (spec: `application-store.md` 5.1, 12).

use entity::metadata;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::record;

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
