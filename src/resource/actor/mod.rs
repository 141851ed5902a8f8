//! The sender of a request: whose key or session it is, what it may do, and what is left of its limits.

use async_graphql::{ComplexObject, Context, Enum, Object, SimpleObject};
use entity::{Id, admin, customer, personal_access_token};
use facade::guard::Can;
use facade::limit::Verdict;
use sea_orm::{EntityTrait, QuerySelect};

use crate::access::{Credential, Owner, Principal};
use crate::scope::ShopScope;
use crate::{Error, Result, abilities};

abilities! {}

/// What a request was authenticated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ActorKind {
    /// A session of a customer.
    Customer,
    /// A session of a member of the staff.
    Staff,
    /// An API key.
    Key,
}

/// The sender of the request.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Actor {
    /// What the request was authenticated with.
    kind: ActorKind,
    /// Name of the customer, of the member of the staff, or of the API key.
    name: String,
}

#[ComplexObject]
impl Actor {
    /// Names of the abilities that the sender has, in alphabetical order.
    async fn abilities(&self, ctx: &Context<'_>) -> Result<Vec<&'static str>> {
        let scope = ShopScope::from(ctx);
        Ok(scope.principal()?.abilities.iter().map(|ability| ability.name()).collect())
    }

    /// The limits of the sender. Empty where the operator has set none.
    async fn limits(&self, ctx: &Context<'_>) -> Vec<ActorLimit> {
        let limits = ShopScope::from(ctx).execution().limits;
        let all = [(ActorLimitUnit::Requests, limits.requests), (ActorLimitUnit::Points, limits.points)];
        all.into_iter().filter_map(|(unit, verdict)| ActorLimit::of(unit, verdict)).collect()
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "LimitUnit")]
pub enum ActorLimitUnit {
    /// Requests of both APIs.
    Requests,
    /// Points: the prices of operations (`docs/prices.md`).
    Points,
}

/// A limit in a window of a minute, and what is left of it.
#[derive(SimpleObject)]
pub struct ActorLimit {
    /// What it counts.
    unit: ActorLimitUnit,
    /// What a window allows.
    limit: u32,
    /// What is left in the present window. The points of this operation are taken off as they were estimated; if it costs less,
    /// the header `RateLimit` of the answer tells more.
    remaining: u32,
    /// Seconds until the window ends.
    resets_in: u64,
}

impl ActorLimit {
    fn of(unit: ActorLimitUnit, verdict: Verdict) -> Option<Self> {
        let window = verdict.window()?;
        Some(Self { unit, limit: window.limit, remaining: window.remaining, resets_in: window.resets_in })
    }
}

/// Reading the sender of a request.
#[derive(Default)]
pub struct ActorQuery;

#[Object]
impl ActorQuery {
    /// The sender of the request: by its API key or by its session.
    #[graphql(directive = Can::apply(&[]))]
    async fn me(&self, ctx: &Context<'_>) -> Result<Actor> {
        let scope = ShopScope::from(ctx);
        let Principal { owner, credential, .. } = scope.principal()?;
        let (kind, name) = match (credential, owner) {
            (Credential::Key(key), _) => (ActorKind::Key, key_name(scope, *key).await?),
            (Credential::Session(_), Owner::Customer(id)) => {
                (ActorKind::Customer, customer_name(scope, *id).await?)
            }
            (Credential::Session(_), Owner::Staff(id)) => (ActorKind::Staff, staff_name(scope, *id).await?),
        };
        // A key or an account that was deleted in the meantime is not valid any more.
        Ok(Actor { kind, name: name.ok_or(Error::Unauthenticated)? })
    }
}

async fn key_name(scope: ShopScope<'_>, key: Id) -> Result<Option<String>> {
    let name = personal_access_token::Entity::find_by_id(key).select_only();
    let name = name.column(personal_access_token::Column::Name).into_tuple();
    Ok(name.one(scope.reader()).await?)
}

async fn customer_name(scope: ShopScope<'_>, id: Id) -> Result<Option<String>> {
    let name = customer::Entity::find_by_id(id).select_only();
    let name = name.columns([customer::Column::Firstname, customer::Column::Lastname]).into_tuple();
    Ok(name.one(scope.reader()).await?.map(full_name))
}

async fn staff_name(scope: ShopScope<'_>, id: Id) -> Result<Option<String>> {
    let name = admin::Entity::find_by_id(id).select_only();
    let name = name.columns([admin::Column::Firstname, admin::Column::Lastname]).into_tuple();
    Ok(name.one(scope.reader()).await?.map(full_name))
}

fn full_name((first, last): (String, String)) -> String {
    format!("{first} {last}").trim().to_owned()
}
