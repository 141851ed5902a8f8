//! Whether the API answers (spec: `application-store.md` 3.1).

use async_graphql::{Object, SimpleObject};

use crate::auth::{Ability::Health as CanHealth, Can};

/// State of the API.
#[derive(SimpleObject)]
pub struct Health {
    /// `ok`: the key was checked, so the database answers too.
    status: &'static str,
}

/// Health, for monitors.
#[derive(Default)]
pub struct HealthQuery;

#[Object]
impl HealthQuery {
    /// State of the API.
    #[graphql(directive = Can::apply(&[CanHealth]))]
    async fn health(&self) -> Health {
        Health { status: "ok" }
    }
}
