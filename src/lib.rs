//! guichet: GraphQL and REST for a hosting shop, from one set of resolvers.

pub mod clock;
pub mod config;
pub mod database;
pub mod error;
pub mod form;
pub mod http;
pub mod key;
pub mod lang;

pub use error::{Error, Result};

/// The running server: what every request shares.
#[derive(Clone)]
pub struct App {
    config: std::sync::Arc<config::Config>,
    db: sea_orm::DatabaseConnection,
    clock: clock::Clock,
}

impl App {
    /// Builds the server's schemas, documents and routes over an open database.
    ///
    /// # Errors
    /// When a REST document does not agree with the schema.
    pub async fn new(
        config: config::Config,
        db: sea_orm::DatabaseConnection,
        clock: clock::Clock,
    ) -> Result<Self> {
        Ok(Self { config: config.into(), db, clock })
    }

    /// Every route of the server.
    pub fn router(&self) -> axum::Router {
        let _ = (&self.config, &self.db, self.clock);
        axum::Router::new()
    }
}
