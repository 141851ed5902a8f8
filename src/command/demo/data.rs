//! What the demo shop is made of: the files of `data/`, as types.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A group with its products and groups.
#[derive(Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) status: Option<String>,
    pub(super) description: String,
    #[serde(default)]
    pub(super) pinned: bool,
    /// Title, colour and icon.
    pub(super) badge: Option<[String; 3]>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) groups: Vec<Group>,
    #[serde(default)]
    pub(super) products: Vec<Product>,
}

/// A product; amounts are cents before tax.
#[derive(Deserialize)]
pub(super) struct Product {
    pub(super) name: String,
    pub(super) description: String,
    /// Monthly price.
    pub(super) month: Option<i64>,
    /// Price of a product that is bought once.
    pub(super) once: Option<i64>,
    #[serde(default)]
    pub(super) setup: i64,
    pub(super) stock: i64,
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) pinned: bool,
    /// Whether memory can be added.
    #[serde(default)]
    pub(super) options: bool,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
}

/// Given name, family name, company, street, town, region, postal code, country, phone.
pub(super) type Customer = [String; 9];

/// Name, description, icon, minutes to the first answer and to the solution.
pub(super) type Department = (String, String, String, Option<i64>, Option<i64>);

/// Departments and tickets.
#[derive(Deserialize)]
pub(super) struct Helpdesk {
    pub(super) departments: Vec<Department>,
    pub(super) tickets: Vec<Ticket>,
}

/// A ticket. Its messages are by the customer and the staff in turn.
#[derive(Deserialize)]
pub(super) struct Ticket {
    pub(super) department: i64,
    pub(super) subject: String,
    pub(super) priority: String,
    pub(super) status: String,
    /// `service` or `invoice`: one of the customer's.
    pub(super) about: Option<String>,
    #[serde(default)]
    pub(super) assigned: bool,
    pub(super) comment: Option<String>,
    pub(super) messages: Vec<String>,
}

/// Domain, keys of the products and of the groups it is for.
pub(super) type Subdomain = (String, Option<Vec<i64>>, Option<Vec<i64>>);

/// What the back office keeps.
#[derive(Deserialize)]
pub(super) struct Office {
    pub(super) settings: IndexMap<String, String>,
    /// Name, level, whether everything is allowed.
    pub(super) roles: Vec<(String, i64, bool)>,
    /// Name, label, group, keys of the roles.
    pub(super) permissions: Vec<(String, String, String, Vec<i64>)>,
    /// Given name, family name, address, key of the role.
    pub(super) staff: Vec<(String, String, String, i64)>,
    /// Name, status, uuid, smallest amount.
    pub(super) gateways: Vec<(String, String, String, f64)>,
    /// Text, mode, status.
    pub(super) reasons: Vec<(String, String, String)>,
    /// Name, port, type, address, host name, accounts, status.
    pub(super) servers: Vec<(String, i64, String, String, String, i64, String)>,
    pub(super) coupons: Vec<Coupon>,
    pub(super) subdomains: Vec<Subdomain>,
}

/// A coupon; days count from the day on which the shop is made.
#[derive(Deserialize)]
pub(super) struct Coupon {
    pub(super) code: String,
    pub(super) r#type: String,
    /// Percent or units of the currency.
    pub(super) off: i64,
    pub(super) from: i64,
    pub(super) to: i64,
    #[serde(default)]
    pub(super) uses: i64,
    #[serde(default)]
    pub(super) months: i64,
    #[serde(default)]
    pub(super) first: bool,
    #[serde(default)]
    pub(super) global: bool,
    #[serde(default)]
    pub(super) setup: bool,
    /// Smallest order.
    #[serde(default)]
    pub(super) least: i64,
    pub(super) customer: Option<i64>,
    #[serde(default)]
    pub(super) products: Vec<i64>,
}

/// Name, locale, subject, text of the button, content.
pub(super) type Mail = [String; 5];

/// The whole shop before it becomes rows.
pub(super) struct Data {
    pub(super) catalogue: Vec<Group>,
    pub(super) customers: Vec<Customer>,
    pub(super) helpdesk: Helpdesk,
    pub(super) mails: Vec<Mail>,
    pub(super) office: Office,
}

impl Data {
    /// Reads the files, which are part of the program.
    pub(super) fn read() -> serde_json::Result<Self> {
        Ok(Self {
            catalogue: part(include_str!("data/catalogue.json"))?,
            customers: part(include_str!("data/customers.json"))?,
            helpdesk: part(include_str!("data/helpdesk.json"))?,
            mails: part(include_str!("data/mails.json"))?,
            office: part(include_str!("data/office.json"))?,
        })
    }
}

fn part<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(text)
}
