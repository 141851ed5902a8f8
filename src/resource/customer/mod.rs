//! Customers of the shop (docs/contract/application-store.md#4).

mod action;
mod allowed;
mod delete;
pub mod demo;
mod input;
mod mail;
mod mutation;
mod phone;
pub mod rule;
pub mod seed;
pub mod status;
mod write;

use async_graphql::MergedObject;
use entity::{Id, customer};
use facade::filter::WordFilter;
use facade::record::{CountryCode, EmailAddress, Key, Locale, View};
use facade::transaction::Transaction;
use facade::write::lock;
use facade::{filters, list, one, record};
use sea_orm::sea_query::{IntoLikeExpr, LikeExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

pub use self::mutation::CustomerMutation;
use self::phone::Phone;
use self::status::CustomerStatus;
use super::invoice::{self, Invoice, InvoiceFilter, InvoiceSort};
use super::metadata::{self, Metadata};
use super::service::{self, Service, ServiceFilter, ServiceSort};
use super::ticket::{self, Ticket, TicketFilter, TicketSort};
use crate::scope::ShopScope;
use crate::shop::image::{self, Image};
use crate::{Result, abilities};

abilities! {
    /// Lists customers.
    INDEX = "customers:index", permissions ["admin.show_customers", "admin.manage_customers"];
    /// Shows customers.
    SHOW = "customers:show", permissions ["admin.show_customers", "admin.manage_customers"];
    /// Makes customers.
    STORE = "customers:store", aliases ["customers:create"], permissions ["admin.manage_customers"];
    /// Changes customers.
    UPDATE = "customers:update", permissions ["admin.manage_customers"];
    /// Deletes customers.
    DELETE = "customers:delete", permissions ["admin.manage_customers"];
}

/// The class of a customer in texts and polymorphic columns of the original.
pub const MODEL: &str = "App\\Models\\Account\\Customer";

record! {
    /// A customer of the shop.
    pub struct Customer(entity::customer);
    #[can(SHOW, INDEX)] node: |_| live_customers();
    columns {
        /// Given name.
        firstname,
        /// Family name.
        lastname,
        /// Address with which the customer signs in.
        email shown EmailAddress,
        /// Path of the picture below `/storage/`.
        #[rest_only] avatar_path,
        /// Company that the customer buys for.
        company_name,
        /// Further lines of the address on invoices.
        billing_details,
        /// Language and country, as in `fr_FR`.
        locale shown Locale,
        /// As it was typed; null where it is neither international nor a French number.
        phone shown Phone,
        /// Street and number.
        address,
        /// Second line of the address.
        address2,
        /// Town.
        city,
        /// Country, two letters.
        country shown CountryCode,
        /// Region, state or county.
        region,
        /// Postal code.
        zipcode,
        /// When the e-mail address was confirmed.
        email_verified_at,
        /// Credit in the shop's currency.
        balance: Money,
        /// When the customer last signed in.
        last_login,
        /// Whether the account was confirmed.
        is_confirmed,
        /// Not used any more.
        #[rest_only] is_deleted,
        /// When it was deleted.
        deleted_at,
        /// Whether the pages are shown dark.
        dark_mode,
        /// Notes of the staff.
        notes,
        /// When the account was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// Whether the customer agreed to the processing of the data.
        gdpr_consent from gdpr_compliment,
        /// Identifier of the security question.
        security_question_id shown Key,
    }
    branches {
        /// Picture of the customer.
        avatar: each<Option<Image>>(avatars, [AvatarPath]),
        /// Whether the customer may use the account.
        #[can(metadata::METADATA, UPDATE)] status: each<CustomerStatus>(status::of_customers, [Id]),
        /// Why the customer is suspended or banned; null for others, and where no reason was given.
        #[can(metadata::METADATA, UPDATE)] status_reason: each<Option<String>>(status::reasons, [Id]),
        /// Free values attached to the customer, without the secret ones.
        #[can(metadata::METADATA)] metadata: many<Metadata>(entity::metadata::Column::ModelId, open_metadata),
        /// The mutations that the customer's state and the caller's abilities allow now.
        viewer_can: each<Vec<allowed::CustomerAction>>(allowed::allowed, [EmailVerifiedAt, DeletedAt]),
        /// What the customer has bought and uses, without what is hidden from the customer.
        #[can(service::INDEX)] services:
            many<Service>(entity::service::Column::CustomerId, service::visible_services) by ServiceFilter, ServiceSort,
        /// Invoices and drafts of invoices.
        #[can(invoice::INDEX)] invoices:
            many<Invoice>(entity::invoice::Column::CustomerId, invoice::live_invoices) by InvoiceFilter, InvoiceSort,
        /// What the customer has asked the helpdesk.
        #[can(ticket::INDEX)] tickets:
            many<Ticket>(entity::support_ticket::Column::CustomerId, ticket::live_tickets) by TicketFilter, TicketSort,
    }
}

filters! {
    /// Conditions on customers; all given ones must hold.
    pub struct CustomerFilter, CustomerSort, CustomerSortField on entity::customer {
        /// Primary key.
        database_id: IntFilter = Id,
        /// E-mail address.
        email: TextFilter = Email,
        /// Given name.
        firstname: TextFilter = Firstname,
        /// Family name.
        lastname: TextFilter = Lastname,
        /// Phone number, as it was typed.
        phone: TextFilter = Phone,
        /// Company.
        company_name: TextFilter = CompanyName,
        /// Town.
        city: TextFilter = City,
        /// Country, two letters.
        country: WordFilter<CountryCode> = Country,
        /// Language and country, as in `fr_FR`.
        locale: WordFilter<Locale> = Locale,
        /// Credit in the shop's currency.
        balance: DecimalFilter = Balance,
        /// When the e-mail address was confirmed.
        email_verified_at: DateTimeFilter = EmailVerifiedAt,
        /// When the customer last signed in.
        last_login: DateTimeFilter = LastLogin,
        /// Whether the account was confirmed.
        is_confirmed: BooleanFilter = IsConfirmed,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
    related {
        /// Those with a service for which this holds.
        #[can(service::INDEX)]
        services: ServiceFilter(entity::service::Column::CustomerId = Id, service::visible_services),
    }
    derived {
        /// Whether the customer may use the account.
        #[can(metadata::METADATA, UPDATE)] status: WordFilter<CustomerStatus> = status::condition,
    }
}

/// Customers that are not deleted.
pub fn live_customers() -> Select<customer::Entity> {
    customer::Entity::find().filter(customer::Column::DeletedAt.is_null())
}

async fn avatars(scope: ShopScope<'_>, customers: &[View<'_>]) -> Result<Vec<Option<Image>>> {
    image::of_column(&scope.public_url(), customers, customer::Column::AvatarPath as usize)
}

/// The row of a customer, locked until the transaction ends, in the state that the caller expects.
///
/// # Errors
/// As [`lock`].
async fn locked(scope: ShopScope<'_>, transaction: &Transaction, id: Id) -> Result<customer::Model> {
    lock::<Customer>(transaction, live_customers(), id, MODEL, scope.expected()).await
}

/// Prefixes of metadata keys that are never shown: second factors, keys of automatic logins.
const SECRET_PREFIXES: [&str; 2] = ["2fa_", "autologin_"];
/// Prefix and suffix of further metadata keys that are never shown: refresh tokens of social logins.
const SECRET_SOCIAL: (&str, &str) = ("social_", "_refresh_token");

/// The metadata of customers without the secret ones.
fn open_metadata() -> Select<entity::metadata::Entity> {
    let escaped = |text: &str| text.replace('_', "!_");
    let (social, token) = SECRET_SOCIAL;
    let secret = SECRET_PREFIXES.map(|prefix| format!("{}%", escaped(prefix)));
    let secret = secret.into_iter().chain([format!("{}%{}", escaped(social), escaped(token))]);
    secret.fold(metadata::attached_to(MODEL), |select, pattern| {
        let pattern = LikeExpr::new(pattern).escape('!').into_like_expr();
        select.filter(entity::metadata::Column::Key.not_like(pattern))
    })
}

one! {
    /// A customer by its identifier.
    #[can(SHOW, INDEX)] pub CustomerById: customer<Customer>(live_customers);
}

list! {
    /// Customers of the shop.
    #[can(INDEX)] pub CustomerList: customers<Customer>(live_customers) by CustomerFilter, CustomerSort,
    search(customer::Column::Email): "Only customers whose e-mail address holds this text, exact matches first.";
}

/// Reading customers.
#[derive(MergedObject, Default)]
pub struct CustomerQuery(CustomerById, CustomerList);
