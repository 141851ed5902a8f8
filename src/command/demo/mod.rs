//! `guichet serve --demo`: an invented hosting shop in an SQLite file of its own, made on the first start. It never
//! writes to a real shop: it refuses to start if the settings name a database.

mod keys;
mod mail;
mod office;

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use keys::Keys;
pub(super) use keys::reachable;
use migration::SHOP;
use sea_orm::{DatabaseConnection, TransactionTrait};

use super::Failure;
use crate::platform::config::{Config, Database, Secret, names_database};
use crate::shop::sample::Named;
use crate::shop::sample::demo::{DemoContext, Maker};
use crate::shop::sample::order::ordered;
use crate::{database, resource};

/// Makers of rows that belong to no resource, or to none that is there yet.
const OWN: [Named<Maker>; 2] = [("mail", mail::MAKER), ("office", office::MAKER)];

/// The files of the folder: the database, and the secrets.
const SHOP_FILE: &str = "shop.sqlite";
const KEYS: &str = "keys.json";

/// How long a server on this machine may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// An open demo shop.
pub(super) struct Demo {
    pub(super) db: DatabaseConnection,
    pub(super) keys: Keys,
}

impl Demo {
    /// Makes new keys in the place of those of the file that do not work any more.
    pub(super) async fn renew_keys(&mut self, config: &Config) -> Result<(), Failure> {
        let work = self.db.begin().await?;
        if self.keys.renew(&work, Utc::now()).await? {
            self.keys.write(&config.demo_dir.join(KEYS))?;
        }
        Ok(work.commit().await?)
    }
}

/// Refuses to go on where there is no demo shop.
pub(super) fn find(config: &Config) -> Result<(), Failure> {
    if config.demo_dir.join(SHOP_FILE).exists() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "there is no demo shop in the folder {}: `guichet serve --demo` makes one, and GUICHET_DEMO_DIR names another folder",
        config.demo_dir.display()
    )))
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
    let (shop, secrets) = (folder.join(SHOP_FILE), folder.join(KEYS));
    config.use_only(Database::file(&shop));
    config.storage = folder.join("storage");
    config.token_expiration = None;
    // Its customers are invented, and their addresses may not be.
    config.mail = None;
    config.app_url = format!("http://{}", keys::reachable(config.listen));
    config.app_env = "local".to_owned();
    config.app_name = "Hébergerie des Lanternes".to_owned();
    if !shop.exists() {
        make(config, &folder, &shop, &secrets).await?;
    }
    // Earlier versions made it for everybody's eyes.
    for file in files(&shop).filter(|file| file.exists()) {
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
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
    make_private(&file)?;
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
    DirBuilder::new().recursive(true).mode(0o700).create(folder.join("storage")).map_err(|error| {
        Failure::new(format!("cannot make the folder of the demo shop {}: {error}", folder.display()))
    })?;
    let draft = folder.join("shop.sqlite.new");
    discard(&draft);
    make_private(&draft)?;
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

/// Makes an empty file for its owner alone. SQLite gives its journal files the same permissions.
fn make_private(file: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map(drop)
}

/// The files of an SQLite database: itself and its journal.
fn files(database: &Path) -> impl Iterator<Item = PathBuf> {
    ["", "-wal", "-shm"].into_iter().map(|end| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    })
}

/// Removes an SQLite database with its journal files.
fn discard(database: &Path) {
    for file in files(database) {
        // Some of the files may not exist.
        let _ = fs::remove_file(file);
    }
}

/// Notes the address of the running server in the folder of the demo shop, for commands that name it.
pub(super) fn note_address(config: &Config, address: SocketAddr) {
    // Without it, the commands name the address of the settings.
    let _ = fs::write(address_file(config), reachable(address).to_string());
}

/// Removes the note of [`note_address`].
pub(super) fn forget_address(config: &Config) {
    // It may not exist.
    let _ = fs::remove_file(address_file(config));
}

/// The address of the running server of the demo shop, if there is one.
pub(super) fn address(config: &Config) -> Option<SocketAddr> {
    let address = fs::read_to_string(address_file(config)).ok()?.parse().ok()?;
    // The note of a server that was killed stays.
    TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).ok().map(|_| address)
}

fn address_file(config: &Config) -> PathBuf {
    config.demo_dir.join("address")
}

/// All makers in the order in which they run.
fn makers() -> Result<Vec<Maker>, Failure> {
    let all = [resource::DEMO, &OWN].concat();
    ordered(&all, |maker| maker.after).map_err(Failure::of)
}

/// Fills an empty, migrated database.
async fn fill(db: &DatabaseConnection, keys: &Keys, now: DateTime<Utc>) -> Result<(), Failure> {
    let mut making = DemoContext::new(now, Secret::new(&keys.app_key));
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
