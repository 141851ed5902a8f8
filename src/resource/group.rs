//! Groups of products, which may hold groups (spec: `application-store.md` 6).

use entity::group;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use super::metadata::{self, Metadata};
use super::product::{self, Product, ShopStatus};
use crate::record;

/// What the original calls a group in texts and polymorphic columns.
pub const MODEL: &str = "App\\Models\\Store\\Group";

record! {
    /// A group of products; a group may hold groups.
    pub struct Group(group::Model);
    columns {
        /// Name shown in the shop.
        name,
        /// Part of its address in the shop.
        slug,
        /// Whether it is shown and its products can be ordered.
        status as ShopStatus,
        /// Description, HTML.
        description,
        /// Text of its badge.
        badge_title,
        /// Colour of its badge.
        badge_color,
        /// Icon of its badge.
        badge_icon,
        /// Path of its picture below `/storage/`.
        image,
        /// Whether it is shown first.
        pinned,
        /// Position among its neighbours.
        sort_order,
        /// Primary key of the group that holds it.
        parent_id,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// Groups directly below this one.
        groups: many<Group>(group::Column::ParentId, live_groups),
        /// The group that holds this one.
        parent: one<Group>(parent_id, live_groups),
        /// Products directly in this group.
        #[can(ProductsIndex)] products: many<Product>(entity::product::Column::GroupId, product::live_products),
        /// Free values attached to the group.
        #[can(Metadata)] metadata: many<Metadata>(entity::metadata::Column::ModelId, metadata_of_groups),
    }
}

/// Groups that were not deleted, by primary key.
pub fn live_groups() -> Select<group::Entity> {
    group::Entity::find().filter(group::Column::DeletedAt.is_null()).order_by_asc(group::Column::Id)
}

fn metadata_of_groups() -> Select<entity::metadata::Entity> {
    metadata::attached_to(MODEL)
}
