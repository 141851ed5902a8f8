//! Services as their customer sees them (docs/contract/client.md#9): without the notes of the staff, what
//! went wrong at delivery, and what the extension keeps.

use entity::{product, server, service};
use facade::record;
use sea_orm::{EntityTrait, Select};

use super::own;
use super::price::{self, ServicePrice};
use crate::access::CLIENT_API;
use crate::resource::service::{ServiceStatus, visible_services};
use crate::scope::ShopScope;

record! {
    /// Something that the customer has bought and uses.
    pub struct ViewerService(entity::service);
    #[can(CLIENT_API)] node: |ctx| own_services(ctx.into());
    columns {
        /// Public key, UUID.
        uuid,
        /// Name.
        name,
        /// How it is provided: `none`, `domain`, or the name of an extension.
        r#type,
        /// Billing period, as in `monthly`.
        billing,
        /// Currency, three letters.
        currency,
        /// Its state.
        status as ServiceStatus,
        /// Text about it.
        description,
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
        /// Whether it was cancelled.
        is_cancelled,
        /// How often it was renewed.
        renewals,
        /// How often it may be renewed; null is without limit.
        max_renewals,
        /// End of the trial.
        trial_ends_at,
        /// When it was made.
        created_at,
    }
    branches {
        /// What the customer pays for a period of it; null where the shop has no price for it.
        price: each<Option<ServicePrice>>(price::of_services, [Id, ProductId, Billing, Currency]),
        /// The product that it was made from, also where it is not sold any more.
        product: one<ViewerProduct>(product_id, products),
        /// The server that it runs on, by name only.
        server: one<ViewerServer>(server_id, servers),
    }
}

record! {
    /// The product of a service.
    pub struct ViewerProduct(entity::product);
    columns {
        /// Name.
        name,
        /// How it is provided.
        r#type,
    }
}

record! {
    /// The server of a service.
    pub struct ViewerServer(entity::server);
    columns {
        /// Name.
        name,
    }
}

fn products() -> Select<product::Entity> {
    product::Entity::find()
}

fn servers() -> Select<server::Entity> {
    server::Entity::find()
}

fn own_services(scope: ShopScope<'_>) -> Select<service::Entity> {
    own(visible_services(), service::Column::CustomerId, scope)
}
