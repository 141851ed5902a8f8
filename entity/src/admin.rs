//! Members of the staff.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, ShopTime};

/// A row of `admins`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "admins")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name shown to others.
    pub username: String,
    /// bcrypt hash; never shown.
    pub password: String,
    /// Address with which they sign in.
    pub email: String,
    /// Path of the picture.
    pub avatar_path: Option<String>,
    /// Given name.
    pub firstname: String,
    /// Family name.
    pub lastname: String,
    /// Secret of the "remember me" cookie; never shown.
    pub remember_token: Option<String>,
    /// When they last signed in.
    pub last_login: Option<ShopTime>,
    /// Address of the last sign-in.
    pub last_login_ip: Option<String>,
    /// From when they can not sign in any more.
    pub expires_at: Option<ShopTime>,
    /// Text below their answers to tickets.
    pub signature: Option<String>,
    /// Whether the pages are shown dark.
    pub dark_mode: Flag,
    /// Key of the role, kept as text.
    pub role_id: String,
    /// Language and country, as in `fr_FR`.
    pub locale: String,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
    /// Security question.
    pub security_question_id: Option<Id>,
    /// Answer to the security question in lower case; never shown.
    pub security_answer: Option<String>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
