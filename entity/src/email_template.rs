//! Templates of mails, one per name and language.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, ShopTime};

/// A row of `email_templates`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "email_templates")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name by which the shop picks it.
    pub name: String,
    /// Body with placeholders.
    pub content: String,
    /// Subject line with placeholders.
    pub subject: String,
    /// Text of the button.
    pub button_text: Option<String>,
    /// Language and country, as in `fr_FR`.
    pub locale: String,
    /// Whether the staff does not see it.
    pub hidden: Flag,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
