//! Whether the API answers (docs/contract/application-store.md#3.1).

use async_graphql::{Object, SimpleObject};
use facade::guard::Can;

use crate::abilities;

abilities! {
    /// Asks whether the API answers.
    HEALTH = "health", aliases ["hearth"];
}

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
    #[graphql(directive = Can::apply(&[HEALTH]))]
    async fn health(&self) -> Health {
        Health { status: "ok" }
    }
}
