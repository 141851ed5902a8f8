//! Behaviour of customers that the recordings do not cover.

use sea_orm::DbBackend;
use serde_json::{Value as Json, json};

use crate::harness::rows::{self, changes};
use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;

const CUSTOMERS: &str = "/api/application/customers";

/// The bearer text of a new staff key with these abilities.
pub(crate) async fn key(shop: &Shop, abilities: &str) -> String {
    let (hash, staff) = (guichet::access::key::hash("CLIENTXCMSlimited"), class("Admin\\Admin"));
    shop.sql(&format!(
        "INSERT INTO personal_access_tokens \
         (id, tokenable_type, tokenable_id, name, token, abilities, created_at) \
         VALUES (900, {staff}, 1, 'limited', '{hash}', '{abilities}', '2026-11-22 12:00:00')"
    ))
    .await;
    "900|CLIENTXCMSlimited".to_owned()
}

/// The name of one of the shop's classes, as the database reads it.
fn class(name: &str) -> String {
    let name = format!("'App\\Models\\{name}'");
    if *BACKEND == DbBackend::MySql { name.replace('\\', "\\\\") } else { name }
}

async fn metadata(shop: &Shop, customer: i64, key: &str) -> Option<String> {
    shop.text(&format!(
        "SELECT value FROM metadata WHERE model_id = {customer} AND {KEY} = '{key}'",
        KEY = quoted("key")
    ))
    .await
}

fn quoted(name: &str) -> String {
    rows::quoted(*BACKEND, name)
}

/// The only link behind a mail's button.
async fn link(shop: &Shop, recipient: i64) -> Option<String> {
    let sql = "SELECT content FROM email_messages WHERE recipient_id = {} ORDER BY id DESC LIMIT 1";
    let content = shop.text(&sql.replace("{}", &recipient.to_string())).await?;
    let link = content.split("<p><a href=\"").nth(1)?.split('"').next()?;
    Some(link.replace("&amp;", "&"))
}

fn ids(rows: &Json) -> Vec<i64> {
    rows["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_blocked_deletion_says_why_and_changes_nothing() {
    let shop = Shop::golden("en").await;
    shop.sql("UPDATE invoices SET status = 'pending', invoice_number = 'CTX-1' WHERE id = 4").await;
    let before = shop.rows().await;
    let (status, _, body) = shop.ask("DELETE", &format!("{CUSTOMERS}/2"), "all", None).await;
    assert_eq!(status, 400);
    let expected = json!({
        "error": "Unable to delete the account: blocking reasons exist.",
        "blocking_reasons": {
            "active_services": {"count": 1, "services": {"38": "Minecraft Diamant"}},
            "pending_invoices": {"count": 1, "invoices": {"4": "CTX-1"}},
        },
        "message": "You have 1 active service(s). Please cancel them before deleting your account. \
                    You have 1 invoice(s) awaiting payment.",
    });
    assert_eq!(body, expected);
    assert_eq!(changes(&before, &shop.rows().await), []);
    shop.close().await;
}

#[tokio::test]
async fn a_forced_deletion_leaves_nothing_personal() {
    let shop = Shop::golden("en").await;
    shop.sql("INSERT INTO customer_notes (customer_id, content) VALUES (2, 'VIP')").await;
    let (status, _, body) = shop.ask("DELETE", &format!("{CUSTOMERS}/2?force=1"), "all", None).await;
    assert_eq!((status, body), (200, json!({"message": "Customer deleted successfully"})));
    let gone = [
        "SELECT subject FROM email_messages WHERE recipient_id = 2",
        "SELECT action FROM action_logs WHERE customer_id = 2",
        "SELECT content FROM customer_notes WHERE customer_id = 2",
        "SELECT name FROM personal_access_tokens WHERE name = 'customer2'",
        "SELECT name FROM services WHERE customer_id = 2 AND deleted_at IS NULL",
    ];
    for sql in gone {
        assert_eq!(shop.text(sql).await, None, "{sql}");
    }
    let ticket =
        "SELECT status FROM support_tickets WHERE id = 7 AND customer_id IS NULL AND closed_at IS NOT NULL";
    assert_eq!(shop.text(ticket).await.as_deref(), Some("closed"));
    let email = shop.text("SELECT email FROM customers WHERE id = 2").await;
    assert_eq!(email.as_deref(), Some("deleted-2@clientxcms.com"));
    assert_eq!(shop.get("/api/application/products", "customer2").await.0, 401);
    assert_eq!(shop.get(&format!("{CUSTOMERS}/2"), "all").await.0, 404);
    shop.close().await;
}

#[tokio::test]
async fn a_cancellation_that_was_asked_for_blocks_nothing() {
    let shop = Shop::golden("fr").await;
    shop.sql(
        "UPDATE services SET cancelled_at = '2026-12-01 00:00:00', cancelled_reason = 'Fini' WHERE id = 38",
    )
    .await;
    let (status, ..) = shop.ask("DELETE", &format!("{CUSTOMERS}/2"), "all", None).await;
    assert_eq!(status, 200);
    let service = "SELECT status FROM services WHERE id = 38 AND deleted_at IS NOT NULL";
    assert_eq!(shop.text(service).await.as_deref(), Some("cancelled"));
    let log = "SELECT model_id FROM action_logs WHERE action = 'service_cancelled'";
    assert_eq!(shop.text(log).await.as_deref(), Some("38"));
    shop.close().await;
}

#[tokio::test]
async fn a_ban_with_force_suspends_services_and_reactivation_brings_them_back() {
    let shop = Shop::golden("fr").await;
    shop.sql("UPDATE services SET customer_id = 2 WHERE id = 2").await;
    let body = json!({"reason": "Fraude", "force": true, "notify": true});
    assert_eq!(shop.post(&format!("{CUSTOMERS}/2/action/ban"), "all", &body).await.0, 200);
    assert_eq!(metadata(&shop, 2, "banned_reason").await.as_deref(), Some("Fraude"));
    let reason =
        |id: i64| format!("SELECT suspend_reason FROM services WHERE id = {id} AND status = 'suspended'");
    assert_eq!(shop.text(&reason(38)).await.as_deref(), Some("Customer banned"));
    let log =
        shop.text("SELECT payload FROM action_logs WHERE action = 'service_suspended' AND model_id = '38'");
    let log: Json = serde_json::from_str(&log.await.unwrap()).unwrap();
    assert_eq!(log, json!({"reason": "Customer banned", "notify": true}));
    for template in ["service_suspended", "customer_banned"] {
        let sql = format!(
            "SELECT m.subject FROM email_messages m JOIN email_templates t ON t.id = m.template \
             WHERE m.recipient_id = 2 AND t.name = '{template}'"
        );
        assert!(shop.text(&sql).await.is_some(), "{template}");
    }
    assert_eq!(shop.post(&format!("{CUSTOMERS}/2/action/reactivate"), "all", &json!({})).await.0, 200);
    assert_eq!(metadata(&shop, 2, "banned").await, None);
    let active =
        "SELECT status FROM services WHERE id = 38 AND suspend_reason IS NULL AND suspended_at IS NULL";
    assert_eq!(shop.text(active).await.as_deref(), Some("active"));
    // Suspended for another reason: not ours to bring back.
    assert_eq!(shop.text(&reason(2)).await.as_deref(), Some("Facture impayée"));
    shop.close().await;
}

#[tokio::test]
async fn actions_at_the_same_time_wait_for_each_other() {
    let shop = Shop::golden("fr").await;
    let body = json!({"force": true});
    let bans = (2..18).map(|id| {
        let (shop, body) = (&shop, &body);
        async move { shop.post(&format!("{CUSTOMERS}/{id}/action/ban"), "all", body).await.0 }
    });
    let answers = futures_util::future::join_all(bans).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    shop.close().await;
}

#[tokio::test]
async fn a_refused_action_changes_nothing() {
    let shop = Shop::golden("fr").await;
    let before = shop.rows().await;
    for (action, body) in
        [("unban", json!({})), ("ban", json!({"force": "maybe"})), ("ban", json!({"reason": []}))]
    {
        let (status, _, answer) = shop.post(&format!("{CUSTOMERS}/2/action/{action}"), "all", &body).await;
        assert_eq!(status, 422, "{action} {body} {answer}");
    }
    assert_eq!(changes(&before, &shop.rows().await), []);
    shop.close().await;
}

#[tokio::test]
async fn graphql_lists_customers_with_what_hangs_on_them() {
    let shop = Shop::golden("fr").await;
    let query = "query($email: String!) { customers(filter: {email: {eq: $email}}) { nodes {
        email phone
        services { totalCount nodes { status data product { name } customer { databaseId } } }
        invoices { nodes {
            status total { amount formatted } billingAddress customer { email } addressedCustomer { email } items { name quantity }
        } }
    } } }";
    let answer = shop.graphql(query, json!({"email": "customer2@example.com"}), "all").await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let node = &answer["data"]["customers"]["nodes"][0];
    assert_eq!(node["services"]["totalCount"], 2);
    assert_eq!(node["services"]["nodes"][0]["status"], "EXPIRED");
    assert_eq!(node["services"]["nodes"][0]["data"], json!({"ram": 2048}));
    assert_eq!(node["services"]["nodes"][0]["customer"]["databaseId"], 2);
    let invoice = &node["invoices"]["nodes"][0];
    let total = json!({"amount": "27.56", "formatted": "27,56\u{a0}€"});
    assert_eq!((&invoice["status"], &invoice["total"]), (&json!("DRAFT"), &total));
    assert_eq!(invoice["billingAddress"][2], "2 rue de l&#039;Église ");
    assert_eq!(invoice["addressedCustomer"]["email"], "customer2@example.com");
    assert!(!invoice["items"].as_array().unwrap().is_empty());
    let answer = shop.graphql(query, json!({"email": "customer16@example.com"}), "all").await;
    let invoice = &answer["data"]["customers"]["nodes"][0]["invoices"]["nodes"][0];
    assert_eq!(invoice["addressedCustomer"], Json::Null);
    assert_eq!(invoice["billingAddress"][0], "Max David");
    shop.close().await;
}

#[tokio::test]
async fn what_hangs_on_customers_needs_its_own_ability() {
    let shop = Shop::golden("fr").await;
    let key = key(&shop, "[\"customers:show\"]").await;
    let query = "{ customer(id: 2) { email services { nodes { name } } } }";
    let answer = shop.graphql(query, json!({}), &key).await;
    assert_eq!(answer["data"]["customer"], json!({"email": "customer2@example.com", "services": null}));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let answer = shop.graphql("{ customer(id: 999) { email } }", json!({}), &key).await;
    assert_eq!(answer, json!({"data": {"customer": null}}));
    assert_eq!(shop.get(CUSTOMERS, &key).await.0, 403);
    shop.close().await;
}

#[tokio::test]
async fn invoices_with_a_stored_address_carry_no_customer() {
    let shop = Shop::golden("fr").await;
    let path = format!("{CUSTOMERS}?filter[email]=customer16@&include=invoices");
    let (_, _, body) = shop.get(&path, "all").await;
    let invoice = &body["data"][0]["invoices"][0];
    assert_eq!(invoice["id"], 6);
    assert_eq!(invoice.get("customer"), None);
    shop.close().await;
}

#[tokio::test]
async fn secrets_in_metadata_are_shown_to_nobody() {
    let shop = Shop::golden("fr").await;
    let names = ["2fa_secret", "2fa_recovery_codes", "autologin_key", "social_discord_refresh_token"];
    for name in names.iter().chain(&["social_discord", "2factor"]) {
        let (model, key) = (class("Account\\Customer"), quoted("key"));
        shop.sql(&format!(
            "INSERT INTO metadata (model_id, model_type, {key}, value) VALUES (1, {model}, '{name}', 'x')"
        ))
        .await;
    }
    let (_, _, body) =
        shop.get(&format!("{CUSTOMERS}?filter[id]=1&include=metadata&per_page=1"), "all").await;
    let keys: Vec<_> =
        body["data"][0]["metadata"].as_array().unwrap().iter().map(|row| row["key"].clone()).collect();
    assert_eq!(keys, ["crm_id", "social_discord", "2factor"]);
    let (_, _, body) = shop.get(&format!("{CUSTOMERS}/3"), "all").await;
    assert!(body.get("email").is_some() && body.get("confirmation_token").is_none(), "{body}");
    assert_eq!(shop.post(&format!("{CUSTOMERS}/1/action/disable2FA"), "all", &json!({})).await.0, 200);
    assert_eq!(metadata(&shop, 1, "2fa_secret").await, None);
    assert_eq!(metadata(&shop, 1, "autologin_key").await.as_deref(), Some("x"));
    shop.close().await;
}

#[tokio::test]
async fn a_new_password_is_requested_once_a_minute() {
    let shop = Shop::golden("fr").await;
    let path = format!("{CUSTOMERS}/2/send_password");
    let (status, _, body) = shop.post(&path, "all", &json!({})).await;
    assert_eq!((status, body), (200, json!({"message": "Reset link sent"})));
    let link = link(&shop, 2).await.unwrap();
    let token = link.strip_prefix("https://127.0.0.1/reset-password/").unwrap();
    let (token, query) = token.split_once('?').unwrap();
    assert_eq!((token.len(), query), (64, "email=customer2%40example.com"));
    let sql = "SELECT token FROM password_reset_tokens WHERE email = 'customer2@example.com'";
    let hash = shop.text(sql).await.unwrap();
    assert!(hash.starts_with("$2y$04$") && bcrypt::verify(token, &hash).unwrap());
    let before = shop.rows().await;
    assert_eq!(shop.post(&path, "all", &json!({})).await.0, 200);
    assert_eq!(changes(&before, &shop.rows().await), []);
    shop.sql("UPDATE password_reset_tokens SET created_at = '2026-11-23 12:58:00'").await;
    assert_eq!(shop.post(&path, "all", &json!({})).await.0, 200);
    assert_ne!(shop.text(sql).await.unwrap(), hash);
    shop.close().await;
}

#[tokio::test]
async fn the_link_that_confirms_is_signed() {
    let shop = Shop::golden("fr").await;
    assert_eq!(shop.post(&format!("{CUSTOMERS}/3/resend_confirmation"), "all", &json!({})).await.0, 200);
    let link = link(&shop, 3).await.unwrap();
    let (plain, _) = link.split_once("&signature=").unwrap();
    let sha1 = "2d4bfcd2f3a4c4ea4b3de0bf95aa9ae13f12c9de".len();
    assert!(plain.starts_with("https://127.0.0.1/verify-email/3/"));
    assert!(plain.ends_with("?expires=1795438800"), "{plain}");
    assert_eq!(plain.len(), "https://127.0.0.1/verify-email/3/".len() + sha1 + "?expires=1795438800".len());
    let key = guichet::platform::config::Secret::new("base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    assert_eq!(guichet::platform::signature::sign(&key, plain).unwrap(), link);
    shop.close().await;
}

#[tokio::test]
async fn a_shop_without_templates_gets_ours() {
    let shop = Shop::golden("fr").await;
    shop.sql("UPDATE customers SET locale = 'de_DE', firstname = '<b>' WHERE id = 2").await;
    assert_eq!(shop.post(&format!("{CUSTOMERS}/2/send_password"), "all", &json!({})).await.0, 200);
    let subject = "SELECT subject FROM email_templates WHERE name = 'reset' AND locale = 'en_GB'";
    assert_eq!(shop.text(subject).await.as_deref(), Some("Reset your password"));
    let content =
        shop.text("SELECT content FROM email_messages WHERE recipient_id = 2 ORDER BY id DESC LIMIT 1");
    assert!(content.await.unwrap().contains("Hello &lt;b&gt;,"));
    shop.close().await;
}

#[tokio::test]
async fn a_put_changes_only_what_is_sent() {
    let shop = Shop::golden("fr").await;
    let before = shop.rows().await;
    let path = format!("{CUSTOMERS}/3");
    // 10115 has the form of postcodes in Germany, the country of the customer.
    let body = json!({"city": "Potsdam", "zipcode": "14467", "phone": null});
    let (status, _, body) = shop.ask("PUT", &path, "all", Some(&body)).await;
    assert_eq!((status, &body["city"], &body["phone"]), (200, &json!("Potsdam"), &Json::Null));
    let changes: Vec<String> = changes(&before, &shop.rows().await).iter().map(ToString::to_string).collect();
    let expected = json!({
        "city": "Potsdam", "phone": "", "updated_at": "2026-11-23 13:00:00", "zipcode": "14467",
    });
    assert_eq!(changes, [format!("update customers/3 {expected}")]);
    let (status, _, body) = shop.ask("PUT", &path, "all", Some(&json!({"zipcode": "59 000"}))).await;
    assert_eq!(
        (status, &body["errors"]["zipcode"][0]),
        (422, &json!("The zipcode is not a valid zip code."))
    );
    let (status, ..) = shop.ask("PUT", &path, "all", Some(&json!({"country": null}))).await;
    assert_eq!(status, 422);
    shop.close().await;
}

#[tokio::test]
async fn graphql_makes_and_changes_customers() {
    let shop = Shop::golden("en").await;
    let query = "mutation($input: CustomerCreateInput!) { customerCreate(input: $input) {
        customer { databaseId balance { amount currency } isConfirmed emailVerifiedAt } } }";
    let mut input = json!({
        "firstname": "Zoë", "lastname": "Nouveau", "email": "zoe@example.com", "address": "1 rue X",
        "city": "Lille", "zipcode": "59000", "region": "Nord", "country": "FR", "locale": "fr_FR",
        "password": "Abcdef12!x", "verified": false, "balance": "12.30",
    });
    let answer = shop.graphql(query, json!({"input": input}), "all").await;
    let balance = json!({"amount": "12.30", "currency": "EUR"});
    let expected =
        json!({"databaseId": 31, "balance": balance, "isConfirmed": false, "emailVerifiedAt": null});
    assert_eq!(answer["data"]["customerCreate"]["customer"], expected, "{answer}");
    assert_eq!(shop.text("SELECT subject FROM email_messages WHERE recipient_id = 31").await, None);
    input["firstname"] = json!("<b>");
    let answer = shop.graphql(query, json!({"input": input}), "all").await;
    let errors = &answer["errors"][0]["extensions"]["errors"];
    assert_eq!(errors["firstname"][0], "The format of the first name field is invalid.");
    assert_eq!(errors["email"][0], "The value of the e-mail address field is already in use.");
    let query = "mutation { customerUpdate(id: 31, input: {companyName: \"ACME\"}) { customer { companyName firstname } }
        customerSuspend(id: 31) { customer { databaseId } }
        customerReactivate(id: 31) { customer { databaseId } }
        customerDelete(id: 31, force: false) { deletedId } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(
        answer["data"]["customerUpdate"]["customer"],
        json!({"companyName": "ACME", "firstname": "Zoë"})
    );
    shop.close().await;
}

#[tokio::test]
async fn the_searched_address_itself_comes_first() {
    let shop = Shop::golden("fr").await;
    shop.sql("UPDATE customers SET email = 'acustomer2@example.com' WHERE id = 1").await;
    let found = |rows: Json| ids(&rows);
    let (_, _, body) = shop.get(&format!("{CUSTOMERS}?q=Customer2@example.com"), "all").await;
    assert_eq!(found(body), [2, 1]);
    let (_, _, body) = shop.get(&format!("{CUSTOMERS}?q=Customer2@example.com&sort=id"), "all").await;
    assert_eq!(found(body), [1, 2]);
    let (_, _, body) = shop.get(&format!("{CUSTOMERS}?q=2%25"), "all").await;
    assert_eq!(found(body), Vec::<i64>::new());
    shop.close().await;
}

#[tokio::test]
async fn includes_cost_the_same_however_many_rows() {
    let shop = Shop::with("fr", |config| config.count_ttl = std::time::Duration::ZERO).await;
    let mut costs = Vec::new();
    for rows in [5, 20] {
        let before = shop.statements();
        let path = format!("{CUSTOMERS}?include=services,servicesCount,invoices,metadata&per_page={rows}");
        let (_, _, body) = shop.get(&path, "all").await;
        assert_eq!(body["data"].as_array().unwrap().len(), rows);
        costs.push(shop.statements() - before);
    }
    // The settings and the key are remembered from the first request.
    assert!(costs[1] <= costs[0], "{costs:?}");
    shop.close().await;
}

/// The input of a new customer.
fn newcomer() -> Json {
    json!({"firstname": "Zoë", "lastname": "Nouveau", "email": "zoe@example.com", "address": "1 rue X",
        "city": "Lille", "zipcode": "59000", "region": "Nord", "country": "FR", "locale": "fr_FR",
        "password": "Abcdef12!x"})
}

#[tokio::test]
async fn a_balance_is_rounded_as_it_is_written() {
    let shop = Shop::golden("fr").await;
    let mut body = newcomer();
    body["balance"] = json!(7.555);
    let (status, _, body) = shop.post(CUSTOMERS, "all", &body).await;
    assert_eq!((status, &body["balance"]), (201, &json!("7.56")));
    shop.close().await;
}

#[tokio::test]
async fn a_change_looks_at_verified_and_passes_it_over() {
    let shop = Shop::golden("en").await;
    let mut body = newcomer();
    body["email"] = json!("customer3@example.com");
    body["verified"] = json!("maybe");
    body["balance"] = json!(-1);
    let (status, _, answer) = shop.post(&format!("{CUSTOMERS}/3"), "all", &body).await;
    assert_eq!(status, 422);
    let keys: Vec<_> = answer["errors"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["verified", "balance"]);
    assert_eq!(answer["errors"]["verified"][0], "The verified field must be true or false.");
    body["verified"] = json!(true);
    body["balance"] = json!(1);
    let (status, _, answer) = shop.post(&format!("{CUSTOMERS}/3"), "all", &body).await;
    assert_eq!((status, &answer["email_verified_at"]), (200, &Json::Null));
    shop.close().await;
}

#[tokio::test]
async fn mails_about_services_call_the_customer_by_name() {
    let shop = Shop::golden("en").await;
    let body = json!({"force": "on"});
    assert_eq!(shop.post(&format!("{CUSTOMERS}/5/action/suspend"), "all", &body).await.0, 200);
    let content = "SELECT content FROM email_messages WHERE recipient_id = 5 ORDER BY id DESC LIMIT 1";
    let content = shop.text(content).await.unwrap();
    assert!(content.contains("Hello Emma,") && content.contains("Web Start"), "{content}");
    shop.close().await;
}

#[tokio::test]
async fn the_state_of_a_customer_is_told_and_found() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    let count = "{ customers(filter: {status: {eq: BANNED}}) { totalCount } }";
    let banned =
        shop.graphql(count, json!({}), "all").await["data"]["customers"]["totalCount"].as_i64().unwrap();
    for (action, reason) in [("suspend", "Unpaid"), ("ban", "Fraud")] {
        let path = format!("{CUSTOMERS}/5/action/{action}");
        assert_eq!(shop.post(&path, "all", &json!({"reason": reason})).await.0, 200);
    }
    let now = shop.graphql(count, json!({}), "all").await;
    assert_eq!(now["data"]["customers"]["totalCount"], banned + 1, "a ban counts at once");
    // Somebody else's metadata, and a restriction that was switched off.
    let class = class("Store\\Product");
    shop.sql(&format!(
        "INSERT INTO metadata (id, model_id, model_type, {KEY}, value) VALUES (900, 6, {class}, 'banned', 'true')",
        KEY = quoted("key")
    ))
    .await;
    shop.sql(&format!(
        "UPDATE metadata SET value = '0' WHERE model_id = 12 AND {} = 'suspended'",
        quoted("key")
    ))
    .await;
    let list = |filter: &str| {
        format!(
            "{{ customers(perPage: 100, sort: {{field: ID}}, filter: {{{filter}}}) {{ nodes {{ databaseId status statusReason }} }} }}"
        )
    };
    let answer = shop.graphql(&list(""), json!({}), "all").await;
    let all = answer["data"]["customers"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
    let of = |id: i64| all.iter().find(|row| row["databaseId"] == id).unwrap();
    assert_eq!([&of(5)["status"], &of(5)["statusReason"]], ["BANNED", "Fraud"], "a ban comes first");
    assert_eq!([&of(11)["status"], &of(11)["statusReason"]], ["BANNED", "Impayés répétés"]);
    assert_eq!([&of(6)["status"], &of(12)["status"]], ["ACTIVE", "ACTIVE"]);
    assert_eq!(of(12)["statusReason"], Json::Null);
    assert_eq!(shop.post(&format!("{CUSTOMERS}/7/action/suspend"), "all", &json!({})).await.0, 200);
    let answer = shop.graphql(&list(""), json!({}), "all").await;
    let all = answer["data"]["customers"]["nodes"].as_array().unwrap();
    for (filter, states) in [
        ("status: {eq: BANNED}", &["BANNED"][..]),
        ("status: {eq: SUSPENDED}", &["SUSPENDED"]),
        ("status: {eq: ACTIVE}", &["ACTIVE"]),
        ("status: {ne: ACTIVE}", &["SUSPENDED", "BANNED"]),
        ("status: {in: [ACTIVE, BANNED]}", &["ACTIVE", "BANNED"]),
        ("status: {notIn: [ACTIVE, BANNED]}", &["SUSPENDED"]),
        ("status: {in: []}", &[]),
        ("status: {isNull: true}", &[]),
        ("status: {isNull: false}", &["ACTIVE", "SUSPENDED", "BANNED"]),
        ("not: {status: {eq: BANNED}}", &["ACTIVE", "SUSPENDED"]),
        ("or: [{status: {eq: BANNED}}, {status: {eq: SUSPENDED}}]", &["SUSPENDED", "BANNED"]),
    ] {
        let answer = shop.graphql(&list(filter), json!({}), "all").await;
        let found =
            answer["data"]["customers"]["nodes"].as_array().unwrap_or_else(|| panic!("{filter}: {answer}"));
        assert_eq!(found.is_empty(), states.is_empty(), "{filter}");
        assert!(
            found.iter().all(|row| states.contains(&row["status"].as_str().unwrap())),
            "{filter}: {answer}"
        );
        let expected = all.iter().filter(|row| states.contains(&row["status"].as_str().unwrap())).count();
        assert_eq!(found.len(), expected, "{filter}");
    }
    let many = ["{status: {eq: BANNED}}"; 11].join(", ");
    let answer = shop.graphql(&list(&format!("or: [{many}]")), json!({}), "all").await;
    assert_eq!(answer["errors"][0]["message"], "A list takes 10 conditions on computed values.");
    shop.close().await;
}

/// The state was a row of metadata: it needs that ability, or the one to change it.
#[tokio::test]
async fn the_state_of_a_customer_is_guarded_and_costs_no_statement_a_row() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    let reader = key(&shop, "[\"customers:index\"]").await;
    let answer = shop.graphql("{ customers { nodes { status } } }", json!({}), &reader).await;
    assert!(answer["errors"][0].is_object() && !answer.to_string().contains("BANNED"), "{answer}");
    let answer = shop
        .graphql("{ customers(filter: {status: {eq: BANNED}}) { totalCount } }", json!({}), &reader)
        .await;
    assert!(answer["data"]["customers"].is_null(), "{answer}");
    let mut costs = Vec::new();
    for first in [2, 20] {
        let query = format!(
            "{{ customers(first: {first}, filter: {{status: {{ne: BANNED}}}}) {{ nodes {{ status statusReason }} }} }}"
        );
        let before = shop.statements();
        let answer = shop.graphql(&query, json!({}), "all").await;
        assert_eq!(answer["data"]["customers"]["nodes"].as_array().map(Vec::len), Some(first), "{answer}");
        costs.push(shop.statements() - before);
    }
    assert_eq!(costs[0], costs[1], "statements for 2 and for 20 customers");
    assert!(costs[1] <= 3, "{costs:?}");
    shop.close().await;
}
