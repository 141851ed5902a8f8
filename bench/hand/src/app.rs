//! The state that all requests share.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use sqlx::{Error, Pool};

use crate::auth::{self, Key};
use crate::limits::{LimitCounts, Limits};
use crate::store::Store;
use crate::timed_cache::TimedCache;
use crate::{customers, new_customer, products, services, tree};

/// How long keys and settings are cached.
pub const CACHE_TTL: Duration = Duration::from_secs(1);

/// The state that all requests share.
pub struct App<S: Store> {
    pub pool: Pool<S>,
    pub statements: Statements,
    pub keys: Cache<String, Arc<Key>>,
    pub totals: TimedCache<&'static str, i64>,
    pub maintenance: TimedCache<(), bool>,
    pub limits: Limits,
}

/// All SQL statements.
pub struct Statements {
    pub auth: auth::Statements,
    pub customers: customers::Statements,
    pub new_customer: new_customer::Statements,
    pub products: products::Statements,
    pub services: services::Statements,
    pub tree: tree::Statements,
}

impl<S: Store> App<S> {
    /// Makes the state; totals are cached for `totals`.
    pub fn open(url: &str, totals: Duration, most: LimitCounts) -> Result<Self, Error> {
        let dialect = S::DIALECT;
        Ok(Self {
            pool: S::open(url)?,
            statements: Statements {
                auth: auth::Statements::new(dialect),
                customers: customers::Statements::new(dialect),
                new_customer: new_customer::Statements::new(dialect),
                products: products::Statements::new(dialect),
                services: services::Statements::new(dialect),
                tree: tree::Statements::new(dialect),
            },
            keys: Cache::new(10_000),
            totals: TimedCache::new(totals),
            maintenance: TimedCache::new(CACHE_TTL),
            limits: Limits::new(most),
        })
    }
}
