//! The prices of the demo shop's products.

use entity::pricing;
use entity::value::{Id, Price};
use sea_orm::{ConnectionTrait, Set};

use crate::resource::product::demo::{Article, articles};
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::Maker;
use crate::shop::sample::money::{CURRENCIES, exchanged, money, percent};

/// Makes a price in each currency for each product.
pub const MAKER: Maker = Maker { after: &["product"], make: |db, _| Box::pin(make(db)) };

async fn make(db: &impl ConnectionTrait) -> Result<(), Failure> {
    let articles = articles()?;
    let priced = articles.iter().zip(1..);
    let rows =
        priced.flat_map(|(article, id)| CURRENCIES.map(|(currency, _)| row(article, Id(id), currency)));
    insert(db, rows.collect()).await?;
    Ok(())
}

fn row(article: &Article, id: Id, currency: &str) -> pricing::ActiveModel {
    let amount = |cents: i64| money(exchanged(cents, currency));
    let monthly = article.month.is_some();
    let period = |months: i64| monthly.then(|| Price(amount(article.price(months))));
    let setup = (article.setup > 0).then(|| Price(amount(article.setup)));
    pricing::ActiveModel {
        related_id: Set(id),
        related_type: Set("product".to_owned()),
        currency: Set(currency.to_owned()),
        weekly: Set(monthly.then(|| amount(percent(article.price(1), 30)))),
        onetime: Set((!monthly).then(|| Price(amount(article.once)))),
        monthly: Set(period(1)),
        quarterly: Set(period(3)),
        semiannually: Set(period(6)),
        annually: Set(period(12)),
        biennially: Set(period(24)),
        triennially: Set(period(36)),
        setup_monthly: Set(setup),
        setup_quarterly: Set(setup),
        ..Default::default()
    }
}
