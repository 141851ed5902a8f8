//! Restrictions of single API keys, in guichet's own table `guichet_key_restrictions`: the original has none.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::num::NonZeroU32;

use facade::failure::{self, Failure};
use facade::user_error::UserErrorCode;
use ipnet::IpNet;
use sea_orm::ConnectionTrait;
use sea_orm::entity::prelude::*;

use crate::{Error, Result};

/// The refusal of a request from an address that the key is not for.
pub const WRONG_ADDRESS: UserErrorCode =
    UserErrorCode::new("KEY_WRONG_ADDRESS", "This API key may not be used from this address.");
/// The refusal of a write.
pub const READ_ONLY: UserErrorCode = UserErrorCode::new("KEY_READ_ONLY", "This API key may only read.");

/// What a key may not do, beside its abilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRestriction {
    /// The addresses that it may be used from; empty: all.
    pub addresses: Vec<IpNet>,
    /// Requests a minute, which count beside those of its account; `None`: those of the account alone.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Whether it may only read.
    pub read_only: bool,
    /// What the operator has noted about it.
    pub note: String,
}

impl KeyRestriction {
    /// Whether the key may be used from an address.
    pub fn admits(&self, client: IpAddr) -> bool {
        self.addresses.is_empty() || self.addresses.iter().any(|network| network.contains(&client))
    }

    /// The addresses as the column has them.
    pub fn written_addresses(&self) -> String {
        self.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    /// The restriction in words; empty where there is none.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if !self.addresses.is_empty() {
            parts.push(format!("only from {}", self.written_addresses().replace(',', ", ")));
        }
        if let Some(requests) = self.requests_per_minute {
            parts.push(format!("{requests} requests a minute"));
        }
        if self.read_only {
            parts.push("only reads".to_owned());
        }
        let mut text = parts.join("; ");
        if !self.note.is_empty() {
            let joint = if text.is_empty() { "" } else { "; " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{joint}note: {}", self.note);
        }
        text
    }
}

/// A row of the table. Without a row, a key has no restriction.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guichet_key_restrictions")]
pub struct Model {
    /// The key's hash, as `personal_access_tokens.token` has it: numbers of keys may be given again.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_hash: String,
    /// Networks, with commas between; empty: all addresses.
    pub addresses: String,
    /// 0: no limit.
    pub requests_per_minute: i64,
    /// 0 or 1.
    pub read_only: i64,
    /// What the operator has noted.
    pub note: String,
}

/// None: the shop's own tables are not referred to.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The restriction of a row.
    ///
    /// # Errors
    /// When the row does not hold one: a key whose restriction cannot be read must not be used.
    pub fn restriction(&self) -> Result<KeyRestriction> {
        let networks = self.addresses.split(',').filter(|part| !part.is_empty()).map(str::parse);
        Ok(KeyRestriction {
            addresses: networks.collect::<Result<_, _>>().map_err(Error::internal)?,
            requests_per_minute: NonZeroU32::new(
                u32::try_from(self.requests_per_minute).map_err(Error::internal)?,
            ),
            read_only: self.read_only != 0,
            note: self.note.clone(),
        })
    }

    /// The row of a key.
    pub fn of(key_hash: &str, restriction: &KeyRestriction) -> Self {
        Self {
            key_hash: key_hash.to_owned(),
            addresses: restriction.written_addresses(),
            requests_per_minute: restriction.requests_per_minute.map_or(0, |limit| limit.get().into()),
            read_only: restriction.read_only.into(),
            note: restriction.note.clone(),
        }
    }
}

/// The restrictions of keys, by the keys' hashes. Where the table does not exist, no key has one: whether it does is not asked
/// of the record of migrations, which may be lost.
///
/// # Errors
/// When the database fails, or a row cannot be read.
pub async fn of_keys(
    db: &impl ConnectionTrait,
    key_hashes: impl IntoIterator<Item = &str>,
) -> Result<HashMap<String, KeyRestriction>> {
    let select = Entity::find().filter(Column::KeyHash.is_in(key_hashes));
    match select.all(db).await {
        Ok(rows) => rows.into_iter().map(|row| Ok((row.key_hash.clone(), row.restriction()?))).collect(),
        Err(error) if failure::of(&error) == Failure::Absent => Ok(HashMap::new()),
        Err(error) => Err(error.into()),
    }
}
