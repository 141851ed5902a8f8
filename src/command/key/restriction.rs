//! Restrictions of single keys on the command line: `restrict-api-key`, and the same options of `create-api-key`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;

use clap::Args;
use entity::personal_access_token as token;
use ipnet::IpNet;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel};
use serde_json::{Value as Json, json};

use super::{Environment, Failure, OfShop, find, make_own_tables, say, shop};
use crate::access::KeyRestriction;
use crate::access::key_restriction as row;

/// Maximum lengths in the columns, in characters.
const MAX_NOTE: usize = 255;
const MAX_ADDRESSES: usize = 2000;
/// Keys whose restrictions are asked for in one statement.
const CHUNK: usize = 500;

/// The options that restrict a key.
#[derive(Args)]
pub(super) struct Restrictions {
    /// Addresses and networks (CIDR) that the key may be used from, with commas between; may be repeated
    #[arg(long, value_name = "NETWORK", value_delimiter = ',', value_parser = network)]
    allow: Vec<IpNet>,
    /// Requests a minute, beside the limit of its account
    #[arg(long, value_name = "REQUESTS", value_parser = requests)]
    per_minute: Option<NonZeroU32>,
    /// The key may only read
    #[arg(long)]
    read_only: bool,
    /// A note about the key, which list-api-keys shows
    #[arg(long, value_name = "TEXT", value_parser = note)]
    note: Option<String>,
}

impl Restrictions {
    fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.per_minute.is_none() && !self.read_only && self.note.is_none()
    }

    /// The restriction that they make of another one; `None` where nothing is restricted.
    pub(super) fn restriction(self, before: KeyRestriction) -> Result<Option<KeyRestriction>, Failure> {
        let restriction = KeyRestriction {
            addresses: if self.allow.is_empty() { before.addresses } else { IpNet::aggregate(&self.allow) },
            requests_per_minute: self.per_minute.or(before.requests_per_minute),
            read_only: self.read_only || before.read_only,
            note: self.note.unwrap_or(before.note),
        };
        if restriction.written_addresses().len() > MAX_ADDRESSES {
            return Err(Failure::usage(format!(
                "--allow: the networks have more than {MAX_ADDRESSES} letters"
            )));
        }
        Ok(Some(restriction).filter(|restriction| *restriction != KeyRestriction::default()))
    }
}

/// Parses a network, or an address that stands for itself.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let address = |_| text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    let network: IpNet = text.parse().or_else(address).map_err(|_: std::net::AddrParseError| {
        "takes an address or a network such as 192.0.2.7 or 2001:db8::/32".to_owned()
    })?;
    Ok(network.trunc())
}

fn requests(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "takes a whole number from 1".to_owned())
}

fn note(text: &str) -> Result<String, String> {
    let is_plain = text.chars().count() <= MAX_NOTE && !text.chars().any(char::is_control);
    is_plain.then(|| text.to_owned()).ok_or_else(|| format!("takes one line of at most {MAX_NOTE} letters"))
}

#[derive(Args)]
pub(crate) struct Restrict {
    #[command(flatten)]
    shop: OfShop,
    /// Number of the key: what stands before the bar, see list-api-keys
    id: i64,
    #[command(flatten)]
    restrictions: Restrictions,
    /// Lift every restriction of the key
    #[arg(long, conflicts_with_all = ["allow", "per_minute", "read_only", "note"])]
    lift: bool,
    /// Print JSON in place of text
    #[arg(long)]
    json: bool,
}

/// Restricts a key as the options say; what they do not name stays as it is.
pub(crate) async fn restrict(environment: &Environment, arguments: Restrict) -> Result<(), Failure> {
    if arguments.restrictions.is_empty() && !arguments.lift {
        return Err(Failure::usage(
            "nothing to restrict: give --allow, --per-minute, --read-only, --note, or --lift",
        ));
    }
    let db = shop(&arguments.shop.config(environment).await?).await?;
    let key = find(&db, arguments.id).await?;
    let before = of_key(&db, &key).await?.unwrap_or_default();
    let restriction = if arguments.lift { None } else { arguments.restrictions.restriction(before)? };
    match &restriction {
        Some(restriction) => {
            make_table(&db).await?;
            write(&db, &key.token, restriction).await?;
        }
        None => remove(&db, &key).await?,
    }
    if arguments.json {
        let restrictions = object(restriction.as_ref());
        let told = json!({"id": arguments.id, "name": key.name, "restrictions": restrictions});
        say(&serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    let text = restriction.map_or_else(|| "not restricted".to_owned(), |restriction| restriction.text());
    say(&format!("API key {} ({}): {text}", arguments.id, key.name));
    Ok(())
}

/// Makes guichet's own tables, if the one of restrictions does not exist: an upgrade may have brought further ones, which no
/// restriction needs.
pub(super) async fn make_table(db: &DatabaseConnection) -> Result<(), Failure> {
    match make_own_tables(db).await {
        Err(_) if migration::may_restrict_keys(db).await.unwrap_or(false) => Ok(()),
        made => made,
    }
}

/// Writes the restriction of a key.
pub(super) async fn write(
    db: &impl ConnectionTrait,
    key_hash: &str,
    restriction: &KeyRestriction,
) -> Result<(), DbErr> {
    let columns =
        [row::Column::Addresses, row::Column::RequestsPerMinute, row::Column::ReadOnly, row::Column::Note];
    let written = row::Entity::insert(row::Model::of(key_hash, restriction).into_active_model());
    let replaced = OnConflict::column(row::Column::KeyHash).update_columns(columns).to_owned();
    written.on_conflict(replaced).exec_without_returning(db).await.map(drop)
}

/// Removes the restriction of a key, if there is one.
pub(super) async fn remove(db: &DatabaseConnection, key: &token::Model) -> Result<(), Failure> {
    if of_key(db, key).await?.is_some() {
        row::Entity::delete_by_id(key.token.clone()).exec(db).await?;
    }
    Ok(())
}

/// The restriction of a key.
pub(super) async fn of_key(
    db: &DatabaseConnection,
    key: &token::Model,
) -> Result<Option<KeyRestriction>, Failure> {
    Ok(row::of_keys(db, [key.token.as_str()]).await?.into_values().next())
}

/// The restrictions of keys, by the keys' hashes.
pub(super) async fn of_keys(
    db: &DatabaseConnection,
    keys: &[token::Model],
) -> Result<HashMap<String, KeyRestriction>, Failure> {
    let mut found = HashMap::new();
    for keys in keys.chunks(CHUNK) {
        found.extend(row::of_keys(db, keys.iter().map(|key| key.token.as_str())).await?);
    }
    Ok(found)
}

/// A restriction as JSON; `null` where there is none.
pub(super) fn object(restriction: Option<&KeyRestriction>) -> Json {
    restriction.map_or(Json::Null, |restriction| {
        json!({
            "allow": restriction.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "requests_per_minute": restriction.requests_per_minute,
            "read_only": restriction.read_only,
            "note": restriction.note,
        })
    })
}
