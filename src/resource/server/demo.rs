//! Servers that services run on.

use entity::value::{Encrypted, Int};
use entity::{ShopTime, server};
use sea_orm::{ConnectionTrait, Set};

use crate::platform::config::Secret;
use crate::platform::encryption;
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};
use crate::shop::sample::dice::Dice;

/// Makes the servers. Their access data is encrypted with the key of the demo shop.
pub const MAKER: Maker = Maker { after: &["office"], make: |db, making| Box::pin(make(db, making)) };

/// Name, port, type, address, host name, accounts, status.
type Server = (String, i64, String, String, String, i64, String);

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let (key, made) = (making.app_key.clone(), making.ago(420));
    Ok(insert(db, rows(&key, made, &mut making.dice)?).await?)
}

/// The servers, made at this time; their access data is encrypted with the key.
pub(super) fn rows(
    key: &Secret,
    made: ShopTime,
    dice: &mut Dice,
) -> Result<Vec<server::ActiveModel>, Failure> {
    let servers: Vec<Server> = serde_json::from_str(include_str!("demo.json"))?;
    let made = Some(made);
    let sealed = |plain: &str| {
        encryption::seal_column(key, plain).map(Encrypted).ok_or("the shop has no key of 32 bytes")
    };
    let rows = servers.into_iter().map(|(name, port, kind, address, hostname, accounts, status)| {
        Ok::<_, Failure>(server::ActiveModel {
            name: Set(name),
            port: Set(Int(port)),
            username: Set(sealed("guichet")?),
            password: Set(sealed(&dice.uuid())?),
            r#type: Set(kind),
            address: Set(address),
            hostname: Set(hostname),
            maxaccounts: Set(Int(accounts)),
            status: Set(status),
            created_at: Set(made),
            updated_at: Set(made),
            ..Default::default()
        })
    });
    rows.collect()
}
