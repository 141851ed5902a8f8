//! Servers that services run on.

use entity::server;
use entity::value::Int;
use sea_orm::{ConnectionTrait, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};

pub(super) const MAKER: Maker = Maker { after: &["office"], make: |db, making| Box::pin(make(db, making)) };

/// Name, port, type, address, host name, accounts, status.
type Server = (String, i64, String, String, String, i64, String);

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let servers: Vec<Server> = serde_json::from_str(include_str!("server.json"))?;
    let made = Some(making.ago(420));
    let rows = servers.into_iter().map(|(name, port, kind, address, hostname, accounts, status)| {
        server::ActiveModel {
            name: Set(name),
            port: Set(Int(port)),
            username: Set("guichet".to_owned()),
            password: Set(making.dice.uuid()),
            r#type: Set(kind),
            address: Set(address),
            hostname: Set(hostname),
            maxaccounts: Set(Int(accounts)),
            status: Set(status),
            created_at: Set(made),
            updated_at: Set(made),
            ..Default::default()
        }
    });
    insert(db, rows.collect()).await?;
    Ok(())
}
