//! Domains whose subdomains customers may choose.

use entity::{server, subdomains_host};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, Set};
use serde_json::json;

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::Maker;

/// Makes the domains.
pub const MAKER: Maker = Maker { after: &["server"], make: |db, _| Box::pin(make(db)) };

/// Domain, keys of the products and of the groups it is for.
type Subdomain = (String, Option<Vec<i64>>, Option<Vec<i64>>);

async fn make(db: &impl ConnectionTrait) -> Result<(), Failure> {
    let subdomains: Vec<Subdomain> = serde_json::from_str(include_str!("demo.json"))?;
    // They came with the first server.
    let first = server::Entity::find().order_by_asc(server::Column::Id).one(db).await?;
    let made = first.and_then(|server| server.created_at);
    let keys = |list: Option<Vec<i64>>| list.map(|list| json!(list).to_string());
    let rows = subdomains.into_iter().map(|(domain, products, groups)| subdomains_host::ActiveModel {
        domain: Set(domain),
        products: Set(keys(products)),
        groups: Set(keys(groups)),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, rows.collect()).await?;
    Ok(())
}
