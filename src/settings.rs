//! The shop's own settings: rows of its table `settings`, which the original writes too. They
//! are remembered for at most one second, so a change by either side shows at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use entity::setting;
use sea_orm::{EntityTrait, QuerySelect};

use crate::reader::Reader;
use crate::{Error, Result};
use facade::cache::Loads;

/// No shop has anywhere near so many settings.
const MAX_SETTINGS: u64 = 10_000;

/// All settings of the shop.
pub struct Settings(Loads<(), Arc<HashMap<String, String>>, Error>);

impl Default for Settings {
    fn default() -> Self {
        Self(Loads::new(1, Duration::from_secs(1)))
    }
}

impl Settings {
    /// The setting's stored text.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, db: &Reader, name: &str) -> Result<Option<String>> {
        let all = match self.0.get(&()) {
            Some(all) => all,
            None => Box::pin(self.load(db)).await?,
        };
        Ok(all.get(name).cloned())
    }

    async fn load(&self, db: &Reader) -> Result<Arc<HashMap<String, String>>> {
        let load = async { load(db).await.map(Arc::new) };
        self.0.get_or_load((), load).await.map_err(|error| error.shared())
    }
}

async fn load(db: &Reader) -> Result<HashMap<String, String>> {
    let rows = setting::Entity::find().limit(MAX_SETTINGS).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.value)).collect())
}
