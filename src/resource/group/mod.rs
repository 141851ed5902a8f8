//! Groups of products, which may contain groups (docs/contract/application-store.md#6).

mod change;
pub mod demo;
mod lowest_price;
mod route;
pub mod seed;
mod start_price;

use async_graphql::{Context, ID, MergedObject, Object};
use entity::group;
use facade::form::{File, Form};
use facade::guard::Can;
use facade::payload::Deletes;
use facade::record::{CountryCode, Currency, Deleted, Html, KeyOf, Moment, Url, View, require};
use facade::user_error::Refuses;
use facade::{filters, form, list, one, record};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

pub(super) use self::change::lock_group;
use self::lowest_price::StartPrice;
use super::metadata::{self, Metadata};
use super::pricing::price::Price;
use super::product::{self, Product, ProductFilter, ProductSort, ShopStatus};
use crate::scope::ShopScope;
use crate::shop::html::harmless_html;
use crate::shop::image::{self, Image};
use crate::{Result, abilities};

abilities! {
    /// Lists groups of products.
    INDEX = "groups:index", permissions ["admin.manage_groups"];
    /// Shows groups of products.
    SHOW = "groups:show", permissions ["admin.manage_groups"];
    /// Makes groups of products.
    STORE = "groups:store", aliases ["groups:create"], permissions ["admin.manage_groups"];
    /// Changes groups of products.
    UPDATE = "groups:update", permissions ["admin.manage_groups"];
    /// Deletes groups of products.
    DELETE = "groups:delete", permissions ["admin.manage_groups"];
}

/// The class of a group in texts and polymorphic columns of the original.
pub const MODEL: &str = "App\\Models\\Store\\Group";

record! {
    /// A group of products; a group may hold groups.
    pub struct Group(entity::group);
    #[can(SHOW, INDEX)] node: |_| live_groups();
    columns {
        /// Name shown in the shop.
        name,
        /// Part of its address in the shop.
        slug,
        /// Whether it is shown and its products can be ordered.
        status as ShopStatus,
        /// Description, HTML.
        description shown Html,
        /// Text of its badge.
        badge_title,
        /// Colour of its badge.
        badge_color,
        /// Icon of its badge.
        badge_icon,
        /// Path of its picture below `/storage/`.
        #[rest_only] image_path from image,
        /// Whether it is shown first.
        pinned,
        /// Position among its neighbours.
        sort_order,
        /// Identifier of the group that holds it.
        parent_id shown KeyOf<Group>,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// Its picture.
        image: each<Option<Image>>(images, [Image]),
        /// What its products cost at least, those of the groups directly below included, as the original tells it.
        #[rest_only] lowest_price: each<StartPrice>(lowest_price::of_groups, [Id]),
        /// The lowest price of its active products and of those in all groups below it, by what a month costs; what is paid once
        /// counts where nothing else is sold. Null where nothing is sold in the currency.
        start_price: each<Option<Price>>(start_price::of_groups, [Id], {
            /// The currency; without it, the shop's own.
            currency: Currency,
            /// Country whose tax is on it, two letters; without it, that of the customer who asks.
            country: CountryCode,
        }, cost start_price::POINTS),
        /// Its address in the shop; null without a slug.
        route: each<Option<Url>>(route::of_groups, [Id, Slug, ParentId]),
        /// Groups directly below this one.
        groups: many<Group>(group::Column::ParentId, child_groups) by GroupFilter, GroupSort [unindexed],
        /// The group that holds this one.
        parent: one<Group>(parent_id, live_groups),
        /// Products directly in this group.
        #[can(product::INDEX)] products:
            many<Product>(entity::product::Column::GroupId, products_of_groups) by ProductFilter, ProductSort,
        /// Free values attached to the group.
        #[can(metadata::METADATA)] metadata: many<Metadata>(entity::metadata::Column::ModelId, metadata_of_groups),
    }
}

filters! {
    /// Conditions on groups; all given ones must hold.
    pub struct GroupFilter, GroupSort, GroupSortField on entity::group {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name.
        name: TextFilter = Name,
        /// Part of its address in the shop.
        slug: TextFilter = Slug,
        /// Status.
        status: WordFilter<ShopStatus> = Status in ShopStatus,
        /// Description.
        description: TextFilter = Description,
        /// Position among its neighbours.
        sort_order: IntFilter = SortOrder,
        /// Identifier of the group that holds it.
        parent_id: KeyFilter<Group> = ParentId,
        /// Whether it is shown first.
        pinned: BooleanFilter = Pinned,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

/// Groups that are not deleted.
pub fn live_groups() -> Select<group::Entity> {
    group::Entity::find().filter(group::Column::DeletedAt.is_null())
}

/// Groups as children of others, in the order in which they were created. A group that older software made its own
/// parent is nobody's child.
fn child_groups() -> Select<group::Entity> {
    let itself = Expr::col(group::Column::Id.as_column_ref());
    live_groups()
        .filter(Expr::col(group::Column::ParentId.as_column_ref()).ne(itself))
        .order_by_asc(group::Column::Id)
}

async fn images(scope: ShopScope<'_>, groups: &[View<'_>]) -> Result<Vec<Option<Image>>> {
    image::of_column(&scope.public_url(), groups, group::Column::Image as usize)
}

fn products_of_groups() -> Select<entity::product::Entity> {
    product::live_products().order_by_asc(entity::product::Column::Id)
}

fn metadata_of_groups() -> Select<entity::metadata::Entity> {
    metadata::attached_to(MODEL)
}

one! {
    /// A group by its identifier.
    #[can(SHOW, INDEX)] pub GroupById: group<Group>(live_groups);
}

list! {
    /// Groups of the shop, those below others included.
    #[can(INDEX)] pub GroupList: groups<Group>(live_groups) by GroupFilter, GroupSort,
    search(group::Column::Name): "Only groups whose name holds this text, exact matches first.";
}

/// Reading groups.
#[derive(MergedObject, Default)]
pub struct GroupQuery(GroupById, GroupList);

/// Extensions of pictures that are accepted.
const PICTURES: &[&str] = &["jpeg", "png", "jpg", "gif", "svg", "webp"];

form! {
    /// What a new group is made from.
    pub struct GroupCreateInput for entity::group {
        /// Name shown in the shop.
        name: String => [required(), string(), max(255)],
        /// Description, HTML without active content.
        description: String => [required(), string(), text_column(), harmless_html()],
        /// Whether it is shown and its products can be ordered.
        status: ShopStatus => [required(), string(), one_of(ShopStatus::WORDS)],
        /// Part of its address in the shop; written in lower case with hyphens.
        slug: String => [slugified(), required(), max(255), unique("groups", "slug")],
        /// Position among its neighbours.
        sort_order: i64 => [required(), integer()],
        /// Text of its badge.
        badge_title: String => [nullable(), string(), max(255)],
        /// Colour of its badge.
        badge_color: String => [nullable(), string(), max(32)],
        /// Icon of its badge.
        badge_icon: String => [nullable(), string(), max(64)],
        /// Whether it is shown first.
        pinned: bool => [flag()],
        /// Its picture.
        #[no_column]
        image: File => [nullable(), image(), mimes(PICTURES), max(2048)],
        /// Identifier of the group that holds it.
        parent_id: KeyOf<Group> => [none_is_null(), nullable(), integer(), exists("groups", "id")],
        /// Whether its picture is the background of its page.
        #[no_column]
        use_image_as_background: bool => [nullable(), boolean()],
    }
}

form! {
    /// What changes in a group; fields that are left out stay as they are.
    pub struct GroupUpdateInput for entity::group {
        /// Name shown in the shop.
        name: String => [string(), max(255), unique("groups", "name")],
        /// Description, HTML without active content.
        description: String => [string(), max(1000), harmless_html()],
        /// Whether it is shown and its products can be ordered.
        status: ShopStatus => [string(), one_of(ShopStatus::WORDS)],
        /// Part of its address in the shop; written in lower case with hyphens.
        slug: String => [slugified(), sometimes(), required_unless_partial(), string(), max(255), unique("groups", "slug")],
        /// Position among its neighbours.
        sort_order: i64 => [integer()],
        /// Text of its badge.
        badge_title: String => [nullable(), string(), max(255)],
        /// Colour of its badge.
        badge_color: String => [nullable(), string(), max(32)],
        /// Icon of its badge.
        badge_icon: String => [nullable(), string(), max(64)],
        /// Identifier of the group that holds it; null puts it at the top.
        parent_id: KeyOf<Group> => [none_is_null(), nullable(), integer(), exists("groups", "id")],
        /// Whether it is shown first.
        pinned: bool => [flag()],
        /// Its new picture.
        #[no_column]
        image: File => [nullable(), image(), mimes(PICTURES), max(2048)],
        /// Whether its picture is removed.
        #[no_column]
        remove_image: bool => [nullable(), string(), one_of(&["true", "false"])],
        /// Whether its picture is the background of its page.
        #[no_column]
        use_image_as_background: bool => [nullable(), string(), one_of(&["true", "false"])],
    }
}

/// Changing groups.
#[derive(Default)]
pub struct GroupMutation;

#[Object]
impl GroupMutation {
    /// Makes a group.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn group_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group.")] input: Form<GroupCreateInput>,
    ) -> Result<Group> {
        let scope = ShopScope::from(ctx);
        change::create(scope, scope.check_new(input).await?).await.map(Group)
    }

    /// Changes a group.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn group_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] input: Form<GroupUpdateInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Group> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require::<Group>(*scope, live_groups, &id, MODEL).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        change::update(scope, id, input).await.map(Group)
    }

    /// Deletes a group without products. Groups below it move to the top.
    #[graphql(
        directive = Can::apply(&[DELETE]),
        directive = Deletes::apply(),
        directive = Refuses::apply(change::HAS_PRODUCTS),
    )]
    async fn group_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Deleted<Group>> {
        let scope = ShopScope::from(ctx);
        let group = require::<Group>(*scope, live_groups, &id, MODEL).await?;
        change::refuse_with_products(scope.reader(), scope.texts(), group.0.id).await?;
        change::delete(ctx, scope, group.0.id).await
    }
}
