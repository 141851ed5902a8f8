//! A large invented shop: how a resource declares its rows, and what makers work with.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::pin::Pin;

use chrono::{DateTime, TimeDelta, Utc};
use entity::value::{Id, ShopTime};
use sea_orm::{DatabaseConnection, DbErr, EntityTrait};

use super::dice::Dice;
use super::{Named, Work, batch};
use crate::platform::config::Secret;

/// Rows that are made before they are sent.
const CHUNK: u64 = 1_000;
/// A seeded shop has rows of this count: where its table is empty, this is the first run.
const FIRST_RUN_COUNT: &str = "customers";

/// What makes the rows of a resource in a seeded shop.
#[derive(Clone, Copy)]
pub struct Maker {
    /// Names of the makers that it runs after.
    pub after: &'static [&'static str],
    /// How many there are of what it makes.
    pub counts: &'static [Count],
    /// Number of its dice, which no other maker has; none where it throws none.
    pub dice: Option<u64>,
    /// Number of rows that it reports as progress ([`Plan::made`]), of all tables.
    pub rows: fn(&Plan) -> u64,
    /// Makes the rows.
    pub make: for<'a> fn(&'a DatabaseConnection, &'a Plan) -> Work<'a>,
}

impl Maker {
    /// Makes no rows.
    pub const NOTHING: Self = Self {
        after: &[],
        counts: &[],
        dice: None,
        rows: |_| 0,
        make: |_, _| Box::pin(std::future::ready(Ok(()))),
    };
}

/// How many there are of something.
pub struct Count {
    /// Its name, which is that of its option.
    pub name: &'static str,
    /// What `guichet seed --help` says of its option; none where it follows from other counts alone.
    pub help: Option<&'static str>,
    /// What the option accepts.
    pub range: RangeInclusive<u64>,
    /// How many there are without the option.
    pub default: fn(&Counts) -> u64,
    /// Reads the next free key of the table, where its keys are given by hand ([`keys_of`]).
    pub first: Option<FirstKey>,
}

/// Reads the next free key of a table.
pub type FirstKey = for<'a> fn(&'a DatabaseConnection) -> Reading<'a>;

/// A key being read.
pub type Reading<'a> = Pin<Box<dyn Future<Output = Result<i64, DbErr>> + Send + 'a>>;

/// Reads the next free key of that table.
pub fn keys_of<E: EntityTrait>(db: &DatabaseConnection) -> Reading<'_> {
    Box::pin(batch::next_id::<E>(db))
}

/// The counts that the options give. All other counts are computed from these.
#[derive(Default)]
pub struct Counts {
    /// Number by name.
    pub given: HashMap<&'static str, u64>,
}

impl Counts {
    /// How many there are.
    #[must_use]
    pub fn of(&self, count: &Count) -> u64 {
        self.given.get(count.name).copied().unwrap_or_else(|| (count.default)(self))
    }
}

/// Consecutive keys of one table.
#[derive(Clone, Copy)]
pub struct Keys {
    /// The first of them.
    pub first: i64,
    /// How many there are.
    pub count: u64,
}

impl Keys {
    /// Key of the row with this position.
    #[must_use]
    pub fn at(self, position: u64) -> Id {
        Id(self.first + i64::try_from(position).unwrap_or(i64::MAX))
    }

    /// Key of any row.
    pub fn any(self, dice: &mut Dice) -> Id {
        Id(dice.between(self.first, self.at(self.count.saturating_sub(1)).0))
    }
}

/// Receives the progress of a run.
pub trait Progress: Send + Sync {
    /// Rows of that kind are made next.
    fn begin(&self, kind: &'static str);
    /// This many more rows were made.
    fn made(&self, rows: u64);
}

/// What is asked for.
pub struct Options {
    /// How many there are of everything.
    pub counts: Counts,
    /// Another number makes other rows.
    pub seed: u64,
    /// The moment at which all rows end.
    pub now: DateTime<Utc>,
    /// The shop's key, `APP_KEY`.
    pub app_key: Secret,
}

/// What is to be made, and what all makers share.
pub struct Plan {
    counts: Counts,
    /// First key by the name of the count.
    firsts: HashMap<&'static str, i64>,
    seed: u64,
    /// The moment at which all rows end.
    pub now: DateTime<Utc>,
    /// The shop's key; empty where it has none.
    pub app_key: Secret,
    progress: Box<dyn Progress>,
}

impl Plan {
    /// Plans the rows of these makers behind those that the database has. The same options and database make the same
    /// rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(
        db: &DatabaseConnection,
        makers: &[Named<Maker>],
        options: Options,
        progress: impl Progress + 'static,
    ) -> Result<Self, DbErr> {
        let mut firsts = HashMap::new();
        for count in makers.iter().flat_map(|(_, maker)| maker.counts) {
            if let Some(first) = count.first {
                firsts.insert(count.name, first(db).await?);
            }
        }
        let Options { counts, seed, now, app_key } = options;
        // A second run on the same database must not repeat the first one's UUIDs.
        let begun = firsts.get(FIRST_RUN_COUNT).copied().unwrap_or(1);
        let seed = seed.wrapping_add(begun.unsigned_abs() << 16);
        Ok(Self { counts, firsts, seed, now, app_key, progress: Box::new(progress) })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self, count: &Count) -> u64 {
        self.counts.of(count)
    }

    /// The keys of the rows that are made.
    #[must_use]
    pub fn keys(&self, count: &Count) -> Keys {
        Keys { first: self.firsts.get(count.name).copied().unwrap_or(1), count: self.count(count) }
    }

    /// Dice for one row of a maker, by the number of the maker's dice ([`Maker::dice`]).
    #[must_use]
    pub fn dice(&self, number: u64, position: u64) -> Dice {
        Dice::new(self.seed, (number << 40) | position)
    }

    /// A moment at most this many days ago.
    pub fn ago(&self, dice: &mut Dice, days: i64) -> ShopTime {
        ShopTime(self.now - TimeDelta::minutes(dice.between(0, days * 24 * 60)))
    }

    /// Tells that rows of that kind are made next.
    pub fn begin(&self, kind: &'static str) {
        self.progress.begin(kind);
    }

    /// Reports that this many more rows were made.
    pub fn made(&self, rows: u64) {
        self.progress.made(rows);
    }
}

/// Positions of a table, cut in chunks.
pub fn chunks(count: u64) -> impl Iterator<Item = Range<u64>> {
    (0..count.div_ceil(CHUNK)).map(move |chunk| chunk * CHUNK..((chunk + 1) * CHUNK).min(count))
}
