//! The two keys of the demo shop. They are random for each shop and stored in its folder, so that every start prints
//! the same keys.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use entity::value::Id;
use rand::Rng;
use rand::distr::Alphanumeric;
use sea_orm::{ConnectionTrait, DbErr, Set};
use serde::{Deserialize, Serialize};

use crate::access::key::NewKey;
use crate::command::Failure;
use crate::command::key::staff_key;
use crate::shop::sample::batch::insert;
use crate::shop::sample::{AUTHENTICATOR_SECRET, CUSTOMER_EMAIL, PASSWORD_TEXT, STAFF_EMAIL};

/// Resources that can be listed and shown.
const RESOURCES: [&str; 13] = [
    "cancellation_reasons",
    "coupons",
    "customers",
    "departments",
    "groups",
    "invoices",
    "logs",
    "pricings",
    "products",
    "servers",
    "services",
    "subdomains",
    "tickets",
];
/// Other abilities that only read.
const READING: [&str; 4] = ["cancellation_reasons:analytics", "health", "license", "statistics"];

/// The secrets of one demo shop.
#[derive(Serialize, Deserialize)]
pub(in crate::command) struct Keys {
    /// `APP_KEY` of the shop.
    pub(super) app_key: String,
    /// Secret of the key that may do everything, row 1.
    all: String,
    /// Secret of the key that may only read, row 2.
    read: String,
}

impl Keys {
    /// New secrets.
    pub(super) fn random() -> Self {
        let app_key = rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect();
        Self { app_key, all: NewKey::random().plain, read: NewKey::random().plain }
    }

    /// Reads the file of a shop.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let unusable = |why: String| {
            Failure::new(format!("{}: {why}; remove the folder to get a new demo shop", file.display()))
        };
        let text = fs::read(file).map_err(|error| unusable(error.to_string()))?;
        serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))
    }

    /// Writes the file, readable only by its owner.
    pub(super) fn write(&self, file: &Path) -> Result<(), Failure> {
        // An existing file would keep its permissions.
        if file.exists() {
            fs::remove_file(file)?;
        }
        let mut output = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        output.write_all(&serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }

    /// Stores the two keys in the database, for the first member of the staff.
    pub(super) async fn insert(&self, db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
        let lists = RESOURCES.iter().flat_map(|name| [format!("{name}:index"), format!("{name}:show")]);
        let reading: Vec<String> = lists.chain(READING.map(str::to_owned)).collect();
        let row = |id, plain: &str, name, abilities: &[String]| {
            let key = NewKey { plain: plain.to_owned(), hash: crate::access::key::hash(plain) };
            let mut row = staff_key(&key, Id(1), name, abilities, now);
            row.id = Set(Id(id));
            row
        };
        insert(
            db,
            vec![row(1, &self.all, "demo", &["*".to_owned()]), row(2, &self.read, "demo-lecture", &reading)],
        )
        .await
    }

    /// The key with all abilities, as a bearer token.
    pub(in crate::command) fn full(&self) -> String {
        format!("1|{}", self.all)
    }

    /// The lines that a start prints.
    pub(in crate::command) fn welcome(&self, address: SocketAddr) -> Vec<String> {
        let base = format!("http://{}", reachable(address));
        let key = self.full();
        vec![
            format!("guichet serves a demo shop on {base}"),
            String::new(),
            format!("  GraphiQL      {base}/graphql"),
            format!("  Swagger UI    {base}/api/documentation"),
            format!("  reference     {base}/api/reference"),
            format!("  all rights    {key}"),
            format!("  read only     2|{}", self.read),
            format!("  a customer    {CUSTOMER_EMAIL}"),
            format!(
                "  another       idriss.benali@client.example, codes from the secret {AUTHENTICATOR_SECRET}"
            ),
            format!("  the staff     {STAFF_EMAIL} (all), karim@lanternes.example (support)"),
            format!("                their password is {PASSWORD_TEXT}"),
            String::new(),
            format!("  curl -H 'Authorization: Bearer {key}' '{base}/api/application/customers?per_page=2'"),
        ]
    }
}

/// The address that a browser on this machine can open for a listening address.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
