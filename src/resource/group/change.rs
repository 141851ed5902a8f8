//! Creates, updates and deletes groups (docs/contract/application-store.md#6.4, docs/contract/application-store.md#6.5,
//! docs/contract/application-store.md#6.6).

use std::collections::HashSet;

use async_graphql::{Context, MaybeUndefined};
use entity::{Id, ShopTime, group, metadata as attached, product};
use facade::engine::Texts;
use facade::error::Refusal;
use facade::form::File;
use facade::record::{Deleted, KeyOf};
use facade::transaction::Transaction;
use facade::user_error::UserErrorCode;
use facade::write::{lock, lock_only, lock_rows, put, save, taken};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder,
};

use super::{Group, GroupCreateInput, GroupUpdateInput, MODEL, live_groups};
use crate::resource::metadata;
use crate::resource::product::live_products;
use crate::scope::ShopScope;
use crate::shop::storage::{self, Draft};
use crate::{Error, Result};

/// Key of the metadata value that makes the picture of a group its background.
const BACKGROUND: &str = "use_image_as_background";

/// Folder of the pictures of groups in the public storage.
const FOLDER: &str = "groups";

/// Creates a group.
pub(super) async fn create(scope: ShopScope<'_>, input: GroupCreateInput) -> Result<group::Model> {
    let draft = Draft::of(&scope.config().storage, FOLDER, &input.image).await?;
    let (input, draft, storage) = (&input, draft.as_ref(), &scope.config().storage);
    let group = scope.write(|transaction| async move {
        check_parent(scope, &transaction, None, input.parent_id).await?;
        let now = Some(ShopTime::from(scope.now()));
        let mut row = group::ActiveModel {
            created_at: Set(now),
            updated_at: Set(now),
            pinned: Set(false),
            ..Default::default()
        };
        input.write_to(&mut row);
        let mut group = row.insert(&transaction).await.map_err(|error| taken(*scope, "slug", error))?;
        write_background(&transaction, group.id, input.use_image_as_background, now).await?;
        if let MaybeUndefined::Value(file) = &input.image {
            let image = image_name(&transaction, group.id, &group.name, file).await?;
            let mut row = group.into_active_model();
            row.image = Set(Some(image));
            group = row.update(&transaction).await?;
        }
        storage::place(&transaction, storage, draft, group.image.as_deref());
        Ok(group)
    });
    group.await
}

/// Updates a group. Fields that were not given stay as they are.
pub(super) async fn update(scope: ShopScope<'_>, id: Id, input: GroupUpdateInput) -> Result<group::Model> {
    let draft = Draft::of(&scope.config().storage, FOLDER, &input.image).await?;
    let (input, draft, storage) = (&input, draft.as_ref(), &scope.config().storage);
    let updated = scope.write(|transaction| async move {
        check_parent(scope, &transaction, Some(id), input.parent_id).await?;
        let group = lock::<Group>(&transaction, live_groups(), id, MODEL, scope.expected()).await?;
        let now = ShopTime::from(scope.now());
        let former_image = group.image.clone();
        let mut row = group.clone().into_active_model();
        input.write_to(&mut row);
        if input.remove_image == MaybeUndefined::Value(true) {
            put(&mut row.image, MaybeUndefined::Value(String::new()));
        }
        if let MaybeUndefined::Value(file) = &input.image {
            let name = row.name.as_ref().clone();
            row.image = Set(Some(image_name(&transaction, group.id, &name, file).await?));
        }
        write_background(&transaction, group.id, input.use_image_as_background, Some(now)).await?;
        let group = if row.is_changed() {
            save(&transaction, row, scope.now()).await.map_err(|error| taken(*scope, "slug", error))?
        } else {
            group
        };
        let unused_image = former_image.filter(|former_image| group.image.as_ref() != Some(former_image));
        storage::place(&transaction, storage, draft, group.image.as_deref());
        storage::forget(&transaction, storage, unless_shared(&transaction, unused_image, group.id).await?);
        Ok(group)
    });
    updated.await
}

/// Checks that the parent exists and is neither the group itself nor one of its descendants. Changes of parents run one
/// after the other, because two at the same time could make a cycle.
async fn check_parent(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    group: Option<Id>,
    given: MaybeUndefined<KeyOf<Group>>,
) -> Result<()> {
    let MaybeUndefined::Value(KeyOf { id: parent, .. }) = given else { return Ok(()) };
    lock_parents(transaction).await?;
    let mut seen = HashSet::new();
    let mut above = Some(parent);
    while let Some(id) = above.filter(|&id| seen.insert(id)) {
        let row = match group {
            Some(group) if group == id => None,
            _ => live_groups().filter(group::Column::Id.eq(id)).one(transaction).await?,
        };
        match row {
            Some(row) => above = row.parent_id,
            None if id == parent || group == Some(id) => return Err(invalid_parent(scope)),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Locks the parents of all groups until the transaction ends, by a lock on the first group.
async fn lock_parents(transaction: &Transaction) -> Result<()> {
    Ok(lock_only(transaction, group::Entity::find().order_by_asc(group::Column::Id)).await?)
}

fn invalid_parent(scope: ShopScope<'_>) -> Error {
    scope.invalid("parent_id", "exists")
}

/// Stores whether the picture is the background; without a given value, nothing changes.
async fn write_background(
    transaction: &Transaction,
    group: Id,
    given: MaybeUndefined<bool>,
    now: Option<ShopTime>,
) -> Result<()> {
    let MaybeUndefined::Value(is_background) = given else { return Ok(()) };
    let values = || metadata::attached_to(MODEL).filter(attached::Column::ModelId.eq(group));
    let stored = values().filter(attached::Column::Key.eq(BACKGROUND)).one(transaction).await?;
    match (stored, is_background) {
        (None, true) => {
            let row = attached::ActiveModel {
                model_id: Set(group),
                model_type: Set(MODEL.to_owned()),
                key: Set(BACKGROUND.to_owned()),
                value: Set(Some("true".to_owned())),
                created_at: Set(now),
                updated_at: Set(now),
                ..Default::default()
            };
            row.insert(transaction).await?;
        }
        (Some(stored), true) if stored.value.as_deref() != Some("true") => {
            let mut row = stored.into_active_model();
            row.value = Set(Some("true".to_owned()));
            row.updated_at = Set(now);
            row.update(transaction).await?;
        }
        (Some(_), false) => {
            attached::Entity::delete_many()
                .filter(attached::Column::ModelType.eq(MODEL))
                .filter(attached::Column::ModelId.eq(group))
                .filter(attached::Column::Key.eq(BACKGROUND))
                .exec(transaction)
                .await?;
        }
        _ => {}
    }
    Ok(())
}

/// The path of a picture below `/storage/`: the name of the group, or its name and key if another group has that file.
async fn image_name(transaction: &Transaction, group: Id, name: &str, file: &File) -> Result<String> {
    let extension = file.extension().unwrap_or("bin");
    let slug: String = slug::slugify(name).chars().take(150).collect();
    let by_name = Some(format!("{FOLDER}/{slug}.{extension}")).filter(|_| !slug.is_empty());
    let by_name = unless_shared(transaction, by_name, group).await?;
    Ok(by_name.unwrap_or_else(|| format!("{FOLDER}/{slug}-{group}.{extension}")))
}

/// The path of a picture, unless another group has the same.
async fn unless_shared(
    transaction: &Transaction,
    image: Option<String>,
    group: Id,
) -> Result<Option<String>> {
    let Some(image) = image.filter(|image| !image.is_empty()) else { return Ok(None) };
    let others = group::Entity::find()
        .filter(group::Column::Image.eq(image.as_str()))
        .filter(group::Column::Id.ne(group))
        .count(transaction)
        .await?;
    Ok((others == 0).then_some(image))
}

/// Why a group is not deleted.
pub(super) const HAS_PRODUCTS: UserErrorCode =
    UserErrorCode::new("GROUP_HAS_PRODUCTS", "The group has products, so it cannot be deleted.");

/// Refuses the deletion of a group that has products.
pub(super) async fn refuse_with_products(
    db: &impl ConnectionTrait,
    texts: &dyn Texts,
    group: Id,
) -> Result<()> {
    match live_products().filter(product::Column::GroupId.eq(group)).count(db).await? {
        0 => Ok(()),
        _ => Err(Refusal::error(400, texts.text("global.groupcannotdeleted", &[])).coded(HAS_PRODUCTS)),
    }
}

/// Locks a group until the transaction ends, so that it is not deleted while a product is put into it.
pub(in crate::resource) async fn lock_group(transaction: &Transaction, group: Id) -> Result<()> {
    Ok(lock_only(transaction, group::Entity::find_by_id(group)).await?)
}

/// Deletes a group with its metadata and picture. Its children become top-level groups.
pub(super) async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<Group>> {
    let now = scope.now().into();
    let deleted = scope.write(|transaction| async move {
        lock_parents(&transaction).await?;
        let group = lock::<Group>(&transaction, live_groups(), id, MODEL, scope.expected()).await?;
        refuse_with_products(&transaction, scope.texts(), id).await?;
        let deleted_row = group::Model { deleted_at: Some(now), updated_at: Some(now), ..group.clone() };
        let deleted = Deleted::<Group>::read(ctx, &transaction, deleted_row).await?;
        if !deleted.is_read() {
            return Ok(deleted);
        }
        let children = live_groups().filter(group::Column::ParentId.eq(id));
        for child in lock_rows(&transaction, children).await? {
            let mut row = child.into_active_model();
            row.parent_id = Set(None);
            save(&transaction, row, now.0).await?;
        }
        let image = group.image.clone();
        let mut row = group.into_active_model();
        row.deleted_at = Set(Some(now));
        save(&transaction, row, now.0).await?;
        metadata::detach(&transaction, MODEL, id).await?;
        let image = unless_shared(&transaction, image, id).await?;
        storage::forget(&transaction, &scope.config().storage, image);
        Ok(deleted)
    });
    deleted.await
}
