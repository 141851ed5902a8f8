//! Networks from which an account has signed in. Attempts from other networks do not lock the account out there.

use chrono::{DateTime, TimeDelta, Utc};
use entity::Id;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Condition, QueryOrder, QuerySelect};

use crate::Result;
use crate::access::Owner;
use crate::database::reader::Reader;

/// How long a network is stored after the last sign-in.
const MAX_AGE: TimeDelta = TimeDelta::days(90);
/// A stored time is updated only if it is older than this.
const REFRESH_INTERVAL: TimeDelta = TimeDelta::days(1);
/// Maximum number of stored networks of an account; the oldest are deleted.
const MAX_NETWORKS: u64 = 20;

/// A row of `guichet_sign_ins`: an account, and a network from which it has signed in.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guichet_sign_ins")]
pub struct Model {
    /// `customer` or `staff`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_type: String,
    /// Primary key of the customer or the member of the staff.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Id,
    /// A pseudonym of the network, made with the shop's key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub network_hash: String,
    /// When it was last used to sign in, in Unix seconds; may be a day too early.
    pub signed_in_at: i64,
}

/// None: accounts are in two tables.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whether an account has signed in from a network.
///
/// # Errors
/// When the database fails.
pub(super) async fn is_known(
    db: &Reader,
    owner: Owner,
    network_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let known = of(owner).filter(Column::NetworkHash.eq(network_hash));
    let since = (now - MAX_AGE).timestamp();
    Ok(known.filter(Column::SignedInAt.gt(since)).count(db).await? > 0)
}

/// Stores that an account has signed in from a network, and deletes old rows of the account.
///
/// # Errors
/// When the database fails.
pub(super) async fn note(db: &Reader, owner: Owner, network_hash: String, now: DateTime<Utc>) -> Result<()> {
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

/// Deletes networks that were not used for long, and those beyond the maximum number.
async fn delete_old(db: &Reader, owner: Owner, now: DateTime<Utc>) -> Result<()> {
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
