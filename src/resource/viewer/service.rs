//! Services as their customer sees them (docs/contract/client.md#9): without the notes of the staff, errors of
//! delivery, and data of the extension.

use entity::{product, server, service};
use facade::record::TaxedMoney;
use facade::{filters, record};
use sea_orm::{EntityTrait, Select};

use super::own;
use crate::access::CLIENT_API;
use crate::resource::product::Product;
use crate::resource::server::Server;
use crate::resource::service::{Service, ServiceStatus, price, visible_services};
use crate::scope::ShopScope;

record! {
    /// Something that the customer has bought and uses.
    pub struct ViewerService view of Service;
    #[can(CLIENT_API)] node: |ctx| own_services(ctx.into());
    columns {
        uuid,
        /// Name.
        name,
        r#type, billing, currency, status,
        /// Text about it.
        description,
        expires_at, suspended_at, suspend_reason, cancelled_at, cancelled_reason, is_cancelled, renewals, max_renewals,
        trial_ends_at, created_at,
    }
    branches {
        /// What the customer pays for a period of it; null where the shop has no price for it.
        price: each<Option<TaxedMoney>>(price::of_services, [Id, CustomerId, ProductId, Billing, Currency]),
        /// The product that it was made from, also where it is not sold any more.
        product: one<ViewerProduct>(product_id, products),
        /// The server that it runs on, by name only.
        server: one<ViewerServer>(server_id, servers),
    }
}

record! {
    /// The product of a service.
    pub struct ViewerProduct view of Product;
    columns { name, r#type }
}

record! {
    /// The server of a service.
    pub struct ViewerServer view of Server;
    columns { name }
}

filters! {
    /// Conditions on what the customer has bought; all given ones must hold.
    pub struct ViewerServiceFilter, ViewerServiceSort, ViewerServiceSortField on entity::service {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name.
        name: TextFilter = Name,
        /// How it is provided.
        r#type: TextFilter = Type,
        /// State.
        status: WordFilter<ServiceStatus> = Status in ServiceStatus,
        /// End of the paid period.
        expires_at: DateTimeFilter = ExpiresAt,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
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
