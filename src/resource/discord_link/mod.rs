//! Customers who are linked to an account at Discord, for the shop's bot there
//! (docs/contract/documented-contract.md#4.5).
//!
//! The link is a metadata value of the customer: the number of the account as text, because such numbers are too large
//! for JavaScript.

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{Id, customer, invoice, metadata, service};
use facade::filter::exists;
use facade::guard::Can;
use facade::record;
use facade::record::{EmailAddress, Locale, SelectedRows, read_list};
use facade::rest_only::RestOnly;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::customer::{MODEL as CUSTOMER, live_customers};
use super::invoice::Invoice;
use super::service::{Service, live_services, visible_services};
use crate::platform::config::DiscordRole;
use crate::scope::ShopScope;
use crate::{Result, abilities};

abilities! {
    /// Lists customers with their Discord accounts.
    INDEX = "discordlink:index";
    /// Finds the customer of a Discord account.
    SEARCH = "discordlink:search";
}

/// Key of the metadata value that stores the link.
const KEY: &str = "social_discord";
/// Maximum number of digits in the number of an account at Discord.
const MAX_DIGITS: usize = 20;
/// Maximum number of invoices that are listed for a linked customer.
const MAX_INVOICES: u64 = 25;
/// Maximum number of links, or of services of one customer, in one answer.
const MAX_ROWS: u64 = 100_000;

record! {
    /// A service of a linked customer, as far as the bot shows it.
    pub struct DiscordService view of Service;
    columns { name, status, billing, expires_at }
}

record! {
    /// An invoice of a linked customer, as far as the bot shows it.
    pub struct DiscordInvoice view of Invoice;
    columns {
        /// Its number.
        invoice_number,
        status, total, currency, created_at,
    }
}

/// A customer who is linked to an account at Discord, without postal address.
pub struct DiscordCustomer {
    customer: customer::Model,
    discord_id: String,
}

/// A customer who is linked to an account at Discord, without postal address.
#[Object]
impl DiscordCustomer {
    /// Primary key of the customer.
    async fn database_id(&self) -> i64 {
        self.customer.id.0
    }

    /// Given name.
    async fn firstname(&self) -> &str {
        &self.customer.firstname
    }

    /// Family name.
    async fn lastname(&self) -> &str {
        &self.customer.lastname
    }

    /// Address with which the customer signs in.
    async fn email(&self) -> EmailAddress {
        self.customer.email.clone().into()
    }

    /// Language and country, as in `fr_FR`.
    async fn locale(&self) -> Locale {
        self.customer.locale.clone().into()
    }

    /// Number of the account at Discord.
    async fn discord_id(&self) -> &str {
        &self.discord_id
    }

    /// What the customer has bought and uses, without what is hidden from the customer.
    async fn services(&self, ctx: &Context<'_>) -> Result<SelectedRows<DiscordService>> {
        let own = visible_services().filter(service::Column::CustomerId.eq(self.customer.id)).limit(MAX_ROWS);
        read_list(ctx, own).await
    }

    /// The newest invoices, without drafts.
    async fn invoices(&self, ctx: &Context<'_>) -> Result<SelectedRows<DiscordInvoice>> {
        let own = invoice::Entity::find()
            .filter(invoice::Column::DeletedAt.is_null())
            .filter(invoice::Column::CustomerId.eq(self.customer.id))
            .filter(invoice::Column::Status.ne("draft"))
            .order_by_desc(invoice::Column::CreatedAt)
            .order_by_desc(invoice::Column::Id)
            .limit(MAX_INVOICES);
        read_list(ctx, own).await
    }
}

/// A customer's link to an account at Discord.
#[derive(SimpleObject)]
pub struct DiscordLink {
    /// Primary key of the customer.
    customer_id: i64,
    /// Number of the account at Discord.
    discord_id: String,
}

/// Customers who hold the shop's role at Discord.
#[derive(SimpleObject)]
pub struct DiscordRoleHolders {
    /// Their links, by primary key of the customer.
    links: Vec<DiscordLink>,
}

/// Whether the bot's key is valid.
#[derive(SimpleObject)]
pub struct DiscordCheck {
    /// `ok`.
    status: &'static str,
}

/// Reading links to Discord.
#[derive(Default)]
pub struct DiscordLinkQuery;

#[Object]
impl DiscordLinkQuery {
    /// Whether the bot's key is valid.
    #[graphql(directive = Can::apply(&[]), directive = RestOnly::apply())]
    async fn discord_check(&self) -> DiscordCheck {
        DiscordCheck { status: "ok" }
    }

    /// The customer who is linked to an account at Discord.
    #[graphql(directive = Can::apply(&[SEARCH, super::customer::SHOW, super::customer::INDEX]))]
    async fn discord_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of the account at Discord.")] discord_id: ID,
    ) -> Result<Option<DiscordCustomer>> {
        linked_customer(ctx.into(), &discord_id).await
    }

    /// Customers who hold the shop's role at Discord; `GUICHET_DISCORD_ROLE` says which of the linked ones do.
    #[graphql(directive = Can::apply(&[INDEX, super::customer::INDEX]))]
    async fn discord_role_holders(&self, ctx: &Context<'_>) -> Result<DiscordRoleHolders> {
        let scope = ShopScope::from(ctx);
        let rows = links_with_role(scope.config().discord_role).limit(MAX_ROWS).all(scope.reader()).await?;
        let link =
            |row: metadata::Model| Some(DiscordLink { customer_id: row.model_id.0, discord_id: row.value? });
        Ok(DiscordRoleHolders { links: rows.into_iter().filter_map(link).collect() })
    }
}

/// The links of customers who are not deleted.
fn links() -> Select<metadata::Entity> {
    let live = exists(live_customers(), customer::Column::Id, metadata::Column::ModelId, Condition::all());
    metadata::Entity::find()
        .filter(metadata::Column::ModelType.eq(CUSTOMER))
        .filter(metadata::Column::Key.eq(KEY))
        .filter(metadata::Column::Value.is_not_null())
        .filter(live)
        .order_by_asc(metadata::Column::ModelId)
}

/// The customer who is linked to an account at Discord.
async fn linked_customer(scope: ShopScope<'_>, discord_id: &str) -> Result<Option<DiscordCustomer>> {
    let is_number =
        (1..=MAX_DIGITS).contains(&discord_id.len()) && discord_id.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Ok(None);
    }
    let linked = links()
        .filter(metadata::Column::Value.eq(discord_id))
        .select_only()
        .column(metadata::Column::ModelId)
        .limit(1)
        .into_tuple::<Id>();
    let Some(id) = linked.one(scope.reader()).await? else { return Ok(None) };
    let customer = live_customers().filter(customer::Column::Id.eq(id)).limit(1).one(scope.reader()).await?;
    Ok(customer.map(|customer| DiscordCustomer { customer, discord_id: discord_id.to_owned() }))
}

/// The links of customers who have the role, ordered by customer.
fn links_with_role(role: DiscordRole) -> Select<metadata::Entity> {
    let having = |condition| {
        exists(live_services(), service::Column::CustomerId, metadata::Column::ModelId, condition)
    };
    match role {
        DiscordRole::Linked => links(),
        DiscordRole::ActiveService => {
            links().filter(having(Condition::all().add(service::Column::Status.eq("active"))))
        }
        DiscordRole::AnyService => links().filter(having(Condition::all())),
    }
}
