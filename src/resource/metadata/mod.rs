//! Metadata: key and value pairs that extensions and the shop attach to records
//! (docs/contract/application-store.md#5.1, docs/contract/application-store.md#12).

pub mod demo;

use entity::{Id, ShopTime, metadata, translation};
use facade::record;
use facade::record::Key;
use facade::transaction::Transaction;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::{Result, abilities};

abilities! {
    /// Shows free values that are attached to records.
    METADATA = "metadata", permissions ["admin.show_metadata"];
}

record! {
    /// A free value attached to a record.
    pub struct Metadata(entity::metadata);
    columns {
        /// Identifier of the record that it is attached to.
        model_id shown Key,
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

/// The metadata of records of one kind, in the order in which they were created. `model` is the class that the original
/// stores for the kind.
pub fn attached_to(model: &str) -> Select<metadata::Entity> {
    metadata::Entity::find().filter(metadata::Column::ModelType.eq(model)).order_by_asc(metadata::Column::Id)
}

/// Writes one value of a record: updates the rows that have the key, or inserts a row.
///
/// # Errors
/// When the database fails.
pub async fn write(
    db: &impl ConnectionTrait,
    (model, id): (&str, Id),
    key: &str,
    value: &str,
    now: ShopTime,
) -> Result<()> {
    // Reads first: an update that matches no row locks a gap, and two writers would deadlock.
    let existing: Vec<Id> = metadata::Entity::find()
        .select_only()
        .column(metadata::Column::Id)
        .filter(metadata::Column::ModelType.eq(model))
        .filter(metadata::Column::ModelId.eq(id))
        .filter(metadata::Column::Key.eq(key))
        .into_tuple()
        .all(db)
        .await?;
    if !existing.is_empty() {
        metadata::Entity::update_many()
            .col_expr(metadata::Column::Value, Expr::value(value))
            .col_expr(metadata::Column::UpdatedAt, Expr::value(now))
            .filter(metadata::Column::Id.is_in(existing))
            .exec(db)
            .await?;
        return Ok(());
    }
    let row = metadata::ActiveModel {
        model_id: Set(id),
        model_type: Set(model.to_owned()),
        key: Set(key.to_owned()),
        value: Set(Some(value.to_owned())),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    row.insert(db).await?;
    Ok(())
}

/// Deletes the values of a record that have one of these keys.
///
/// # Errors
/// When the database fails.
pub async fn delete_keys(db: &impl ConnectionTrait, (model, id): (&str, Id), keys: &[&str]) -> Result<()> {
    metadata::Entity::delete_many()
        .filter(metadata::Column::ModelType.eq(model))
        .filter(metadata::Column::ModelId.eq(id))
        .filter(metadata::Column::Key.is_in(keys.iter().copied()))
        .exec(db)
        .await?;
    Ok(())
}

/// Deletes the metadata and the translations of a record that is deleted.
///
/// # Errors
/// When the database fails.
pub async fn detach(transaction: &Transaction, model: &str, id: Id) -> Result<()> {
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
