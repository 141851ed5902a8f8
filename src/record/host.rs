//! The shop as the host of its records: its database, and what a caller may see.

use std::sync::Arc;

use async_graphql::async_trait::async_trait;
use facade::{Lookups, Need};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use crate::Error;
use crate::auth::{Abilities, allow_need};
use crate::scope::Shared;

/// The shop, for one request.
pub struct Host {
    shared: Arc<Shared>,
    /// What the caller may do; nothing without a valid key.
    abilities: Option<Abilities>,
    /// Whether it reads from the primary.
    fresh: bool,
}

impl Host {
    /// The shop, for a caller with these abilities.
    pub fn new(shared: Arc<Shared>, abilities: Option<Abilities>, fresh: bool) -> Self {
        Self { shared, abilities, fresh }
    }
}

#[async_trait]
impl facade::Host for Host {
    fn backend(&self) -> DbBackend {
        self.shared.db.get_database_backend()
    }

    async fn rows(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.shared.reader(self.fresh).query_all_raw(statement).await
    }

    fn lookups(&self) -> &Lookups {
        &self.shared.lookups
    }

    fn check(&self, need: Need) -> Result<(), async_graphql::Error> {
        let abilities = self.abilities.ok_or(Error::Unauthenticated)?;
        Ok(allow_need(abilities, need)?)
    }

    fn failed(&self, error: DbErr) -> async_graphql::Error {
        Error::from(error).into()
    }

    fn refused(&self, text: String) -> async_graphql::Error {
        Error::BadRequest(text).into()
    }
}
