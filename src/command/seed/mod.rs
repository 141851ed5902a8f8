//! `guichet seed`: a large invented shop. The same counts, seed and date make the same rows.

use std::time::Instant;

use chrono::{NaiveDate, NaiveTime, Utc};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};
use entity::customer;
use entity::value::ShopTime;
use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::{ConnectionTrait as _, DbBackend, EntityTrait as _, QuerySelect as _};

use super::{Failure, say, shop};
use crate::platform::config::Config;
use crate::resource;
use crate::shop::sample::Named;
use crate::shop::sample::order::ordered;
use crate::shop::sample::seed::{Count, Counts, Maker, Options, Plan, Progress};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    counts: Counts,
    /// Another number makes other rows
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Day at whose beginning the invented rows end; without it today
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<NaiveDate>,
    /// Add to the customers that are there: never in the database of a running shop
    #[arg(long)]
    add: bool,
}

/// All makers by name, in no particular order.
fn all() -> Vec<Named<Maker>> {
    resource::SEED.to_vec()
}

/// All makers in the order in which they run.
fn makers() -> Result<Vec<Maker>, Failure> {
    ordered(&all(), |maker| maker.after).map_err(Failure::of)
}

/// The counts that have an option, with its text in `--help`.
fn options() -> impl Iterator<Item = (&'static Count, &'static str)> {
    let counts = makers().unwrap_or_default().into_iter().flat_map(|maker| maker.counts);
    counts.filter_map(|count| Some((count, count.help?)))
}

impl Args for Counts {
    fn augment_args(command: Command) -> Command {
        options().fold(command, |command, (count, help)| {
            let accepted = value_parser!(u64).range(count.range.clone());
            let option = Arg::new(count.name).long(count.name).value_name("N").help(help);
            command.arg(option.value_parser(accepted))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Counts {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = options().filter_map(|(count, _)| Some((count.name, *matches.get_one(count.name)?)));
        Ok(Self { given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Progress for ProgressBar {
    fn begin(&self, kind: &'static str) {
        self.set_message(kind);
    }

    fn made(&self, rows: u64) {
        self.inc(rows);
    }
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<(), Failure> {
    let db = shop(config).await?;
    let Arguments { counts, seed, date, add } = arguments;
    if !add && customer::Entity::find().limit(1).one(&db).await?.is_some() {
        return Err(Failure::usage(
            "the shop has customers: `seed` invents rows for an empty one; add --add to add to them",
        ));
    }
    let today = || Utc::now().with_timezone(&entity::zone()).date_naive();
    let midnight = date.unwrap_or_else(today).and_time(NaiveTime::MIN);
    let options =
        Options { counts, seed, now: ShopTime::from_local(midnight).0, app_key: config.app_key.clone() };
    let style =
        ProgressStyle::with_template("{msg:10} {wide_bar} {human_pos} of {human_len} rows  {elapsed}")?;
    let bar = ProgressBar::new(0).with_style(style);
    let plan = Plan::new(&db, &all(), options, bar.clone()).await?;
    let makers = makers()?;
    bar.set_length(makers.iter().map(|maker| (maker.rows)(&plan)).sum());
    let begun = Instant::now();
    for maker in makers {
        (maker.make)(&db, &plan).await.map_err(Failure::of)?;
    }
    // Until PostgreSQL has counted so many new rows, it plans statements as for empty tables.
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared("ANALYZE").await.map_err(Failure::of)?;
    }
    bar.finish_and_clear();
    say(&format!("made {} rows in {:.1} s", bar.position(), begun.elapsed().as_secs_f64()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn makers_have_an_order_and_dice_of_their_own() {
        let makers = makers().unwrap();
        assert_eq!(makers.len(), all().len());
        let dice: Vec<u64> = makers.iter().filter_map(|maker| maker.dice).collect();
        assert_eq!(dice.iter().collect::<BTreeSet<_>>().len(), dice.len(), "{dice:?}");
    }

    #[test]
    fn a_count_follows_from_those_that_are_given() {
        let named = |name: &str| options().find(|(count, _)| count.name == name).unwrap().0;
        let counts = Counts { given: [("customers", 10)].into() };
        assert_eq!(["services", "items", "tickets"].map(|name| counts.of(named(name))), [50, 200, 2]);
    }
}
