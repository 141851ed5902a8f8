//! The records of a service: options, subscriptions, changes of its product. They have only the columns that a service
//! shows.

use entity::{config_options_service, service, subscription, upgrade};
use facade::filter::exists;
use facade::record::{CountryCode, Currency, Key, KeyOf, TextWord};
use facade::{record, words};
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, Select};

use super::{INDEX, SHOW, Service, live_services};
use crate::resource::invoice::Invoice;
use crate::resource::pricing::price::{self, Price};
use crate::resource::pricing::{self, BillingPeriod};
use crate::resource::product::{self, Product};

record! {
    /// An option that was bought with a service.
    pub struct ConfigOption(entity::config_options_service);
    #[can(SHOW, INDEX)] node: |_| options().filter(of_live_service(config_options_service::Column::ServiceId));
    columns {
        /// Identifier of the option that the shop offers.
        config_option_id shown Key,
        /// Identifier of the service.
        service_id shown KeyOf<Service>,
        /// What was chosen.
        value,
        /// Name of the option for the extension that provides the service.
        key,
        /// When it ends; null with the service.
        expires_at,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
    }
    branches {
        /// Its prices by billing period, as those of a product.
        #[can(pricing::INDEX)] prices: each<Vec<Price>>(price::of_options, [Id], {
            /// Only in this currency; without it in all, the shop's own first.
            currency: Currency,
            /// Only for this billing period.
            period: BillingPeriod,
            /// Country whose tax is on them, two letters; without it, that of the customer who asks.
            country: CountryCode,
        }),
    }
}

words! {
    /// State of a subscription.
    pub enum SubscriptionState {
        /// It has not paid yet.
        Pending = "pending",
        /// It pays the renewals.
        Active = "active",
        /// It was ended.
        Cancelled = "cancelled",
    }
}

record! {
    /// A subscription that pays the renewals of a service.
    pub struct ServiceSubscription(entity::subscription);
    #[can(SHOW, INDEX)] node: |_| subscriptions().filter(of_live_service(subscription::Column::ServiceId));
    columns {
        /// `active`, `pending` or `cancelled`.
        state shown TextWord<SubscriptionState>,
        /// When it was cancelled.
        cancelled_at,
        /// How often it paid.
        cycles,
        /// When it last paid.
        last_payment_at,
        /// Day of the month on which it pays.
        billing_day,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
    }
}

record! {
    /// A change of a service's product.
    pub struct Upgrade(entity::upgrade);
    #[can(SHOW, INDEX)] node: |_| upgrades().filter(of_live_service(upgrade::Column::ServiceId));
    columns {
        /// Identifier of the product before.
        old_product_id shown KeyOf<Product>,
        /// Identifier of the product after.
        new_product_id shown KeyOf<Product>,
        /// Identifier of the invoice of the difference.
        invoice_id shown KeyOf<Invoice>,
        /// Whether it was done.
        upgraded,
        /// When it was asked for.
        created_at,
        /// When it was last changed.
        updated_at,
    }
    branches {
        /// The product before.
        #[can(product::SHOW, product::INDEX)] old_product: one<Product>(old_product_id, product::live_products),
        /// The product after.
        #[can(product::SHOW, product::INDEX)] new_product: one<Product>(new_product_id, product::live_products),
    }
}

pub(super) fn options() -> Select<config_options_service::Entity> {
    config_options_service::Entity::find().order_by_asc(config_options_service::Column::Id)
}

pub(super) fn subscriptions() -> Select<subscription::Entity> {
    let live = subscription::Entity::find().filter(subscription::Column::DeletedAt.is_null());
    live.order_by_asc(subscription::Column::Id)
}

pub(super) fn upgrades() -> Select<upgrade::Entity> {
    upgrade::Entity::find().order_by_asc(upgrade::Column::Id)
}

/// The condition that `column` has the key of a service that is not deleted.
fn of_live_service(column: impl ColumnTrait) -> SimpleExpr {
    exists(live_services(), service::Column::Id, column, Condition::all())
}
