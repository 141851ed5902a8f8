//! The staff of the shop: who answers tickets, and to whom they are given
//! (docs/contract/application-operations.md#10.2).

pub mod seed;

use async_graphql::MergedObject;
use entity::admin;
use facade::record::{EmailAddress, Key, Locale, View};
use facade::{filters, list, one, record};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use crate::scope::ShopScope;
use crate::shop::image::{self, Image};
use crate::{Result, abilities};

abilities! {
    /// Lists the staff, by name.
    INDEX = "staff:index", permissions
        ["admin.manage_staff", "admin.manage_tickets", "admin.manage_tickets_department.*"];
    /// Shows e-mail addresses and sign-ins of the staff.
    SHOW = "staff:show", permissions ["admin.manage_staff"];
}

record! {
    /// A member of the shop's staff.
    pub struct Staff(entity::admin);
    #[can(INDEX, SHOW)] node: |_| live_staff();
    columns {
        /// Name shown to customers.
        username,
        /// Address with which the member signs in.
        #[can(SHOW)] email shown EmailAddress,
        /// Path of the picture below `/storage/`.
        #[rest_only] avatar_path,
        /// Given name.
        firstname,
        /// Family name.
        lastname,
        /// When the member last signed in.
        #[can(SHOW)] last_login,
        /// Address of the last sign-in.
        #[can(SHOW)] last_login_ip,
        /// From when the member cannot sign in any more.
        #[can(SHOW)] expires_at,
        /// Text below answers to tickets.
        signature,
        /// Whether the pages are shown dark.
        #[rest_only] dark_mode,
        /// Key of the role.
        #[can(SHOW)] #[rest_only] role_id,
        /// Language and country, as in `fr_FR`.
        locale shown Locale,
        /// When the account was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
        /// Identifier of the security question.
        #[can(SHOW)] #[rest_only] security_question_id shown Key,
    }
    branches {
        /// Picture of the member.
        avatar: each<Option<Image>>(avatars, [AvatarPath]),
    }
}

filters! {
    /// Conditions on members of the staff; all given ones must hold.
    pub struct StaffFilter, StaffSort, StaffSortField on entity::admin {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name shown to customers.
        username: TextFilter = Username,
        /// Given name.
        firstname: TextFilter = Firstname,
        /// Family name.
        lastname: TextFilter = Lastname,
        /// When the account was made.
        created_at: DateTimeFilter = CreatedAt,
    }
}

/// Members of the staff who are not deleted.
pub fn live_staff() -> Select<admin::Entity> {
    admin::Entity::find().filter(admin::Column::DeletedAt.is_null())
}

async fn avatars(scope: ShopScope<'_>, staff: &[View<'_>]) -> Result<Vec<Option<Image>>> {
    image::of_column(&scope.public_url(), staff, admin::Column::AvatarPath as usize)
}

one! {
    /// A member of the staff by its identifier.
    #[can(INDEX, SHOW)] pub StaffById: staff_member<Staff>(live_staff);
}

list! {
    /// The staff of the shop.
    #[can(INDEX)] pub StaffList: staff<Staff>(live_staff) by StaffFilter, StaffSort,
    search(admin::Column::Username): "Only members whose name holds this text, exact matches first.";
}

/// Reading the staff.
#[derive(MergedObject, Default)]
pub struct StaffQuery(StaffById, StaffList);
