//! Machines on which services run.

use sea_orm::entity::prelude::*;

use crate::value::{Encrypted, Id, Int, ShopTime};

/// A row of `servers`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "servers")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name.
    pub name: String,
    /// Port of the machine's API.
    pub port: Int,
    /// Name of the account with which the shop signs in at the machine.
    pub username: Encrypted,
    /// Password of that account.
    pub password: Encrypted,
    /// Kind that decides which module talks to it.
    pub r#type: String,
    /// Address of the machine's API.
    pub address: String,
    /// Host name shown to customers.
    pub hostname: String,
    /// How many services fit; 0 is without limit.
    pub maxaccounts: Int,
    /// `active`, `hidden` or `unreferenced`.
    pub status: String,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
