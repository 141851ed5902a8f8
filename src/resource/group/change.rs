//! Making, changing and deleting groups (docs/contract/application-store.md#6.4, docs/contract/application-store.md#6.5, docs/contract/application-store.md#6.6).

use std::collections::HashSet;

use async_graphql::{Context, MaybeUndefined};
use entity::{Id, ShopTime, group, metadata as attached, product};
use facade::error::{Invalid, Refusal};
use facade::form::File;
use facade::record::Deleted;
use facade::transaction::Transaction;
use facade::write::{lock, put, save, taken};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::{Group, GroupCreateInput, GroupUpdateInput, MODEL, live_groups};
use crate::resource::metadata;
use crate::resource::product::live_products;
use crate::scope::ShopScope;
use crate::shop::storage;
use crate::shop::texts::Lang;
use crate::{Error, Result};

/// The free value that makes a picture the background.
const BACKGROUND: &str = "use_image_as_background";

/// Makes a group.
pub(super) async fn create(scope: ShopScope<'_>, input: GroupCreateInput) -> Result<group::Model> {
    let transaction = scope.begin().await?;
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
        let image = store_image(scope, &transaction, group.id, &group.name, file).await?;
        let mut row = group.into_active_model();
        row.image = Set(Some(image));
        group = row.update(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(group)
}

/// Changes a group; what was not given stays as it is.
pub(super) async fn update(scope: ShopScope<'_>, id: Id, input: GroupUpdateInput) -> Result<group::Model> {
    let transaction = scope.begin().await?;
    check_parent(scope, &transaction, Some(id), input.parent_id).await?;
    let group = lock::<Group>(&transaction, live_groups(), id, MODEL, scope.expected()).await?;
    let now = ShopTime::from(scope.now());
    let former = group.image.clone();
    let mut row = group.clone().into_active_model();
    input.write_to(&mut row);
    if input.remove_image == MaybeUndefined::Value(true) {
        put(&mut row.image, MaybeUndefined::Value(String::new()));
    }
    if let MaybeUndefined::Value(file) = &input.image {
        let name = row.name.as_ref().clone();
        row.image = Set(Some(store_image(scope, &transaction, group.id, &name, file).await?));
    }
    write_background(&transaction, group.id, input.use_image_as_background, Some(now)).await?;
    let group = if row.is_changed() {
        save(&transaction, row, scope.now()).await.map_err(|error| taken(*scope, "slug", error))?
    } else {
        group
    };
    let unused = former.filter(|former| group.image.as_ref() != Some(former));
    let unused = only_own(&transaction, unused, group.id).await?;
    transaction.commit().await?;
    if let Some(image) = unused {
        storage::remove(&scope.config().storage, &image).await;
    }
    Ok(group)
}

/// The parent must be a group that is there, and neither the group itself nor one below it. Parents change one
/// after the other: two at once could make a circle.
async fn check_parent(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    group: Option<Id>,
    given: MaybeUndefined<i64>,
) -> Result<()> {
    let MaybeUndefined::Value(parent) = given else { return Ok(()) };
    lock_parents(transaction).await?;
    let mut seen = HashSet::new();
    let mut above = Some(Id(parent));
    while let Some(id) = above.filter(|&id| seen.insert(id)) {
        let row = match group {
            Some(group) if group == id => None,
            _ => live_groups().filter(group::Column::Id.eq(id)).one(transaction).await?,
        };
        match row {
            Some(row) => above = row.parent_id,
            None if id == Id(parent) || group == Some(id) => return Err(bad_parent(scope)),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Lets nobody else change what is below what until the transaction ends.
async fn lock_parents(transaction: &Transaction) -> Result<()> {
    let first = group::Entity::find().select_only().column(group::Column::Id).order_by_asc(group::Column::Id);
    first.limit(1).lock_exclusive().into_tuple::<Id>().one(transaction).await?;
    Ok(())
}

fn bad_parent(scope: ShopScope<'_>) -> Error {
    let name = scope.lang().field_name("parent_id");
    let text = scope.lang().text("validation.exists", &[("attribute", &name)]);
    Error::Invalid(Invalid::single("parent_id", text))
}

/// Notes whether the picture is the background; nothing given changes nothing.
async fn write_background(
    transaction: &Transaction,
    group: Id,
    given: MaybeUndefined<bool>,
    now: Option<ShopTime>,
) -> Result<()> {
    let MaybeUndefined::Value(wanted) = given else { return Ok(()) };
    let notes = || metadata::attached_to(MODEL).filter(attached::Column::ModelId.eq(group));
    let note = notes().filter(attached::Column::Key.eq(BACKGROUND)).one(transaction).await?;
    match (note, wanted) {
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
        (Some(note), true) if note.value.as_deref() != Some("true") => {
            let mut row = note.into_active_model();
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

/// Stores a picture under the group's name; under its name and key where another group has that one.
async fn store_image(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    group: Id,
    name: &str,
    file: &File,
) -> Result<String> {
    let extension = file.extension().unwrap_or("bin");
    let slug: String = slug::slugify(name).chars().take(150).collect();
    let plain = Some(format!("groups/{slug}.{extension}")).filter(|_| !slug.is_empty());
    let image = only_own(transaction, plain, group)
        .await?
        .unwrap_or_else(|| format!("groups/{slug}-{group}.{extension}"));
    storage::write(&scope.config().storage, &image, &file.bytes).await?;
    Ok(image)
}

/// The picture, if no other group has it.
async fn only_own(transaction: &Transaction, image: Option<String>, group: Id) -> Result<Option<String>> {
    let Some(image) = image.filter(|image| !image.is_empty()) else { return Ok(None) };
    let others = group::Entity::find()
        .filter(group::Column::Image.eq(image.as_str()))
        .filter(group::Column::Id.ne(group))
        .count(transaction)
        .await?;
    Ok((others == 0).then_some(image))
}

/// A group that has products is not deleted.
pub(super) async fn refuse_with_products(db: &impl ConnectionTrait, lang: Lang, group: Id) -> Result<()> {
    match live_products().filter(product::Column::GroupId.eq(group)).count(db).await? {
        0 => Ok(()),
        _ => Err(Refusal::error(400, lang.text("global.groupcannotdeleted", &[]))),
    }
}

/// Keeps a group from being deleted until the transaction ends, in which a product comes into it.
pub(in crate::resource) async fn hold(transaction: &Transaction, group: Id) -> Result<()> {
    let found =
        group::Entity::find().select_only().column(group::Column::Id).filter(group::Column::Id.eq(group));
    found.lock_exclusive().into_tuple::<Id>().one(transaction).await?;
    Ok(())
}

/// Deletes a group: those below it move to the top, what hangs on it goes.
pub(super) async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<Group>> {
    let now = scope.now().into();
    let transaction = scope.begin().await?;
    lock_parents(&transaction).await?;
    let group = lock::<Group>(&transaction, live_groups(), id, MODEL, scope.expected()).await?;
    refuse_with_products(&transaction, scope.lang(), id).await?;
    let gone = group::Model { deleted_at: Some(now), updated_at: Some(now), ..group.clone() };
    let (transaction, deleted) = Deleted::read(ctx, transaction, Group(gone)).await?;
    if !deleted.is_read() {
        return Ok(deleted);
    }
    let below = live_groups().filter(group::Column::ParentId.eq(id));
    for child in below.lock_exclusive().all(&transaction).await? {
        let mut row = child.into_active_model();
        row.parent_id = Set(None);
        save(&transaction, row, now.0).await?;
    }
    let image = group.image.clone();
    let mut row = group.into_active_model();
    row.deleted_at = Set(Some(now));
    save(&transaction, row, now.0).await?;
    metadata::detach(&transaction, MODEL, id).await?;
    let image = only_own(&transaction, image, id).await?;
    transaction.commit().await?;
    if let Some(image) = image {
        storage::remove(&scope.config().storage, &image).await;
    }
    Ok(deleted)
}
