//! What customers have bought and use (spec: `application-operations.md` 2).

pub mod state;

use entity::service;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use super::customer::{self, Customer};
use super::invoice::{self, Invoice};
use super::product::{self, Product};
use crate::record::JsonText;
use crate::{record, words};

/// What the original calls a service in texts and polymorphic columns.
pub const MODEL: &str = "App\\Models\\Provisioning\\Service";

words! {
    /// State of a service.
    pub enum ServiceStatus {
        /// Ordered, not delivered yet.
        Pending = "pending",
        /// In use.
        Active = "active",
        /// Kept, but out of use.
        Suspended = "suspended",
        /// Ended: its account was removed.
        Expired = "expired",
        /// Ended by the customer.
        Cancelled = "cancelled",
        /// Ended long ago: the customer does not see it any more.
        Hidden = "hidden",
    }
}

record! {
    /// Something that a customer has bought and uses.
    pub struct Service(service::Model);
    columns {
        /// Primary key of its customer.
        customer_id,
        /// Public key, UUID.
        uuid,
        /// Name shown to the customer.
        name,
        /// How it is provided: `none`, `domain`, or the name of an extension.
        r#type,
        /// Billing period, as in `monthly`.
        billing,
        /// Currency, three letters.
        currency,
        /// Primary key of the server that it runs on.
        server_id,
        /// Primary key of its product.
        product_id,
        /// Primary key of the invoice of its open renewal.
        invoice_id,
        /// End of the paid period; null where it does not end.
        expires_at,
        /// When it was suspended.
        suspended_at,
        /// Why it was suspended.
        suspend_reason,
        /// When it ends by cancellation.
        cancelled_at,
        /// What the customer said on cancelling.
        cancelled_reason,
        /// Primary key of the reason picked on cancelling.
        cancellation_reason_id,
        /// Notes of the staff.
        notes,
        /// What went wrong when it was last delivered.
        delivery_errors,
        /// How often delivery was tried.
        delivery_attempts,
        /// How often it was renewed.
        renewals,
        /// End of the trial.
        trial_ends_at,
        /// How often it may be renewed; null is without limit.
        max_renewals,
        /// What the extension that provides it keeps; may hold its access data.
        data shown JsonText,
        /// Whether it was cancelled.
        is_cancelled,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// Text shown to the customer.
        description,
        /// When it was deleted.
        deleted_at,
        /// Price of a period, taxes included, as it was stored; used nowhere.
        price_ttc,
        /// Its state.
        status as ServiceStatus,
    }
    branches {
        /// The customer whose it is.
        #[can(CustomersShow, CustomersIndex)] customer: one<Customer>(customer_id, customer::live_customers),
        /// The product that it was made from.
        #[can(ProductsShow, ProductsIndex)] product: one<Product>(product_id, product::live_products),
        /// The invoice of its open renewal.
        #[can(InvoicesShow, InvoicesIndex)] invoice: one<Invoice>(invoice_id, invoice::live_invoices),
    }
}

/// Services that were not deleted, by primary key.
pub fn live_services() -> Select<service::Entity> {
    service::Entity::find().filter(service::Column::DeletedAt.is_null()).order_by_asc(service::Column::Id)
}

/// Services that a customer sees: not deleted, not hidden.
pub fn visible_services() -> Select<service::Entity> {
    live_services().filter(service::Column::Status.ne("hidden"))
}
