//! From where an account signed in: what others try there doesn't keep it out.

use chrono::{DateTime, TimeDelta, Utc};
use entity::Id;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Condition, DatabaseConnection, QueryOrder, QuerySelect};

use crate::Result;
use crate::access::Owner;

/// How long a network is remembered that an account signed in from.
const MAX_AGE: TimeDelta = TimeDelta::days(90);
/// How old what is noted may be before it is noted anew.
const REFRESH_INTERVAL: TimeDelta = TimeDelta::days(1);
/// Networks of an account that are remembered: the latest.
const MAX_NETWORKS: u64 = 20;

/// A row of `guichet_sign_ins`: an account, and a network that it signed in from.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guichet_sign_ins")]
pub struct Model {
    /// `customer` or `staff`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_type: String,
    /// Key of the customer or the member of the staff.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Id,
    /// The network, unreadable without the shop's key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub network_hash: String,
    /// When it was last used to sign in, in Unix seconds, to a day.
    pub signed_in_at: i64,
}

/// Accounts are of two tables.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whether an account signed in from a network before.
///
/// # Errors
/// When the database fails.
pub(super) async fn is_known(
    db: &DatabaseConnection,
    owner: Owner,
    network_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let known = of(owner).filter(Column::NetworkHash.eq(network_hash));
    let since = (now - MAX_AGE).timestamp();
    Ok(known.filter(Column::SignedInAt.gt(since)).count(db).await? > 0)
}

/// Notes that an account signed in from a network, and forgets what is old.
///
/// # Errors
/// When the database fails.
pub(super) async fn note(
    db: &DatabaseConnection,
    owner: Owner,
    network_hash: String,
    now: DateTime<Utc>,
) -> Result<()> {
    let fresh = of(owner).filter(Column::NetworkHash.eq(network_hash.as_str()));
    let since = (now - REFRESH_INTERVAL).timestamp();
    if fresh.filter(Column::SignedInAt.gt(since)).count(db).await? > 0 {
        return Ok(());
    }
    let (owner_type, owner_id) = owner.parts();
    let row = ActiveModel {
        owner_type: Set(owner_type.to_owned()),
        owner_id: Set(owner_id),
        network_hash: Set(network_hash),
        signed_in_at: Set(now.timestamp()),
    };
    let key = OnConflict::columns([Column::OwnerType, Column::OwnerId, Column::NetworkHash])
        .update_column(Column::SignedInAt)
        .to_owned();
    Entity::insert(row).on_conflict(key).exec_without_returning(db).await?;
    delete_old(db, owner, now).await
}

/// Forgets networks that were not used for long, and those beyond the latest ones.
async fn delete_old(db: &DatabaseConnection, owner: Owner, now: DateTime<Utc>) -> Result<()> {
    let oldest_kept = of(owner)
        .select_only()
        .column(Column::SignedInAt)
        .order_by_desc(Column::SignedInAt)
        .offset(MAX_NETWORKS - 1)
        .limit(1)
        .into_tuple::<i64>()
        .one(db)
        .await?;
    let until = oldest_kept.map_or(i64::MIN, |kept| kept - 1).max((now - MAX_AGE).timestamp());
    Entity::delete_many().filter(owned_by(owner)).filter(Column::SignedInAt.lte(until)).exec(db).await?;
    Ok(())
}

fn of(owner: Owner) -> Select<Entity> {
    Entity::find().filter(owned_by(owner))
}

fn owned_by(owner: Owner) -> Condition {
    let (owner_type, owner_id) = owner.parts();
    Condition::all().add(Column::OwnerType.eq(owner_type)).add(Column::OwnerId.eq(owner_id))
}
