//! `rotate-api-key`: a key in the place of another one, which works on for a while. At most two keys in a row work at the same
//! time: guichet's own table `guichet_key_rotations` notes which key replaced which.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use entity::ShopTime;
use entity::personal_access_token as token;
use facade::failure::{self, Failure as Kind};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, Set, SqlErr, TransactionTrait,
};
use serde_json::json;

use super::{
    Environment, Failure, Made, OfShop, abilities_of, end_of, find, insert, key_row, make_own_tables, owners,
    restriction, say, shop, time, time_json,
};
use crate::access::key::NewKey;
use crate::platform::config::Config;

/// A row of the table: a key that another one has replaced.
mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "guichet_key_rotations")]
    pub struct Model {
        /// The hash of the key, as `personal_access_tokens.token` has it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub key_hash: String,
        /// The hash of the key that replaced it.
        pub successor_hash: String,
        /// The end that it had before, in Unix seconds; 0: none.
        pub ends_at: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    shop: OfShop,
    /// Number of the key: what stands before the bar, see list-api-keys
    id: i64,
    /// For how many hours the old key works on; with 0 it stops at once
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(..=8784))]
    overlap: u32,
    /// Print JSON in place of text
    #[arg(long)]
    json: bool,
}

/// Makes a key with the owner, the name, the abilities and the restriction of another one, which ends soon. A key that this
/// one had replaced, and that works on, ends at once.
pub(crate) async fn rotate(environment: &Environment, arguments: Rotate) -> Result<(), Failure> {
    let config = arguments.shop.config(environment).await?;
    let (db, now) = (shop(&config).await?, Utc::now());
    let old = find(&db, arguments.id).await?;
    if has_ended(&config, &old, now) {
        return Err(Failure::new(format!("API key {} has ended: make a new one", arguments.id)));
    }
    make_own_tables(&db).await?;
    // Before the transaction: there may be one connection only.
    let former = row::Entity::find_by_id(old.token.clone()).one(&db).await?;
    if let Some(former) = &former {
        refuse_replaced(&config, &db, &old, &former.successor_hash, now).await?;
    }
    let oldest = predecessors(&config, &db, &old, now).await?;
    let email = owners(&db, std::slice::from_ref(&old)).await?.into_values().next().unwrap_or_default();
    let restriction = restriction::of_key(&db, &old).await?;
    let own_end = former.as_ref().map_or(old.expires_at, end_before);
    let key = NewKey::random();
    let made = key_row(&key, &old.tokenable_type, old.tokenable_id, &old.name, &abilities_of(&old), now);
    let made = token::ActiveModel { expires_at: Set(own_end), ..made };
    let last = ShopTime(now + TimeDelta::hours(arguments.overlap.into()));
    let transaction = db.begin().await?;
    let made = insert(&transaction, made, restriction.as_ref()).await?;
    note(&transaction, &old, former.as_ref(), &made, own_end).await?;
    let old = end_by(&transaction, old, last).await?;
    for key in &oldest {
        end_by(&transaction, key.clone(), ShopTime(now)).await?;
    }
    transaction.commit().await?;
    let made = Made { row: made, email, key, restriction };
    if arguments.json {
        let mut object = made.object(&config);
        object["replaced"] = json!({"id": old.id.0, "ends": end_of(&config, &old).map(time_json)});
        object["ended"] = json!(oldest.iter().map(|key| key.id.0).collect::<Vec<_>>());
        say(&serde_json::to_string_pretty(&object)?);
        return Ok(());
    }
    made.tell(&config);
    say(&format!("API key {} ends: {}", old.id.0, time(end_of(&config, &old))));
    for key in oldest {
        say(&format!("API key {}, which it had replaced, has ended", key.id.0));
    }
    Ok(())
}

fn has_ended(config: &Config, key: &token::Model, now: DateTime<Utc>) -> bool {
    end_of(config, key).is_some_and(|end| end.0 <= now)
}

/// Refuses a key whose successor works: that one is to be rotated.
async fn refuse_replaced(
    config: &Config,
    db: &DatabaseConnection,
    old: &token::Model,
    successor_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let successor = token::Entity::find().filter(token::Column::Token.eq(successor_hash)).one(db).await?;
    match successor.filter(|successor| !has_ended(config, successor, now)) {
        None => Ok(()),
        Some(successor) => Err(Failure::new(format!(
            "API key {old} was replaced by API key {new} and ends {end}: rotate API key {new}, or revoke it first",
            old = old.id.0,
            new = successor.id.0,
            end = time(end_of(config, old)),
        ))),
    }
}

/// The keys that a key has replaced, and that work on.
async fn predecessors(
    config: &Config,
    db: &DatabaseConnection,
    key: &token::Model,
    now: DateTime<Utc>,
) -> Result<Vec<token::Model>, DbErr> {
    let replaced = row::Entity::find().filter(row::Column::SuccessorHash.eq(&key.token)).all(db).await?;
    let hashes = replaced.into_iter().map(|replaced| replaced.key_hash);
    let keys = token::Entity::find().filter(token::Column::Token.is_in(hashes)).all(db).await?;
    Ok(keys.into_iter().filter(|key| !has_ended(config, key, now)).collect())
}

/// The end that a key had before it was replaced.
fn end_before(former: &row::Model) -> Option<ShopTime> {
    DateTime::from_timestamp_secs(former.ends_at).filter(|_| former.ends_at != 0).map(ShopTime)
}

/// Notes that a key was replaced, in place of the successor that was there before. Of two rotations at once only one can.
async fn note(
    db: &impl ConnectionTrait,
    old: &token::Model,
    former: Option<&row::Model>,
    made: &token::Model,
    own_end: Option<ShopTime>,
) -> Result<(), Failure> {
    let at_once = || Failure::new(format!("API key {} is being rotated at this moment", old.id.0));
    let row = row::Model {
        key_hash: old.token.clone(),
        successor_hash: made.token.clone(),
        ends_at: own_end.map_or(0, |end| end.0.timestamp()),
    };
    let Some(former) = former else {
        let noted = row::Entity::insert(row.into_active_model()).exec_without_returning(db).await;
        let is_taken = |error: &DbErr| matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)));
        return noted.map(drop).map_err(|error| if is_taken(&error) { at_once() } else { error.into() });
    };
    let noted = row::Entity::update_many()
        .set(row.into_active_model().reset_all())
        .filter(row::Column::KeyHash.eq(&former.key_hash))
        .filter(row::Column::SuccessorHash.eq(&former.successor_hash))
        .exec(db)
        .await?;
    if noted.rows_affected == 0 { Err(at_once()) } else { Ok(()) }
}

/// Lets a key end at a moment, unless it ends earlier.
async fn end_by(db: &impl ConnectionTrait, key: token::Model, last: ShopTime) -> Result<token::Model, DbErr> {
    let ends = key.expires_at.into_iter().chain([last]).min();
    token::ActiveModel { expires_at: Set(ends), ..key.into_active_model() }.update(db).await
}

/// Forgets that a key was replaced.
pub(super) async fn forget(db: &DatabaseConnection, key: &token::Model) -> Result<(), DbErr> {
    match row::Entity::delete_by_id(key.token.clone()).exec(db).await {
        Err(error) if failure::of(&error) != Kind::Absent => Err(error),
        _ => Ok(()),
    }
}
