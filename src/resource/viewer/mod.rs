//! The customer who sends the request, by key or session (docs/contract/documented-contract.md#4.4).

mod invoice;
mod service;

use async_graphql::{Context, Object};
use entity::customer;
use facade::guard::Can;
use facade::record;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};

pub use self::invoice::ViewerInvoice;
use self::invoice::{ViewerInvoiceFilter, ViewerInvoiceSort, visible_invoices};
pub use self::service::ViewerService;
use self::service::{ViewerServiceFilter, ViewerServiceSort};
use super::customer::status::{self, CustomerStatus};
use super::customer::{Customer, live_customers};
use super::service::visible_services;
use crate::access::{CLIENT_API, Owner};
use crate::scope::ShopScope;
use crate::{Error, Result, abilities};

abilities! {
    /// Shows the customer whose key it is.
    ME = "customer:me", aliases ["customer:*"], for customers;
}

record! {
    /// The signed-in customer, as customers see themselves: without the notes of the staff.
    pub struct Viewer view of Customer;
    #[can(ME, CLIENT_API)] node: |ctx| oneself(ctx.into());
    columns {
        firstname, lastname, email, company_name, billing_details, locale, phone, address, address2, city, country, region,
        zipcode, email_verified_at, balance, last_login, is_confirmed, #[rest_only] is_deleted, dark_mode, gdpr_consent, created_at,
    }
    branches {
        /// Whether the account may be used. A customer who is banned cannot sign in.
        status: each<CustomerStatus>(status::of_customers, [Id]),
        /// Why the account is suspended; null for others, and where no reason was given.
        status_reason: each<Option<String>>(status::reasons, [Id]),
        /// What the customer has bought and uses.
        #[can(CLIENT_API)] services:
            many<ViewerService>(entity::service::Column::CustomerId, visible_services)
            by ViewerServiceFilter, ViewerServiceSort,
        /// The customer's invoices.
        #[can(CLIENT_API)] invoices:
            many<ViewerInvoice>(entity::invoice::Column::CustomerId, visible_invoices)
            by ViewerInvoiceFilter, ViewerInvoiceSort,
    }
}

/// The rows whose `column` is the key of the customer who sends the request; no rows for other callers.
fn own<E: EntityTrait>(select: Select<E>, column: E::Column, scope: ShopScope<'_>) -> Select<E> {
    match scope.principal().map(|principal| principal.owner) {
        Ok(Owner::Customer(id)) => select.filter(column.eq(id)),
        _ => select.filter(Expr::val(1).eq(0)),
    }
}

fn oneself(scope: ShopScope<'_>) -> Select<customer::Entity> {
    own(live_customers(), customer::Column::Id, scope)
}

/// Reading oneself.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// The customer whose key it is.
    #[graphql(directive = Can::apply(&[ME, CLIENT_API]))]
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        let scope = ShopScope::from(ctx);
        // The guard refuses other callers; a customer who was deleted in the meantime has no valid key.
        let Owner::Customer(id) = scope.principal()?.owner else { return Err(Error::Unauthenticated) };
        let own = live_customers().filter(customer::Column::Id.eq(id)).limit(1);
        own.one(scope.reader()).await?.map(Viewer).ok_or(Error::Unauthenticated)
    }
}
