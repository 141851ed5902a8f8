//! Domains below which customers pick a name (docs/contract/application-operations.md#8).

pub mod demo;
mod domain;
pub mod seed;

use async_graphql::{Context, ID, MaybeUndefined, MergedObject, Object};
use entity::{Id, ShopTime, subdomains_host};
use facade::form::Form;
use facade::guard::Can;
use facade::payload::Deletes;
use facade::record::{Deleted, JsonText, KeyOf, Moment, require};
use facade::write::{lock, put, save, taken};
use facade::{filters, form, list, one, record};
use sea_orm::ActiveValue::{self, Set};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Select};
use serde_json::json;

use self::domain::Domain;
use super::group::Group;
use super::metadata;
use super::product::Product;
use crate::scope::ShopScope;
use crate::{Result, abilities};

abilities! {
    /// Lists subdomain hosts.
    INDEX = "subdomains:index", permissions ["admin.manage_subdomains_hosts"];
    /// Shows subdomain hosts.
    SHOW = "subdomains:show", permissions ["admin.manage_subdomains_hosts"];
    /// Makes subdomain hosts.
    STORE = "subdomains:store", aliases ["subdomains:create"], permissions ["admin.manage_subdomains_hosts"];
    /// Changes subdomain hosts.
    UPDATE = "subdomains:update", permissions ["admin.manage_subdomains_hosts"];
    /// Deletes subdomain hosts.
    DELETE = "subdomains:delete", permissions ["admin.manage_subdomains_hosts"];
}

/// What the original calls a subdomain host in texts and polymorphic columns.
const MODEL: &str = "App\\Models\\Provisioning\\SubdomainHost";

record! {
    /// A domain below which customers pick a name when they order certain products.
    pub struct SubdomainHost(entity::subdomains_host);
    #[can(SHOW, INDEX)] node: |_| live_hosts();
    columns {
        /// The domain, as it was written.
        domain shown Domain,
        /// Primary keys of the products that it is for. Where this and `groups` are empty or null, it is for all.
        products shown JsonText,
        /// Primary keys of the groups whose products it is for.
        groups shown JsonText,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
}

filters! {
    /// Conditions on subdomain hosts; all given ones must hold.
    pub struct SubdomainHostFilter, SubdomainHostSort, SubdomainHostSortField on entity::subdomains_host {
        /// Primary key.
        database_id: IntFilter = Id,
        /// The domain, as it was written.
        domain: TextFilter = Domain,
        /// Primary keys of products, as the JSON text that is stored.
        products: TextFilter = Products,
        /// Primary keys of groups, as the JSON text that is stored.
        groups: TextFilter = Groups,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

/// Subdomain hosts that were not deleted.
fn live_hosts() -> Select<subdomains_host::Entity> {
    subdomains_host::Entity::find().filter(subdomains_host::Column::DeletedAt.is_null())
}

one! {
    /// A subdomain host by its identifier.
    #[can(SHOW, INDEX)] pub SubdomainById: subdomain<SubdomainHost>(live_hosts);
}

list! {
    /// Domains below which customers pick a name.
    #[can(INDEX)] pub SubdomainList: subdomains<SubdomainHost>(live_hosts) by SubdomainHostFilter, SubdomainHostSort,
    search(subdomains_host::Column::Domain): "Only hosts whose domain holds this text, exact matches first.";
}

/// Reading subdomain hosts.
#[derive(MergedObject, Default)]
pub struct SubdomainQuery(SubdomainById, SubdomainList);

form! {
    /// A subdomain host. A new one needs its domain; in a change, fields that are left out stay as they are.
    pub struct SubdomainInput for entity::subdomains_host {
        /// The domain; unique, also among deleted ones.
        domain: String => [required_unless_partial(), string(), max(255), unique("subdomains_hosts", "domain")],
        /// Primary keys of the products that it is for. Without any, and without groups, it is for all.
        #[no_column]
        products: Vec<KeyOf<Product>> => [nullable(), array(), each([integer(), exists("products", "id")])],
        /// Primary keys of the groups whose products it is for.
        #[no_column]
        groups: Vec<KeyOf<Group>> => [nullable(), array(), each([integer(), exists("groups", "id")])],
    }
}

/// Changing subdomain hosts.
#[derive(Default)]
pub struct SubdomainMutation;

#[Object]
impl SubdomainMutation {
    /// Makes a subdomain host.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn subdomain_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The subdomain host.")] input: Form<SubdomainInput>,
    ) -> Result<SubdomainHost> {
        let scope = ShopScope::from(ctx);
        create(scope, &scope.check_new(input).await?).await.map(SubdomainHost)
    }

    /// Changes a subdomain host.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn subdomain_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] input: Form<SubdomainInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<SubdomainHost> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require::<SubdomainHost>(*scope, live_hosts, &id, MODEL).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        update(scope, id, &input).await.map(SubdomainHost)
    }

    /// Deletes a subdomain host. Its domain stays taken.
    #[graphql(directive = Can::apply(&[DELETE]), directive = Deletes::apply())]
    async fn subdomain_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Deleted<SubdomainHost>> {
        let scope = ShopScope::from(ctx);
        let id = require::<SubdomainHost>(*scope, live_hosts, &id, MODEL).await?.0.id;
        delete(ctx, scope, id).await
    }
}

async fn create(scope: ShopScope<'_>, input: &SubdomainInput) -> Result<subdomains_host::Model> {
    let (now, none) = (ShopTime::from(scope.now()), Some(json!([]).to_string()));
    let mut row = subdomains_host::ActiveModel {
        products: Set(none.clone()),
        groups: Set(none),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    write_columns(&mut row, input);
    let row = &row;
    scope
        .write(|transaction| async move {
            row.clone().insert(&transaction).await.map_err(|error| taken(*scope, "domain", error))
        })
        .await
}

async fn update(scope: ShopScope<'_>, id: Id, input: &SubdomainInput) -> Result<subdomains_host::Model> {
    scope
        .write(|transaction| async move {
            let host = lock::<SubdomainHost>(&transaction, live_hosts(), id, MODEL, scope.expected()).await?;
            let mut row = host.clone().into_active_model();
            write_columns(&mut row, input);
            if !row.is_changed() {
                return Ok(host);
            }
            save(&transaction, row, scope.now()).await.map_err(|error| taken(*scope, "domain", error))
        })
        .await
}

fn write_columns(row: &mut subdomains_host::ActiveModel, input: &SubdomainInput) {
    input.write_to(row);
    put_keys(&mut row.products, &input.products);
    put_keys(&mut row.groups, &input.groups);
}

/// Writes a list of keys as JSON; null is the empty list. The same list in other spaces is no change.
fn put_keys<T>(column: &mut ActiveValue<Option<String>>, given: &MaybeUndefined<Vec<KeyOf<T>>>) {
    let keys: Vec<i64> = match given {
        MaybeUndefined::Undefined => return,
        MaybeUndefined::Null => Vec::new(),
        MaybeUndefined::Value(keys) => keys.iter().map(|key| key.id.0).collect(),
    };
    let stored: Option<Vec<i64>> =
        column.try_as_ref().and_then(Option::as_deref).and_then(|text| serde_json::from_str(text).ok());
    if stored.as_ref() != Some(&keys) {
        put(column, MaybeUndefined::Value(json!(keys).to_string()));
    }
}

async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<SubdomainHost>> {
    let now = ShopTime::from(scope.now());
    scope
        .write(|transaction| async move {
            let host = lock::<SubdomainHost>(&transaction, live_hosts(), id, MODEL, scope.expected()).await?;
            let gone =
                subdomains_host::Model { deleted_at: Some(now), updated_at: Some(now), ..host.clone() };
            let deleted = Deleted::<SubdomainHost>::read(ctx, &transaction, gone).await?;
            if !deleted.is_read() {
                return Ok(deleted);
            }
            let mut row = host.into_active_model();
            row.deleted_at = Set(Some(now));
            save(&transaction, row, now.0).await?;
            metadata::detach(&transaction, MODEL, id).await?;
            Ok(deleted)
        })
        .await
}
