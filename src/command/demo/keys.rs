//! The two keys of the demo shop. They are random for each shop and stored in its folder, so that every start prints
//! the same keys, unless somebody has revoked them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use entity::personal_access_token as token;
use entity::value::Id;
use rand::RngExt;
use rand::distr::Alphanumeric;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, Set};
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
    /// Secret of the key that may do everything.
    all: String,
    /// Its row. Earlier versions did not write it.
    #[serde(default = "first")]
    all_id: Id,
    /// Secret of the key that may only read.
    read: String,
    /// Its row.
    #[serde(default = "second")]
    read_id: Id,
}

fn first() -> Id {
    Id(1)
}

fn second() -> Id {
    Id(2)
}

impl Keys {
    /// New secrets.
    pub(super) fn random() -> Self {
        let app_key = rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect();
        let [all, read] = [NewKey::random(), NewKey::random()].map(|key| key.plain);
        Self { app_key, all, all_id: first(), read, read_id: second() }
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
        let row = |id, plain: &str, kind: Kind| {
            let key = NewKey { plain: plain.to_owned(), hash: crate::access::key::hash(plain) };
            token::ActiveModel { id: Set(id), ..kind.row(&key, now) }
        };
        let rows = [row(self.all_id, &self.all, Kind::All), row(self.read_id, &self.read, Kind::Reading)];
        insert(db, rows.to_vec()).await
    }

    /// Makes a new key in the place of each that was revoked or has ended. Returns whether there was one.
    pub(super) async fn renew(
        &mut self,
        db: &impl ConnectionTrait,
        now: DateTime<Utc>,
    ) -> Result<bool, DbErr> {
        let mut renewed = false;
        let keys = [
            (Kind::All, &mut self.all_id, &mut self.all),
            (Kind::Reading, &mut self.read_id, &mut self.read),
        ];
        for (kind, id, plain) in keys {
            if works(db, *id, plain, now).await? {
                continue;
            }
            let key = NewKey::random();
            *id = token::Entity::insert(kind.row(&key, now)).exec_with_returning(db).await?.id;
            *plain = key.plain;
            renewed = true;
        }
        Ok(renewed)
    }

    /// The key with all abilities, as a bearer token.
    pub(in crate::command) fn full(&self) -> String {
        format!("{}|{}", self.all_id.0, self.all)
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
            format!("  mails         {base}/mails"),
            format!("  all rights    {key}"),
            format!("  read only     {}|{}", self.read_id.0, self.read),
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

/// What a key of the demo shop may do.
#[derive(Clone, Copy)]
enum Kind {
    All,
    Reading,
}

impl Kind {
    /// The row of a new key.
    fn row(self, key: &NewKey, now: DateTime<Utc>) -> token::ActiveModel {
        let (name, abilities) = match self {
            Self::All => ("demo", vec!["*".to_owned()]),
            Self::Reading => {
                let lists =
                    RESOURCES.iter().flat_map(|name| [format!("{name}:index"), format!("{name}:show")]);
                ("demo-lecture", lists.chain(READING.map(str::to_owned)).collect())
            }
        };
        staff_key(key, Id(1), name, &abilities, now)
    }
}

/// Whether a key is in the database, and has not ended.
async fn works(db: &impl ConnectionTrait, id: Id, plain: &str, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let row = token::Entity::find_by_id(id).one(db).await?;
    let is_valid = |row: &token::Model| {
        row.token == crate::access::key::hash(plain) && row.expires_at.is_none_or(|end| end.0 > now)
    };
    Ok(row.as_ref().is_some_and(is_valid))
}

/// The address that a browser on this machine can open for a listening address.
pub(in crate::command) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
