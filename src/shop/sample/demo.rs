//! The demo shop: how a resource declares its rows, and what makers work with.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::value::{Id, ShopTime};
use sea_orm::DatabaseTransaction;

use super::Work;
use super::dice::Dice;
use crate::platform::config::Secret;

/// What makes the rows of a resource in the demo shop.
#[derive(Clone, Copy)]
pub struct Maker {
    /// Names of the makers that it runs after: those whose rows it needs, and those that throw the shared dice before it.
    pub after: &'static [&'static str],
    /// Makes the rows.
    pub make: for<'a> fn(&'a DatabaseTransaction, &'a mut DemoContext) -> Work<'a>,
}

impl Maker {
    /// Makes no rows.
    pub const NOTHING: Self = Self { after: &[], make: |_, _| Box::pin(std::future::ready(Ok(()))) };
}

/// The member of the staff who answers tickets.
pub const AGENT: Id = Id(2);

/// Customers with the lowest keys, who came first. Each has the service with their own key.
pub const OLDEST: i64 = 20;

/// What makers of the demo shop share: the time, random numbers, and data of other makers.
pub struct DemoContext {
    /// The moment at which the shop is made.
    pub now: DateTime<Utc>,
    /// When the shop was opened.
    pub opened: ShopTime,
    /// Random numbers that makers share. Each number that is drawn changes all later ones, so a new maker has [`Dice`] of its
    /// own.
    pub dice: Dice,
    /// The shop's key.
    pub app_key: Secret,
    kept: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl DemoContext {
    /// Begins a shop with this key at that moment. The same moment makes the same rows, but for what is encrypted.
    #[must_use]
    pub fn new(now: DateTime<Utc>, app_key: Secret) -> Self {
        let (opened, dice) = (ShopTime(now), Dice::new(2026, 0));
        let mut making = Self { now, opened, dice, app_key, kept: HashMap::new() };
        making.opened = making.ago(430);
        making
    }

    /// A moment this many days before the shop is made, at a likely hour of that day. It throws the shared dice.
    pub fn ago(&mut self, days: i64) -> ShopTime {
        let minutes = self.dice.between(1, 23 * 60);
        ShopTime(self.now - TimeDelta::days(days) - TimeDelta::minutes(minutes))
    }

    /// A moment this many days after the shop is made.
    #[must_use]
    pub fn ahead(&self, days: i64) -> ShopTime {
        ShopTime(self.now + TimeDelta::days(days))
    }

    /// What makers keep under this type for those after them; its default at first.
    pub fn kept<T: Any + Default + Send + Sync>(&mut self) -> &mut T {
        let kept = self.kept.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        kept.downcast_mut().expect("a value is kept under its own type")
    }
}
