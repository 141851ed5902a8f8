//! The operations of a client. They follow only from its own random numbers, whatever the other clients do.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value as Json, json};

/// The API by which an operation is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Rest,
    GraphQl,
}

/// A mutation in both APIs.
pub(super) struct Kind {
    /// Its name in GraphQL.
    pub(super) name: &'static str,
    /// Type of its input, if it has one.
    pub(super) input: Option<&'static str>,
    /// The selection on its payload: one field.
    pub(super) answer: &'static str,
    /// Method and path of REST.
    pub(super) rest: (&'static str, &'static str),
    /// Its weight when operations are drawn.
    weight: u32,
    /// The table that it writes to, and the column that stores its tag.
    pub(super) writes: (&'static str, &'static str),
    draw: fn(&mut StdRng, &Draft) -> Json,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)
    }
}

/// A value in the input of an operation.
struct Draft {
    /// A text that no other operation sends.
    tag: String,
    /// A price that no other operation sends.
    price: f64,
    /// The record that is changed.
    id: i64,
    /// The suffix of names that must be unique.
    name: u64,
    /// A group as the parent of the record.
    group: i64,
    /// A product as the parent of the record.
    product: i64,
}

/// The records that all clients change at the same moment: tables, with a few of their records.
type Topic = &'static [(&'static str, &'static [i64])];

static TOPICS: &[Topic] = &[
    &[("groups", &[1, 5])],
    &[("groups", &[2])],
    &[("groups", &[3, 4]), ("products", &[7, 10])],
    &[("products", &[1]), ("pricings", &[1, 2]), ("services", &[22, 33])],
    &[("products", &[2]), ("services", &[1])],
    &[("products", &[4])],
    &[("pricings", &[5, 6])],
    &[("customers", &[4]), ("services", &[6, 33])],
    &[("customers", &[6]), ("services", &[1])],
    &[("customers", &[14]), ("services", &[8])],
    &[("customers", &[26]), ("services", &[5, 32])],
    &[("customers", &[24]), ("services", &[10])],
    &[("customers", &[17])],
    &[("customers", &[18])],
    &[("services", &[14])],
    &[("services", &[40, 30])],
];

/// A moment at which all clients change the same records.
pub(super) struct Meeting {
    topic: Topic,
    number: u64,
}

impl Meeting {
    /// The meeting of a number: the same for all clients.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(!seed ^ (number << 32));
        Self { topic: TOPICS[rng.random_range(0..TOPICS.len())], number }
    }

    /// Its records of a table.
    fn records(&self, table: &str) -> Option<&'static [i64]> {
        self.topic.iter().find(|(known, _)| *known == table).map(|(_, records)| *records)
    }

    fn is_about(&self, kind: &Kind) -> bool {
        // Purses must stay, and so must those of whom services are taken from others' hands.
        let kept = kind.name == "customerDelete" && self.records("customers").is_none_or(|ids| ids[0] < 22);
        self.records(kind.writes.0).is_some() && !kept
    }
}

/// An operation to be sent.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) kind: &'static Kind,
    pub(super) face: Face,
    /// The record that is changed; none if one is created.
    pub(super) id: Option<i64>,
    /// The input, as REST spells it.
    pub(super) input: Json,
    /// The value of its column afterwards.
    pub(super) tag: String,
    /// Whether the record is read first and must not have changed since.
    pub(super) conditional: bool,
    /// Whether the record is read again afterwards.
    pub(super) looked_at: bool,
    /// The amount that is added to the number that was read: balance or stock.
    pub(super) delta: i64,
}

/// Customers whose balance is changed by what was read of it only, and who are not deleted.
pub(super) const PURSES: std::ops::RangeInclusive<i64> = 17..=20;
/// Products that were there at the start: their stock is changed by what was read of it only.
pub(super) const STOCKED: std::ops::RangeInclusive<i64> = 1..=12;

const GROUP: &str = "{ group { databaseId description slug } }";
const PRODUCT: &str = "{ product { databaseId description stock } }";
const PRICING: &str = "{ pricing { databaseId monthly } }";
const CUSTOMER: &str = "{ customer { databaseId city balance { amount } email } }";
const OUTCOME: &str = "{ __typename }";
const SERVICE: &str = "{ service { databaseId notes status } }";
const RESULT: &str = "{ service { databaseId status suspendReason } }";

macro_rules! kinds {
    ($($weight:literal $name:ident($($input:ident)?) $answer:ident $method:ident $path:literal $table:literal . $column:literal: $draw:expr;)*) => {
        /// All mutations but those of sessions, which `send` knows.
        pub(super) static KINDS: &[Kind] = &[$(Kind {
            name: stringify!($name), input: { let input: &[&str] = &[$(stringify!($input))?]; input.first().copied() },
            answer: $answer, rest: (stringify!($method), $path), weight: $weight, writes: ($table, $column), draw: $draw,
        }),*];
    };
}

kinds! {
    6 groupCreate(GroupCreateInput) GROUP POST "groups" "groups"."description": group;
    14 groupUpdate(GroupUpdateInput) GROUP PUT "groups/{id}" "groups"."description": group_change;
    2 groupDelete() GROUP DELETE "groups/{id}" "groups"."": nothing;
    6 productCreate(ProductCreateInput) PRODUCT POST "products" "products"."description": product;
    14 productUpdate(ProductUpdateInput) PRODUCT PUT "products/{id}" "products"."description": product_change;
    1 productDelete() PRODUCT DELETE "products/{id}" "products"."": nothing;
    1 productConfigUpdate(JSON) NOTHING PUT "products/{id}/config" "products"."": |_, _| json!({"a": 1});
    6 pricingCreate(PricingInput) PRICING POST "pricings" "pricings"."monthly": pricing;
    8 pricingUpdate(PricingInput) PRICING PUT "pricings/{id}" "pricings"."monthly": pricing_change;
    2 pricingDelete() PRICING DELETE "pricings/{id}" "pricings"."": nothing;
    2 customerCreate(CustomerCreateInput) CUSTOMER POST "customers" "customers"."city": customer;
    14 customerUpdate(CustomerUpdateInput) CUSTOMER PUT "customers/{id}" "customers"."city": customer_change;
    1 customerDelete() OUTCOME DELETE "customers/{id}" "customers"."": force;
    3 customerConfirm() CUSTOMER POST "customers/{id}/confirm" "customers"."": nothing;
    3 customerResendConfirmation() OUTCOME POST "customers/{id}/resend_confirmation" "customers"."": nothing;
    2 customerSendPassword() OUTCOME POST "customers/{id}/send_password" "customers"."": nothing;
    6 customerSuspend(CustomerActionInput) CUSTOMER POST "customers/{id}/action/suspend" "customers"."": shut;
    4 customerBan(CustomerActionInput) CUSTOMER POST "customers/{id}/action/ban" "customers"."": shut;
    7 customerReactivate() CUSTOMER POST "customers/{id}/action/reactivate" "customers"."": notify;
    2 customerDisableTwoFactor() CUSTOMER POST "customers/{id}/action/disable2FA" "customers"."": nothing;
    9 serviceUpdate(ServiceUpdateInput) SERVICE PUT "services/{id}" "services"."notes": service_change;
    10 serviceSuspend(ServiceSuspendInput) RESULT POST "services/{id}/suspend" "services"."": suspension;
    10 serviceUnsuspend() RESULT POST "services/{id}/unsuspend" "services"."": nothing;
    5 serviceExpire() RESULT POST "services/{id}/expire" "services"."": nothing;
    1 serviceDelete() SERVICE DELETE "services/{id}" "services"."": nothing;
}

const NOTHING: &str = "";

/// Operations that GraphQL does not have.
const REST_ONLY: [&str; 1] = ["productConfigUpdate"];

/// Of so many changes of a record that tells when it was changed, one demands the state that was read.
const CONDITIONAL: u32 = 3;

impl Operation {
    /// An operation, at a meeting or by itself; `number` is no other operation's.
    pub(super) fn draw(rng: &mut StdRng, tag: String, number: u64, meeting: Option<&Meeting>) -> Self {
        let kind = kind(rng, meeting);
        let by_rest = rng.random_bool(0.5) || REST_ONLY.contains(&kind.name);
        let face = if by_rest { Face::Rest } else { Face::GraphQl };
        let id = record(rng, kind, meeting);
        let draft = Draft::new(rng, tag, number, id, meeting);
        let input = (kind.draw)(rng, &draft);
        let is_change =
            kind.name.ends_with("Update") && !kind.writes.1.is_empty() && kind.writes.0 != "pricings";
        let conditional = is_change && rng.random_ratio(1, CONDITIONAL);
        let tag = if kind.writes.0 == "pricings" { format!("{:.2}", draft.price) } else { draft.tag };
        let (looked_at, delta) = (rng.random_bool(0.3), rng.random_range(-3..8));
        Self { kind, face, id, input, tag, conditional, looked_at, delta }
    }

    /// The number of the record that only who has read it changes, and where it is.
    pub(super) fn counter(&self) -> Option<&'static str> {
        let id = self.id.filter(|_| self.conditional)?;
        match self.kind.name {
            "customerUpdate" if PURSES.contains(&id) => Some("balance"),
            "productUpdate" if STOCKED.contains(&id) => Some("stock"),
            _ => None,
        }
    }
}

impl Draft {
    fn new(rng: &mut StdRng, tag: String, number: u64, id: Option<i64>, meeting: Option<&Meeting>) -> Self {
        let price = f64::from(u32::try_from(number + 10_000).expect("few operations")) / 100.0;
        let (name, group, product) =
            (rng.random_range(0..60), rng.random_range(1..14), rng.random_range(1..14));
        let at = |table| meeting.and_then(|meeting| Some(*meeting.records(table)?.first()?));
        Self {
            tag,
            price,
            id: id.unwrap_or_default(),
            name: meeting.map_or(name, |meeting| 100 + meeting.number),
            group: at("groups").unwrap_or(group),
            product: at("products").unwrap_or(product),
        }
    }
}

/// A random mutation, by weight.
fn kind(rng: &mut StdRng, meeting: Option<&Meeting>) -> &'static Kind {
    let kinds = || KINDS.iter().filter(|kind| meeting.is_none_or(|meeting| meeting.is_about(kind)));
    let mut at = rng.random_range(0..kinds().map(|kind| kind.weight).sum());
    let found = kinds().find(|kind| {
        let found = at < kind.weight;
        at = at.saturating_sub(kind.weight);
        found
    });
    found.expect("a kind")
}

/// The record that is changed: one of the meeting, else mostly one of a few; sometimes one that was made meanwhile.
fn record(rng: &mut StdRng, kind: &Kind, meeting: Option<&Meeting>) -> Option<i64> {
    if !kind.rest.1.contains("{id}") {
        return None;
    }
    if let Some(records) = meeting.and_then(|meeting| meeting.records(kind.writes.0)) {
        return Some(records[rng.random_range(0..records.len())]);
    }
    let often = rng.random_bool(0.7);
    Some(match (kind.writes.0, kind.name) {
        ("customers", "customerDelete") => rng.random_range(22..36),
        ("customers", _) if rng.random_bool(0.3) => rng.random_range(PURSES),
        ("customers", _) if often => [2, 4, 6, 14][rng.random_range(0..4)],
        ("customers", _) => rng.random_range(1..36),
        ("services", _) if often => [1, 6, 8, 14, 30, 33, 40][rng.random_range(0..7)],
        ("services", _) => rng.random_range(1..42),
        ("pricings", _) => rng.random_range(1..40),
        _ if often => rng.random_range(1..7),
        _ => rng.random_range(1..26),
    })
}

fn nothing(_: &mut StdRng, _: &Draft) -> Json {
    Json::Null
}

fn slug(draft: &Draft) -> String {
    format!("slug-{}", draft.name)
}

fn group(rng: &mut StdRng, draft: &Draft) -> Json {
    let mut input = json!({
        "name": "A group", "slug": slug(draft), "status": "active", "description": draft.tag, "sort_order": 1,
    });
    if rng.random_bool(0.5) {
        input["parent_id"] = draft.group.into();
    }
    input
}

fn group_change(rng: &mut StdRng, draft: &Draft) -> Json {
    let mut input = json!({"description": draft.tag});
    match rng.random_range(0..4) {
        0 => input["slug"] = slug(draft).into(),
        1 => input["parent_id"] = Json::Null,
        2 => input["parent_id"] = draft.group.into(),
        _ => input["use_image_as_background"] = if rng.random_bool(0.7) { "true" } else { "false" }.into(),
    }
    input
}

fn prices(draft: &Draft) -> Json {
    json!({"annually": {"price": draft.price, "setup": 1}})
}

fn product(rng: &mut StdRng, draft: &Draft) -> Json {
    let mut input = json!({
        "name": "A product", "description": draft.tag, "status": "active", "group_id": draft.group,
        "stock": rng.random_range(-1..5), "type": "none",
    });
    if rng.random_bool(0.5) {
        input["pricing"] = prices(draft);
    }
    input
}

fn product_change(rng: &mut StdRng, draft: &Draft) -> Json {
    let mut input = json!({"description": draft.tag});
    match rng.random_range(0..4) {
        0 => input["group_id"] = draft.group.into(),
        1 => input["pricing"] = prices(draft),
        2 if !STOCKED.contains(&draft.id) => input["stock"] = rng.random_range(0..9).into(),
        _ => input["pinned"] = rng.random_bool(0.5).into(),
    }
    input
}

fn pricing(_: &mut StdRng, draft: &Draft) -> Json {
    json!({
        "related_id": draft.product, "related_type": "product", "currency": "EUR", "monthly": draft.price,
    })
}

fn pricing_change(rng: &mut StdRng, draft: &Draft) -> Json {
    let mut input = json!({"monthly": draft.price});
    if rng.random_bool(0.3) {
        input["related_type"] = "product".into();
        input["related_id"] = draft.product.into();
    }
    input
}

fn email(draft: &Draft) -> String {
    format!("meeting{}@client.example", draft.name)
}

fn customer(rng: &mut StdRng, draft: &Draft) -> Json {
    let mut input = json!({
        "firstname": "A", "lastname": "Customer", "address": "1 rue X", "city": draft.tag, "zipcode": "59000",
        "region": "Nord", "country": "FR", "locale": "fr_FR", "email": email(draft),
    });
    if rng.random_bool(0.5) {
        input["password"] = "a long password".into();
    }
    input
}

fn customer_change(rng: &mut StdRng, draft: &Draft) -> Json {
    let mut input = json!({"city": draft.tag});
    match rng.random_range(0..3) {
        0 => input["email"] = email(draft).into(),
        1 if !PURSES.contains(&draft.id) => input["balance"] = rng.random_range(0..500).into(),
        _ => input["region"] = "Nord".into(),
    }
    input
}

fn force(rng: &mut StdRng, _: &Draft) -> Json {
    json!({"force": rng.random_bool(0.7)})
}

fn notify(rng: &mut StdRng, _: &Draft) -> Json {
    json!({"notify": rng.random_bool(0.3)})
}

fn shut(rng: &mut StdRng, draft: &Draft) -> Json {
    json!({"reason": draft.tag, "force": rng.random_bool(0.5), "notify": rng.random_bool(0.3)})
}

fn service_change(rng: &mut StdRng, draft: &Draft) -> Json {
    json!({"notes": draft.tag, "max_renewals": rng.random_range(0..20)})
}

fn suspension(rng: &mut StdRng, draft: &Draft) -> Json {
    json!({"reason": draft.tag, "notify": rng.random_bool(0.3)})
}
