//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use sqlx::{Error, Pool};

use crate::auth::{self, Key};
use crate::limits::{Counts, Limits};
use crate::remembered::Remembered;
use crate::store::Store;
use crate::{customers, new_customer, products, services, tree};

/// Keys and settings are believed for a second.
pub const REMEMBERED: Duration = Duration::from_secs(1);

/// What all requests share.
pub struct App<S: Store> {
    pub pool: Pool<S>,
    pub statements: Statements,
    pub keys: Cache<String, Arc<Key>>,
    pub totals: Remembered<&'static str, i64>,
    pub maintenance: Remembered<(), bool>,
    pub limits: Limits,
}

/// Every statement that is ever sent.
pub struct Statements {
    pub auth: auth::Statements,
    pub customers: customers::Statements,
    pub new_customer: new_customer::Statements,
    pub products: products::Statements,
    pub services: services::Statements,
    pub tree: tree::Statements,
}

impl<S: Store> App<S> {
    /// Totals are believed for so long.
    pub fn open(url: &str, totals: Duration, most: Counts) -> Result<Self, Error> {
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
            totals: Remembered::new(totals),
            maintenance: Remembered::new(REMEMBERED),
            limits: Limits::new(most),
        })
    }
}
