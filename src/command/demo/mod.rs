//! `guichet serve --demo`: an invented hosting shop in an SQLite file of its own, made on the first start. It never
//! writes to a real shop: it refuses to start if the settings name a database.

mod cancellation_reason;
mod keys;
mod log;
mod mail;
mod office;
mod server;
mod subdomain;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use keys::Keys;
use migration::SHOP;
use sea_orm::{DatabaseConnection, TransactionTrait};

use super::Failure;
use crate::platform::config::{Config, Database, Secret, names_database};
use crate::shop::sample::Named;
use crate::shop::sample::demo::{DemoContext, Maker};
use crate::shop::sample::order::ordered;
use crate::{database, resource};

/// Makers of rows that belong to no resource, or to none that is there yet.
const OWN: [Named<Maker>; 6] = [
    ("cancellation_reason", cancellation_reason::MAKER),
    ("log", log::MAKER),
    ("mail", mail::MAKER),
    ("office", office::MAKER),
    ("server", server::MAKER),
    ("subdomain", subdomain::MAKER),
];

/// An open demo shop.
pub(super) struct Demo {
    pub(super) db: DatabaseConnection,
    pub(super) keys: Keys,
}

/// Refuses to start if the settings are those of a real shop.
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

/// Opens the demo shop, which is made if there is none, and points the settings at it.
pub(super) async fn open(config: &mut Config) -> Result<Demo, Failure> {
    let folder = config.demo_dir.clone();
    let (shop, secrets) = (folder.join("shop.sqlite"), folder.join("keys.json"));
    config.use_only(Database::file(&shop));
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

/// Runs `work` on a demo shop as of a moment, in a file that is removed afterwards.
pub(super) async fn with_temporary_demo<T>(
    config: &mut Config,
    now: DateTime<Utc>,
    work: impl AsyncFnOnce(&Config, &Demo) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let file = std::env::temp_dir().join(format!("guichet-examples-{}.sqlite", std::process::id()));
    discard(&file);
    config.use_only(Database::file(&file));
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

/// Makes the shop in a file of another name first, so that an interrupted start leaves no incomplete shop.
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

/// Removes an SQLite database with its journal files.
fn discard(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        // Some of the files may not exist.
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

/// All makers in the order in which they run.
fn makers() -> Result<Vec<Maker>, Failure> {
    let all = [resource::DEMO, &OWN].concat();
    ordered(&all, |maker| maker.after).map_err(Failure::of)
}

/// Fills an empty, migrated database.
async fn fill(db: &DatabaseConnection, keys: &Keys, now: DateTime<Utc>) -> Result<(), Failure> {
    let mut making = DemoContext::new(now);
    let work = db.begin().await?;
    for maker in makers()? {
        (maker.make)(&work, &mut making).await.map_err(Failure::of)?;
    }
    keys.insert(&work, now).await?;
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
    fn makers_have_an_order() {
        assert!(makers().is_ok_and(|makers| makers.len() > OWN.len()));
    }
}
