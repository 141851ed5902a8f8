//! Services: what customers have bought and use (docs/contract/application-operations.md#2).

mod allowed;
mod delete;
pub mod demo;
mod mutation;
pub mod price;
mod related;
pub mod seed;
pub mod state;

use async_graphql::{Context, ID, MergedObject, Object};
use entity::service;
use facade::error::Refusal;
use facade::guard::Can;
use facade::page::List;
use facade::record::{
    Currency, JsonText, Key, KeyOf, Record as _, SelectedRow, TaxedMoney, TextWord, read_by_id, read_first,
};
use facade::{filters, list, record, words};
pub use mutation::ServiceMutation;
pub use related::{ConfigOption, ServiceSubscription, Upgrade};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use self::related::{options, subscriptions, upgrades};
use super::cancellation_reason::{self, CancellationReason};
use super::customer::{self, Customer, CustomerFilter};
use super::invoice::{self, Invoice};
use super::metadata::{self, Metadata};
use super::pricing::{self, Pricing};
use super::product::{self, Product, ProductFilter};
use super::server::{self, Server};
use crate::scope::ShopScope;
use crate::{Result, abilities};

abilities! {
    /// Lists services.
    INDEX = "services:index", permissions ["admin.show_services", "admin.manage_services"];
    /// Shows services.
    SHOW = "services:show", permissions ["admin.show_services", "admin.manage_services"];
    /// Changes services.
    UPDATE = "services:update", permissions ["admin.manage_services"];
    /// Deletes services.
    DELETE = "services:delete", permissions ["admin.manage_services"];
    /// Ends services.
    EXPIRE = "services:expire", aliases ["services:terminate"], permissions ["admin.manage_services"];
    /// Suspends services.
    SUSPEND = "services:suspend", permissions ["admin.manage_services"];
    /// Lifts the suspension of services.
    UNSUSPEND = "services:unsuspend", permissions ["admin.manage_services"];
}

/// The class of a service in texts and polymorphic columns of the original.
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

words! {
    /// How often a service is paid.
    pub enum ServiceBilling {
        /// Every 7 days.
        Weekly = "weekly",
        /// Once, without renewal.
        Onetime = "onetime",
        /// Every month.
        Monthly = "monthly",
        /// Every 3 months.
        Quarterly = "quarterly",
        /// Every 6 months.
        Semiannually = "semiannually",
        /// Every year.
        Annually = "annually",
        /// Every 2 years.
        Biennially = "biennially",
        /// Every 3 years.
        Triennially = "triennially",
        /// Never: it costs nothing.
        Free = "free",
    }
}

record! {
    /// Something that a customer has bought and uses.
    pub struct Service(entity::service);
    #[can(SHOW, INDEX)] node: |_| live_services();
    columns {
        /// Identifier of its customer.
        customer_id shown KeyOf<Customer>,
        /// Public key, UUID.
        uuid,
        /// Name shown to the customer.
        name,
        /// How it is provided: `none`, `domain`, or the name of an extension.
        r#type,
        /// Billing period, as in `monthly`.
        billing shown TextWord<ServiceBilling>,
        /// Currency of its price.
        currency shown Currency,
        /// Identifier of the server that it runs on.
        server_id shown KeyOf<Server>,
        /// Identifier of its product.
        product_id shown KeyOf<Product>,
        /// Identifier of the invoice of its open renewal.
        invoice_id shown KeyOf<Invoice>,
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
        /// Identifier of the reason picked on cancelling.
        cancellation_reason_id shown Key,
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
        #[rest_only] price_ttc,
        /// Its state.
        status as ServiceStatus,
    }
    branches {
        /// The customer who owns it.
        #[can(customer::SHOW, customer::INDEX)] customer: one<Customer>(customer_id, customer::live_customers),
        /// The product that it was made from.
        #[can(product::SHOW, product::INDEX)] product: one<Product>(product_id, product::live_products),
        /// The invoice of its open renewal.
        #[can(invoice::SHOW, invoice::INDEX)] invoice: one<Invoice>(invoice_id, invoice::live_invoices),
        /// The reason picked on cancelling, also one that was deleted.
        #[can(cancellation_reason::SHOW, cancellation_reason::INDEX)] cancellation_reason:
            one<CancellationReason>(cancellation_reason_id, cancellation_reason::all_reasons),
        /// Free values attached to the service.
        #[can(metadata::METADATA)] metadata: many<Metadata>(entity::metadata::Column::ModelId, metadata_of_services),
        /// What its customer pays for a period of it; null where the shop has no price for it.
        #[can(pricing::INDEX)] price:
            each<Option<TaxedMoney>>(price::of_services, [Id, CustomerId, ProductId, Billing, Currency]),
        /// Its own prices as they are stored, where they are not those of its product.
        #[can(pricing::INDEX)] pricing_rows: many<Pricing>(entity::pricing::Column::RelatedId, pricing::prices_of_services),
        /// Options that were bought with it.
        config_options: many<ConfigOption>(entity::config_options_service::Column::ServiceId, options),
        /// The server that it runs on.
        #[can(SHOW, INDEX, server::SHOW, server::INDEX)] server: one<Server>(server_id, server::live_servers),
        /// Subscriptions that pay for it.
        subscriptions: many<ServiceSubscription>(entity::subscription::Column::ServiceId, subscriptions),
        /// The mutations that its state and the caller's abilities allow now.
        viewer_can: each<Vec<allowed::ServiceAction>>(allowed::allowed, [Status, DeletedAt]),
        /// Changes of its product.
        upgrades: many<Upgrade>(entity::upgrade::Column::ServiceId, upgrades),
    }
}

/// Services that are not deleted, ordered by primary key.
pub fn live_services() -> Select<service::Entity> {
    service::Entity::find().filter(service::Column::DeletedAt.is_null()).order_by_asc(service::Column::Id)
}

/// Services that a customer sees: not deleted, not hidden.
pub fn visible_services() -> Select<service::Entity> {
    live_services().filter(service::Column::Status.ne("hidden"))
}

fn metadata_of_services() -> Select<entity::metadata::Entity> {
    metadata::attached_to(MODEL)
}

filters! {
    /// Conditions on services; all given ones must hold.
    pub struct ServiceFilter, ServiceSort, ServiceSortField on entity::service {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Identifier of its customer.
        customer_id: KeyFilter<Customer> = CustomerId,
        /// Identifier of its product.
        product_id: KeyFilter<Product> = ProductId,
        /// Name.
        name: TextFilter = Name,
        /// How it is provided.
        r#type: TextFilter = Type,
        /// State.
        status: WordFilter<ServiceStatus> = Status in ServiceStatus,
        /// Billing period.
        billing: WordFilter<ServiceBilling> = Billing in ServiceBilling,
        /// End of the paid period.
        expires_at: DateTimeFilter = ExpiresAt,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
    related {
        /// Services whose customer meets these conditions.
        #[can(customer::INDEX, customer::SHOW)]
        customer: CustomerFilter(entity::customer::Column::Id = CustomerId, customer::live_customers),
        /// Services whose product meets these conditions.
        #[can(product::INDEX, product::SHOW)]
        product: ProductFilter(entity::product::Column::Id = ProductId, product::live_products),
    }
}

fn by_uuid(uuid: uuid::Uuid) -> Select<service::Entity> {
    live_services().filter(service::Column::Uuid.eq(uuid.to_string()))
}

/// The service with a public key (UUID) or any other identifier, if there is one.
async fn find(scope: ShopScope<'_>, id: &str) -> Result<Option<Service>> {
    match uuid::Uuid::try_parse(id) {
        Ok(uuid) => Ok(by_uuid(uuid).limit(1).one(scope.reader()).await?.map(Service)),
        Err(_) => Service::find(*scope, live_services, id).await,
    }
}

/// As [`find`], but a service that does not exist is an error: 404 with an empty message, as in the original.
async fn require(scope: ShopScope<'_>, id: &str) -> Result<Service> {
    find(scope, id).await?.ok_or_else(|| Refusal::message(404, ""))
}

/// A service by its identifier.
#[derive(Default)]
pub struct ServiceById;

#[Object]
impl ServiceById {
    /// A service by its identifier.
    #[graphql(directive = Can::apply(&[SHOW, INDEX]))]
    async fn service(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
    ) -> Result<Option<SelectedRow<Service>>> {
        match uuid::Uuid::try_parse(&id) {
            Ok(uuid) => read_first(ctx, by_uuid(uuid)).await,
            Err(_) => read_by_id(ctx, live_services, &id).await,
        }
    }
}

list! {
    /// Services of all customers.
    #[can(INDEX)] pub ServiceList: services<Service>(live_services) by ServiceFilter, ServiceSort,
    narrowed(by_identifier) { #[rest_only] only: ID = "Only this one, which must exist." };
}

/// Narrows the list by its argument `only`.
async fn by_identifier(
    scope: ShopScope<'_>,
    services: List<service::Entity>,
    only: Option<ID>,
) -> Result<List<service::Entity>> {
    match only {
        Some(only) => Ok(services.only(service::Column::Id.eq(require(scope, &only).await?.0.id))),
        None => Ok(services),
    }
}

/// Reading services.
#[derive(MergedObject, Default)]
pub struct ServiceQuery(ServiceById, ServiceList);
