//! The tables of the shop, one module each: a [`sea_orm`] entity with its columns in the order of the table.
//!
//! There are no rights, no rules and no GraphQL here. Column types with a meaning of their own are in
//! [`value`]; JSON columns are raw text, enumerations are strings.

pub mod action_log;
pub mod action_log_entry;
pub mod admin;
pub mod cancellation_reason;
pub mod config_option;
pub mod config_options_option;
pub mod config_options_product;
pub mod config_options_service;
pub mod coupon;
pub mod coupon_product;
pub mod coupon_usage;
pub mod custom_item;
pub mod customer;
pub mod customer_note;
pub mod email_message;
pub mod email_template;
pub mod gateway;
pub mod group;
pub mod invoice;
pub mod invoice_item;
pub mod invoice_log;
pub mod invoice_sequence;
pub mod metadata;
pub mod password_reset_token;
pub mod permission;
pub mod permission_role;
pub mod personal_access_token;
pub mod pricing;
pub mod product;
pub mod role;
pub mod security_question;
pub mod server;
pub mod service;
pub mod service_renewal;
pub mod setting;
pub mod subdomains_host;
pub mod subscription;
pub mod support_attachment;
pub mod support_comment;
pub mod support_department;
pub mod support_message;
pub mod support_ticket;
pub mod translation;
pub mod upgrade;

pub use value::{
    self, Amount, Decimal2, Encrypted, Flag, Id, Int, LocalTime, Price, ShopDate, ShopTime, set_zone, zone,
};
