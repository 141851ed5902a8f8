//! `guichet serve --demo`: an invented hosting shop in an SQLite file of its own, made on the first
//! start. It can never be laid over a real shop: a database that is named refuses it.

mod data;
mod helpdesk;
mod keys;
mod office;
mod people;
mod sales;
mod store;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use data::Data;
use entity::value::ShopTime;
use keys::Keys;
use migration::SHOP;
use sea_orm::{DatabaseConnection, TransactionTrait};

use super::Failure;
use super::random::Dice;
use crate::database;
use crate::platform::config::{Config, Database, Secret, names_database};

/// An open demo shop.
pub(super) struct Demo {
    pub(super) db: DatabaseConnection,
    pub(super) keys: Keys,
}

/// Stops a demo where the settings of a real shop are.
pub(super) fn refuse_real_shop(variables: &[(String, String)]) -> Result<(), Failure> {
    let has_key = variables.iter().any(|(name, value)| name == "APP_KEY" && !value.trim().is_empty());
    match names_database(variables).or(has_key.then_some("APP_KEY")) {
        None => Ok(()),
        Some(name) => Err(Failure::usage(format!(
            "--demo serves an invented shop and never a real one, but {name} is set (in the environment or in \
             a .env file) and belongs to a real shop: leave --demo out, or start where it is not set"
        ))),
    }
}

/// Opens the demo shop and makes it first if there is none; points the settings at it.
pub(super) async fn open(config: &mut Config) -> Result<Demo, Failure> {
    let folder = config.demo_dir.clone();
    let (shop, secrets) = (folder.join("shop.sqlite"), folder.join("keys.json"));
    config.database = Database::file(&shop);
    config.storage = folder.join("storage");
    config.token_expiration = None;
    config.app_url = format!("http://{}", keys::reachable(config.listen));
    config.app_env = "local".to_owned();
    config.app_name = "Hébergerie des Lanternes".to_owned();
    if !shop.exists() {
        make(config, &folder, &shop, &secrets).await?;
    }
    let keys = Keys::read(&secrets)?;
    config.app_key = Secret::new(&keys.app_key);
    Ok(Demo { db: database::connect(config).await?, keys })
}

/// Runs some work on a demo shop of that moment, in a file that is gone afterwards.
pub(super) async fn on_the_side<T>(
    config: &mut Config,
    now: DateTime<Utc>,
    work: impl AsyncFnOnce(&Config, &Demo) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let file = std::env::temp_dir().join(format!("guichet-examples-{}.sqlite", std::process::id()));
    discard(&file);
    config.database = Database::file(&file);
    config.storage = std::env::temp_dir();
    let db = database::connect_or_create(config).await?;
    SHOP.up(&db).await?;
    let keys = Keys::random();
    fill(&db, &keys, now).await?;
    config.app_key = Secret::new(&keys.app_key);
    let demo = Demo { db, keys };
    let done = work(config, &demo).await;
    demo.db.close().await?;
    discard(&file);
    done
}

/// Makes the shop under another name first: a start that is interrupted leaves no half of a shop.
async fn make(config: &Config, folder: &Path, shop: &Path, secrets: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder.join("storage")).map_err(|error| {
        Failure::new(format!("cannot make the folder of the demo shop {}: {error}", folder.display()))
    })?;
    let draft = folder.join("shop.sqlite.new");
    discard(&draft);
    let config = Config { database: Database::file(&draft), ..config.clone() };
    let db = database::connect_or_create(&config).await?;
    SHOP.up(&db).await?;
    let keys = Keys::random();
    fill(&db, &keys, Utc::now()).await?;
    db.close().await?;
    keys.write(secrets)?;
    fs::rename(&draft, shop)?;
    Ok(())
}

/// Removes an SQLite database with what stands beside it.
fn discard(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        // What is not there need not be removed.
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

/// The moment of making, and chance: what every maker of rows needs.
struct Making {
    now: DateTime<Utc>,
    dice: Dice,
}

impl Making {
    /// A moment so many days before the making, at a likely hour of that day.
    fn ago(&mut self, days: i64) -> ShopTime {
        let minutes = self.dice.between(1, 23 * 60);
        ShopTime(self.now - TimeDelta::days(days) - TimeDelta::minutes(minutes))
    }

    /// A moment so many days after the making.
    fn ahead(&self, days: i64) -> ShopTime {
        ShopTime(self.now + TimeDelta::days(days))
    }
}

/// Fills an empty, migrated database.
async fn fill(db: &DatabaseConnection, keys: &Keys, now: DateTime<Utc>) -> Result<(), Failure> {
    let data = Data::read()?;
    let mut making = Making { now, dice: Dice::new(2026, 0) };
    let work = db.begin().await?;
    office::fill(&work, &mut making, &data.office, &data.mails).await?;
    keys.insert(&work, now).await?;
    let articles = store::fill(&work, &mut making, &data).await?;
    let people = people::fill(&work, &mut making, &data.customers).await?;
    store::coupons(&work, &mut making, &data.office.coupons).await?;
    let invoices = sales::fill(&work, &mut making, &articles, &people).await?;
    helpdesk::fill(&work, &mut making, &data.helpdesk, &invoices).await?;
    work.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_database_refuses_the_demo() {
        let variables = |name: &str| vec![(name.to_owned(), "x".to_owned())];
        assert_eq!(refuse_real_shop(&variables("DB_DATABASE")).map_err(|failure| failure.code), Err(2));
        assert!(refuse_real_shop(&variables("APP_KEY")).is_err());
        assert!(refuse_real_shop(&variables("APP_URL")).is_ok());
    }

    #[test]
    fn the_files_hold_what_the_readme_promises() -> serde_json::Result<()> {
        let data = Data::read()?;
        assert_eq!(data.customers.len(), 40);
        assert!(data.catalogue.iter().any(|group| group.groups.iter().any(|group| !group.groups.is_empty())));
        assert_eq!(data.mails.len(), 12);
        Ok(())
    }
}
