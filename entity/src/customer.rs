//! Customers of the shop.

use sea_orm::entity::prelude::*;

use crate::value::{Amount, Flag, Id, ShopTime};

/// A row of `customers`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Given name.
    pub firstname: String,
    /// Family name.
    pub lastname: String,
    /// Address with which the customer signs in; unique.
    pub email: String,
    /// Path of the picture.
    pub avatar_path: Option<String>,
    /// Company, if the customer buys for one.
    pub company_name: Option<String>,
    /// Free text for the address block of invoices.
    pub billing_details: Option<String>,
    /// Language and country, as in `fr_FR`.
    pub locale: String,
    /// As it was typed; not unique.
    pub phone: Option<String>,
    /// Street and number.
    pub address: String,
    /// Second line of the address.
    pub address2: Option<String>,
    /// Town.
    pub city: String,
    /// Two-letter country code.
    pub country: String,
    /// Region, state or county.
    pub region: String,
    /// Postal code.
    pub zipcode: String,
    /// When the address was confirmed.
    pub email_verified_at: Option<ShopTime>,
    /// bcrypt hash; never shown.
    pub password: String,
    /// Credit in the shop's currency.
    pub balance: Amount,
    /// When the customer last signed in.
    pub last_login: Option<ShopTime>,
    /// Address of the last sign-in; never shown.
    pub last_ip: Option<String>,
    /// Whether the account was confirmed.
    pub is_confirmed: Flag,
    /// Secret of the confirmation mail.
    pub confirmation_token: Option<String>,
    /// Whether the customer closed the account.
    pub is_deleted: Flag,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
    /// Secret of the second factor, if one is set up.
    pub totp_secret: Option<String>,
    /// Whether the pages are shown dark.
    pub dark_mode: Flag,
    /// Notes of the staff.
    pub notes: Option<String>,
    /// Secret of the "remember me" cookie; never shown.
    pub remember_token: Option<String>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// Whether the customer agreed to the processing of the data.
    pub gdpr_compliment: Flag,
    /// Security question.
    pub security_question_id: Option<Id>,
    /// Answer to the security question in lower case; never shown.
    pub security_answer: Option<String>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
