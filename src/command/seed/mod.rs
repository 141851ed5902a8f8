//! `guichet seed`: a large invented shop. The same numbers, seed and date give the same rows.

mod helpdesk;
mod people;
mod sales;
mod store;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use clap::Args;
use entity::value::{Id, ShopTime};
use entity::{customer, invoice, product, service, support_ticket};
use indicatif::{ProgressBar, ProgressStyle};
pub(super) use people::DEMO_PASSWORD;
use sea_orm::DatabaseConnection;

use super::batch::next_id;
use super::random::Dice;
use super::{Failure, say, shop};
use crate::platform::config::Config;

/// Rows that are made before they are sent.
const CHUNK: u64 = 1_000;

#[derive(Args)]
pub(super) struct Arguments {
    /// Customers
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    customers: u64,
    /// Products, each with prices in EUR and USD
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    products: u64,
    /// Services; without it five for each customer
    #[arg(long, value_name = "N")]
    services: Option<u64>,
    /// Invoices; without it ten for each customer
    #[arg(long, value_name = "N")]
    invoices: Option<u64>,
    /// Items of these invoices; without it two for each invoice
    #[arg(long, value_name = "N")]
    items: Option<u64>,
    /// Tickets, each with three messages; without it one for five customers
    #[arg(long, value_name = "N")]
    tickets: Option<u64>,
    /// Another number makes other rows
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Day at whose beginning the invented rows end; without it today
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<NaiveDate>,
}

/// Consecutive keys of one table.
#[derive(Clone, Copy)]
struct Keys {
    first: i64,
    count: u64,
}

impl Keys {
    /// Key of the row with this position.
    fn at(self, position: u64) -> Id {
        Id(self.first + i64::try_from(position).unwrap_or(i64::MAX))
    }

    /// Key of any row.
    fn any(self, dice: &mut Dice) -> Id {
        Id(dice.between(self.first, self.at(self.count.saturating_sub(1)).0))
    }
}

/// What is to be made, and what all makers share.
struct Plan {
    customers: Keys,
    products: Keys,
    services: Keys,
    invoices: Keys,
    tickets: Keys,
    items: u64,
    seed: u64,
    now: DateTime<Utc>,
    progress: ProgressBar,
}

impl Plan {
    async fn new(db: &DatabaseConnection, arguments: &Arguments) -> Result<Self, Failure> {
        let invoices = arguments.invoices.unwrap_or(arguments.customers * 10);
        let today = || Utc::now().with_timezone(&entity::zone()).date_naive();
        let midnight = arguments.date.unwrap_or_else(today).and_time(NaiveTime::MIN);
        let customers = Keys {
            first: next_id::<customer::Entity>(db, customer::Column::Id).await?,
            count: arguments.customers,
        };
        let services = arguments.services.unwrap_or(customers.count * 5);
        let tickets = arguments.tickets.unwrap_or(customers.count / 5);
        let plan = Self {
            customers,
            products: Keys {
                first: next_id::<product::Entity>(db, product::Column::Id).await?,
                count: arguments.products,
            },
            services: Keys {
                first: next_id::<service::Entity>(db, service::Column::Id).await?,
                count: services,
            },
            invoices: Keys {
                first: next_id::<invoice::Entity>(db, invoice::Column::Id).await?,
                count: invoices,
            },
            tickets: Keys {
                first: next_id::<support_ticket::Entity>(db, support_ticket::Column::Id).await?,
                count: tickets,
            },
            items: arguments.items.unwrap_or(invoices * 2),
            // A second run on the same database must not repeat the first one's UUIDs.
            seed: arguments.seed.wrapping_add(customers.first.unsigned_abs() << 16),
            now: ShopTime::from_local(midnight).0,
            progress: ProgressBar::hidden(),
        };
        Ok(Self { progress: plan.bar()?, ..plan })
    }

    fn bar(&self) -> Result<ProgressBar, Failure> {
        let counts =
            [self.customers.count, self.products.count * 3, self.services.count, self.invoices.count];
        let rows = counts.iter().sum::<u64>() + self.items + self.tickets.count * 4;
        let style =
            ProgressStyle::with_template("{msg:10} {wide_bar} {human_pos} of {human_len} rows  {elapsed}")?;
        Ok(ProgressBar::new(rows).with_style(style))
    }

    /// Dice for one row of one kind.
    fn dice(&self, kind: u64, position: u64) -> Dice {
        Dice::new(self.seed, (kind << 40) | position)
    }

    /// A moment up to so many days ago.
    fn ago(&self, dice: &mut Dice, days: i64) -> ShopTime {
        ShopTime(self.now - TimeDelta::minutes(dice.between(0, days * 24 * 60)))
    }
}

/// Positions of a table, cut in chunks.
fn chunks(count: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..count.div_ceil(CHUNK)).map(move |chunk| chunk * CHUNK..((chunk + 1) * CHUNK).min(count))
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    let db = shop(config).await?;
    let plan = Plan::new(&db, arguments).await?;
    let begun = std::time::Instant::now();
    let staff = people::staff(&db, plan.now).await?;
    store::fill(&db, &plan).await?;
    people::fill(&db, &plan).await?;
    sales::services(&db, &plan).await?;
    sales::invoices(&db, &plan).await?;
    helpdesk::fill(&db, &plan, staff).await?;
    plan.progress.finish_and_clear();
    say(&format!("made {} rows in {:.1} s", plan.progress.position(), begun.elapsed().as_secs_f64()));
    Ok(())
}
