//! Who tries every field and operation, and what each of them may do: stated here, from the issue and
//! the specification, and not read from the code.

use std::sync::atomic::{AtomicUsize, Ordering};

use facade::{Abilities, Ability};
use guichet::access::key;
use serde_json::json;

use crate::harness::shop::Shop;
use crate::harness::walk::{ability, all_abilities};
use crate::resource::sessions::sign_in;

/// What each permission of a role opens.
const PERMISSIONS: [(&str, &[&str]); 16] = [
    ("admin.show_customers", &["customers:index", "customers:show"]),
    (
        "admin.manage_customers",
        &["customers:index", "customers:show", "customers:store", "customers:update", "customers:delete"],
    ),
    (
        "admin.manage_products",
        &[
            "products:index",
            "products:show",
            "products:store",
            "products:update",
            "products:delete",
            "pricings:index",
            "pricings:show",
            "pricings:store",
            "pricings:update",
            "pricings:delete",
        ],
    ),
    (
        "admin.manage_groups",
        &["groups:index", "groups:show", "groups:store", "groups:update", "groups:delete"],
    ),
    ("admin.show_services", &["services:index", "services:show"]),
    (
        "admin.manage_services",
        &[
            "services:index",
            "services:show",
            "services:update",
            "services:suspend",
            "services:unsuspend",
            "services:expire",
            "services:delete",
            "cancellation_reasons:index",
            "cancellation_reasons:show",
            "cancellation_reasons:analytics",
        ],
    ),
    (
        "admin.manage_settings",
        &[
            "cancellation_reasons:index",
            "cancellation_reasons:show",
            "cancellation_reasons:store",
            "cancellation_reasons:update",
            "cancellation_reasons:delete",
            "cancellation_reasons:analytics",
        ],
    ),
    (
        "admin.manage_subdomains_hosts",
        &[
            "subdomains:index",
            "subdomains:show",
            "subdomains:store",
            "subdomains:update",
            "subdomains:delete",
        ],
    ),
    (
        "admin.manage_servers",
        &[
            "servers:index",
            "servers:show",
            "servers:store",
            "servers:update",
            "servers:delete",
            "servers:test",
        ],
    ),
    ("admin.show_logs", &["logs:index", "logs:show", "logs:payload"]),
    ("admin.manage_license", &["license"]),
    ("admin.earn_page", &["statistics"]),
    ("admin.show_metadata", &["metadata"]),
    ("admin.manage_staff", &["staff:index", "staff:show"]),
    (
        "admin.manage_tickets",
        &[
            "tickets:index",
            "tickets:show",
            "tickets:store",
            "tickets:update",
            "tickets:delete",
            "tickets:reply",
            "staff:index",
        ],
    ),
    ("admin.close_tickets", &["tickets:close", "tickets:reopen"]),
];

/// What only customers can have, whatever a key of the staff says.
const OF_CUSTOMERS: [&str; 2] = ["customer:me", "client-api"];

/// Numbers keys, so that no two are the same.
static KEYS: AtomicUsize = AtomicUsize::new(0);

/// Somebody who asks.
#[derive(Clone)]
pub(crate) struct Caller {
    /// As the report names it.
    pub(super) name: String,
    /// What is sent as the key; empty for none.
    pub(crate) bearer: String,
    /// What it may do; nothing at all without a key.
    pub(super) abilities: Option<Abilities>,
    /// Whether it signed in, rather than being lent a key.
    pub(super) is_session: bool,
}

/// The abilities of these names.
pub(super) fn named(names: &[&str]) -> Abilities {
    names.iter().map(|name| ability(name).unwrap_or_else(|| panic!("no ability {name}"))).collect()
}

fn all_of_staff() -> Vec<&'static str> {
    let names = all_abilities().iter().map(|ability| ability.name());
    names.filter(|name| !OF_CUSTOMERS.contains(name)).collect()
}

/// Everybody who is the same whatever is asked.
pub(super) async fn everybody(shop: &Shop) -> Vec<Caller> {
    let nobody =
        Caller { name: "no key".to_owned(), bearer: String::new(), abilities: None, is_session: false };
    let staff = named(&all_of_staff());
    let [customer, _] = sign_in(shop, "CUSTOMER", "customer1@example.com").await;
    let mut callers = vec![
        nobody,
        with_key(shop, "key without abilities", false, &[], Abilities::default()).await,
        with_key(shop, "key with `*`", false, &["*"], staff.clone()).await,
        signed_in("customer's session", customer, named(&["client-api"])),
        with_key(shop, "customer's key with `client-api`", true, &["client-api"], named(&["client-api"]))
            .await,
        with_key(shop, "customer's key with `*`", true, &["*"], named(&OF_CUSTOMERS)).await,
    ];
    for (at, (permission, opens)) in PERMISSIONS.into_iter().enumerate() {
        let bearer = staff_session(shop, 101 + at, Some(permission)).await;
        callers.push(signed_in(&format!("staff: `{permission}`"), bearer, named(opens)));
    }
    let bearer = staff_session(shop, 100, None).await;
    callers.push(signed_in("staff: administrator", bearer, staff));
    callers
}

fn signed_in(name: &str, bearer: String, abilities: Abilities) -> Caller {
    Caller { name: name.to_owned(), bearer, abilities: Some(abilities), is_session: true }
}

/// A caller with a new key of the first member of the staff, or of the first customer.
async fn with_key(shop: &Shop, name: &str, of_customer: bool, list: &[&str], abilities: Abilities) -> Caller {
    let bearer = add_key(shop, name, of_customer, list).await;
    Caller { name: name.to_owned(), bearer, abilities: Some(abilities), is_session: false }
}

/// A caller with a new key with just these abilities; a customer's where a customer's is among them, and
/// then the others open nothing.
pub(crate) async fn with_just(shop: &Shop, name: &str, abilities: &[Ability]) -> Caller {
    let of_customer = abilities.iter().any(|ability| OF_CUSTOMERS.contains(&ability.name()));
    let names: Vec<&str> = abilities.iter().map(|ability| ability.name()).collect();
    let opens = abilities.iter().filter(|ability| !of_customer || OF_CUSTOMERS.contains(&ability.name()));
    with_key(shop, name, of_customer, &names, opens.copied().collect()).await
}

/// All abilities but these, as a customer's key has them where these are a customer's.
pub(crate) fn all_but(needs: &[Ability]) -> Vec<Ability> {
    let of_customer = needs.iter().any(|need| OF_CUSTOMERS.contains(&need.name()));
    let kept = |ability: &Ability| {
        !needs.contains(ability) && (of_customer || !OF_CUSTOMERS.contains(&ability.name()))
    };
    all_abilities().iter().filter(kept).collect()
}

/// Adds a key to the shop; its bearer text.
async fn add_key(shop: &Shop, name: &str, of_customer: bool, abilities: &[&str]) -> String {
    let owner = if of_customer { "Account/Customer" } else { "Admin/Admin" };
    let backslash = if shop.is_mysql() { "\\\\" } else { "\\" };
    let secret = format!("secret {} of {name}", KEYS.fetch_add(1, Ordering::Relaxed));
    shop.sql(&format!(
        "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, abilities, created_at) \
         VALUES ('{}', 1, 'guards', '{}', '{}', '2026-11-20 10:00:00')",
        format!("App/Models/{owner}").replace('/', backslash),
        key::hash(&secret),
        json!(abilities)
    ))
    .await;
    secret
}

/// The access token of a new member of the staff whose new role has one permission, or is the
/// administrators'.
async fn staff_session(shop: &Shop, id: usize, permission: Option<&str>) -> String {
    let is_admin = u8::from(permission.is_none());
    shop.sql(&format!(
        "INSERT INTO roles (id, name, level, is_admin, is_default) VALUES ({id}, 'role {id}', 1, '{is_admin}', '0')"
    ))
    .await;
    shop.sql(&format!(
        "INSERT INTO admins (id, username, password, email, firstname, lastname, dark_mode, role_id, locale) \
         SELECT {id}, 'staff{id}', password, 'staff{id}@example.com', firstname, lastname, dark_mode, '{id}', \
         locale FROM admins WHERE id = 2"
    ))
    .await;
    if let Some(permission) = permission {
        shop.sql(&format!(
            "INSERT INTO permission_role (role_id, permission_id) SELECT {id}, id FROM permissions WHERE name = \
             '{permission}'"
        ))
        .await;
    }
    let [access, _] = sign_in(shop, "STAFF", &format!("staff{id}@example.com")).await;
    access
}
