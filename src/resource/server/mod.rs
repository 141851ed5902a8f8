//! Servers that services run on (docs/contract/application-operations.md#6). Their access data is encrypted in the database.
//! REST shows it, as the original does; GraphQL has it in a field of its own alone, so that it is in no list and behind no
//! service, filter or order.

mod change;
mod credentials;
pub mod demo;
mod kind;
pub mod seed;
mod test;

use async_graphql::{Context, ID, MergedObject, Object};
use entity::{server, service};
use facade::form::Form;
use facade::guard::Can;
use facade::payload::Deletes;
use facade::record::{Deleted, KeyOf, Moment, Record as _, TextWord, require};
use facade::user_error::Refuses;
use facade::{filters, form, list, one, record, words};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use self::credentials::ServerCredentials;
use self::kind::server_kind;
use self::test::ServerTest;
use super::metadata::{self, Metadata};
use super::service::{self as services, Service, ServiceFilter, ServiceSort, live_services};
use crate::scope::ShopScope;
use crate::{Result, abilities};

abilities! {
    /// Lists servers.
    INDEX = "servers:index", permissions ["admin.manage_servers"];
    /// Shows servers.
    SHOW = "servers:show", permissions ["admin.manage_servers"];
    /// Makes servers.
    STORE = "servers:store", aliases ["servers:create"], permissions ["admin.manage_servers"];
    /// Changes servers.
    UPDATE = "servers:update", permissions ["admin.manage_servers"];
    /// Deletes servers.
    DELETE = "servers:delete", permissions ["admin.manage_servers"];
    /// Tests whether servers can be reached.
    TEST = "servers:test", permissions ["admin.manage_servers"];
    /// Shows user names and passwords of servers in GraphQL. No role but that of administrators has it.
    CREDENTIALS = "servers:credentials";
}

/// What the original calls a server in texts and polymorphic columns.
const MODEL: &str = "App\\Models\\Provisioning\\Server";

words! {
    /// Whether new services may be put on a server.
    pub enum ServerStatus {
        /// They may.
        Active = "active",
        /// Hidden.
        Hidden = "hidden",
        /// Not listed.
        Unreferenced = "unreferenced",
    }
}

record! {
    /// A server that services run on. Who may read a service sees the name of its server.
    pub struct Server(entity::server);
    #[can(SHOW, INDEX)] node: |_| live_servers();
    columns {
        /// Name that the staff gave it.
        name,
        /// Port of its API.
        #[can(SHOW, INDEX)] port,
        /// Kind of extension that speaks to it.
        r#type,
        /// Address of its API.
        #[can(SHOW, INDEX)] address,
        /// Host name shown to customers.
        #[can(SHOW, INDEX)] hostname,
        /// How many services fit on it; 0 is without limit.
        #[can(SHOW, INDEX)] maxaccounts,
        /// Whether new services may be put on it.
        status shown TextWord<ServerStatus>,
        /// When it was made.
        #[can(SHOW, INDEX)] created_at,
        /// When it was last changed.
        #[can(SHOW, INDEX)] updated_at,
        /// When it was deleted.
        #[can(SHOW, INDEX)] deleted_at,
    }
    branches {
        /// Name of the account with which the shop signs in.
        #[can(CREDENTIALS)] #[rest_only] username: each<Option<String>>(credentials::usernames, [Id, Username]),
        /// Password of that account.
        #[can(CREDENTIALS)] #[rest_only] password: each<Option<String>>(credentials::passwords, [Id, Password]),
        /// Services that run on it.
        #[can(services::INDEX)] services:
            many<Service>(service::Column::ServerId, live_services) by ServiceFilter, ServiceSort,
        /// Free values attached to it.
        #[can(metadata::METADATA)] metadata: many<Metadata>(entity::metadata::Column::ModelId, metadata_of_servers),
    }
}

filters! {
    /// Conditions on servers; all given ones must hold.
    pub struct ServerFilter, ServerSort, ServerSortField on entity::server {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name.
        name: TextFilter = Name,
        /// Address of its API.
        address: TextFilter = Address,
        /// Host name shown to customers.
        hostname: TextFilter = Hostname,
        /// Port of its API.
        port: IntFilter = Port,
        /// Kind of extension that speaks to it.
        r#type: TextFilter = Type,
        /// Whether new services may be put on it.
        status: WordFilter<ServerStatus> = Status in ServerStatus,
        /// How many services fit on it; 0 is without limit.
        maxaccounts: IntFilter = Maxaccounts,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

/// Servers that were not deleted.
pub fn live_servers() -> Select<server::Entity> {
    server::Entity::find().filter(server::Column::DeletedAt.is_null())
}

fn metadata_of_servers() -> Select<entity::metadata::Entity> {
    metadata::attached_to(MODEL)
}

one! {
    /// A server by its identifier.
    #[can(SHOW, INDEX)] pub ServerById: server<Server>(live_servers);
}

list! {
    /// Servers of the shop.
    #[can(INDEX)] pub ServerList: servers<Server>(live_servers) by ServerFilter, ServerSort,
    search(server::Column::Name): "Only servers whose name holds this text, exact matches first.";
}

/// Reading the access data of servers.
#[derive(Default)]
pub struct ServerSecrets;

#[Object]
impl ServerSecrets {
    /// User name and password of a server. Null where there is no such server.
    #[graphql(directive = Can::apply(&[CREDENTIALS]))]
    async fn server_credentials(&self, ctx: &Context<'_>, id: ID) -> Result<Option<ServerCredentials>> {
        let scope = ShopScope::from(ctx);
        let found = Server::find(*scope, live_servers, &id).await?;
        found.map(|server| ServerCredentials::of(scope, &server.0)).transpose()
    }
}

/// Reading servers.
#[derive(MergedObject, Default)]
pub struct ServerQuery(ServerById, ServerList, ServerSecrets);

/// The highest port.
const MAX_PORT: i64 = 65_535;
/// The most accounts that the column holds on all databases.
const MAX_ACCOUNTS: i64 = 2_147_483_647;
/// The longest user name and password in characters: of four bytes each, they fit their column when they are encrypted.
const MAX_SECRET: i64 = 9_000;

form! {
    /// What a new server is made from.
    pub struct ServerCreateInput for entity::server {
        /// Name that the staff gives it; unique, also among deleted ones.
        name: String => [string(), max(255), unique("servers", "name"), afterwards([required()])],
        /// Port of its API; 443 where it is left out.
        port: i64 => [numeric(), min(1), max(MAX_PORT)],
        /// Name of the account with which the shop signs in. It is encrypted.
        #[no_column]
        username: String => [string(), max(MAX_SECRET), afterwards([required()])],
        /// Password of that account. It is encrypted.
        #[no_column]
        password: String => [string(), max(MAX_SECRET), afterwards([required()])],
        /// Whether new services may be put on it; `ACTIVE` where it is left out.
        status: ServerStatus => [string(), one_of(ServerStatus::WORDS)],
        /// Kind of extension that speaks to it: `none`, `domain`, or one that servers or products of the shop have.
        r#type: String => [string(), max(255), server_kind(), afterwards([required()])],
        /// Host name shown to customers.
        hostname: String => [required(), string(), max(255)],
        /// Address of its API.
        address: String => [required(), string(), max(255)],
        /// How many services fit on it; 0, as where it is left out, is without limit.
        maxaccounts: i64 => [nullable(), numeric(), min(0), max(MAX_ACCOUNTS)],
    }
}

form! {
    /// What changes in a server; fields that are left out or null stay as they are.
    pub struct ServerUpdateInput for entity::server {
        /// Name that the staff gives it; unique, also among deleted ones.
        name: String => [string(), max(255), unique("servers", "name")],
        /// Port of its API.
        port: i64 => [numeric(), min(1), max(MAX_PORT)],
        /// Name of the account with which the shop signs in. It is encrypted.
        #[no_column]
        username: String => [nullable(), string(), max(MAX_SECRET)],
        /// Password of that account. It is encrypted.
        #[no_column]
        password: String => [nullable(), string(), max(MAX_SECRET)],
        /// Whether new services may be put on it.
        status: ServerStatus => [string(), one_of(ServerStatus::WORDS)],
        /// Kind of extension that speaks to it: `none`, `domain`, or one that servers or products of the shop have.
        r#type: String => [string(), max(255), server_kind()],
        /// Host name shown to customers.
        hostname: String => [required_unless_partial(), string(), max(255)],
        /// Address of its API.
        address: String => [required_unless_partial(), string(), max(255)],
        /// How many services fit on it; 0 is without limit.
        maxaccounts: i64 => [nullable(), numeric(), min(0), max(MAX_ACCOUNTS)],
    }
}

form! {
    /// The server whose connection is tested.
    pub struct ServerTestInput {
        /// Address of its API; that of the server where `serverId` names one.
        address: String => [nullable(), string(), max(255)],
        /// Port of its API; that of the server, or 443.
        port: i64 => [nullable(), numeric(), min(1), max(MAX_PORT)],
        /// Kind of extension that speaks to it: `none` where it is left out.
        r#type: String => [nullable(), string(), max(255)],
        /// Name of the account with which the shop signs in.
        username: String => [nullable(), string(), max(MAX_SECRET)],
        /// Password of that account.
        password: String => [nullable(), string(), max(MAX_SECRET)],
        /// Host name shown to customers.
        hostname: String => [nullable(), string(), max(255)],
        /// Identifier of a server that has what is left out.
        server_id: KeyOf<Server> => [nullable(), integer()],
    }
}

/// Changing servers.
#[derive(Default)]
pub struct ServerMutation;

#[Object]
impl ServerMutation {
    /// Makes a server.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn server_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] input: Form<ServerCreateInput>,
    ) -> Result<Server> {
        let scope = ShopScope::from(ctx);
        change::create(scope, &scope.check_new(input).await?).await.map(Server)
    }

    /// Changes a server.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn server_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] input: Form<ServerUpdateInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Server> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require::<Server>(*scope, live_servers, &id, MODEL).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        change::update(scope, id, &input).await.map(Server)
    }

    /// Deletes a server that no service runs on.
    #[graphql(
        directive = Can::apply(&[DELETE]),
        directive = Deletes::apply(),
        directive = Refuses::apply(change::HAS_SERVICES),
    )]
    async fn server_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Deleted<Server>> {
        let scope = ShopScope::from(ctx);
        let id = require::<Server>(*scope, live_servers, &id, MODEL).await?.0.id;
        change::delete(ctx, scope, id).await
    }

    /// Tests whether a server can be reached, within some seconds. Nothing is sent to it.
    #[graphql(directive = Can::apply(&[TEST]))]
    async fn server_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] input: Form<ServerTestInput>,
    ) -> Result<ServerTest> {
        let scope = ShopScope::from(ctx);
        ServerTest::run(scope, scope.check_new(input).await?).await
    }
}
