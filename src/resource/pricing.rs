//! Prices: one row holds all prices of one thing in one currency (spec: `application-store.md` 7).

use async_graphql::{InputObject, MaybeUndefined};
use entity::{Price, pricing};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::record;
use crate::record::Decimal;

record! {
    /// The prices of one thing in one currency. A price that is null is not offered; 0 is free.
    pub struct Pricing(pricing::Model);
    columns {
        /// Primary key of the thing.
        related_id,
        /// Kind of the thing: `product`, `service`, `coupon` and others.
        related_type,
        /// Currency, three letters.
        currency,
        /// Price for 7 days.
        weekly,
        /// Setup fee with it.
        setup_weekly,
        /// Price without renewal.
        onetime,
        /// Price for a month.
        monthly,
        /// Price for 3 months.
        quarterly,
        /// Price for 6 months.
        semiannually,
        /// Price for a year.
        annually,
        /// Price for 2 years.
        biennially,
        /// Price for 3 years.
        triennially,
        /// Setup fee without renewal.
        setup_onetime,
        /// Setup fee with monthly payment.
        setup_monthly,
        /// Setup fee with quarterly payment.
        setup_quarterly,
        /// Setup fee with payment every 6 months.
        setup_semiannually,
        /// Setup fee with yearly payment.
        setup_annually,
        /// Setup fee with payment every 2 years.
        setup_biennially,
        /// Setup fee with payment every 3 years.
        setup_triennially,
        /// When the row was deleted.
        deleted_at,
    }
}

/// Prices of things of one kind, in the order in which they were made.
pub fn prices_of(related_type: &str) -> Select<pricing::Entity> {
    pricing::Entity::find()
        .filter(pricing::Column::RelatedType.eq(related_type))
        .filter(pricing::Column::DeletedAt.is_null())
        .order_by_asc(pricing::Column::Id)
}

/// Price and setup fee for one billing period.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PeriodPrice {
    /// Price; null takes the period off the offer.
    pub price: MaybeUndefined<Decimal>,
    /// Setup fee.
    pub setup: MaybeUndefined<Decimal>,
}

/// Prices by billing period; periods that are left out stay as they are.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PeriodPrices {
    /// 7 days.
    pub weekly: Option<PeriodPrice>,
    /// Without renewal.
    pub onetime: Option<PeriodPrice>,
    /// A month.
    pub monthly: Option<PeriodPrice>,
    /// 3 months.
    pub quarterly: Option<PeriodPrice>,
    /// 6 months.
    pub semiannually: Option<PeriodPrice>,
    /// A year.
    pub annually: Option<PeriodPrice>,
    /// 2 years.
    pub biennially: Option<PeriodPrice>,
    /// 3 years.
    pub triennially: Option<PeriodPrice>,
}

impl PeriodPrices {
    /// Writes the given prices into a row.
    pub fn write(&self, row: &mut pricing::ActiveModel) {
        let put = |column: &mut ActiveValue<Option<Price>>, given: &MaybeUndefined<Decimal>| {
            crate::write::put_or_null(column, (*given).map_value(|price| Price(price.0)));
        };
        let put_double = |column: &mut ActiveValue<Option<f64>>, given: &MaybeUndefined<Decimal>| {
            crate::write::put_or_null(column, (*given).map_value(|price| price.0));
        };
        if let Some(given) = &self.weekly {
            put_double(&mut row.weekly, &given.price);
            put_double(&mut row.setup_weekly, &given.setup);
        }
        let periods = [
            (&self.onetime, &mut row.onetime, &mut row.setup_onetime),
            (&self.monthly, &mut row.monthly, &mut row.setup_monthly),
            (&self.quarterly, &mut row.quarterly, &mut row.setup_quarterly),
            (&self.semiannually, &mut row.semiannually, &mut row.setup_semiannually),
            (&self.annually, &mut row.annually, &mut row.setup_annually),
            (&self.biennially, &mut row.biennially, &mut row.setup_biennially),
            (&self.triennially, &mut row.triennially, &mut row.setup_triennially),
        ];
        for (given, price, setup) in periods {
            if let Some(given) = given {
                put(price, &given.price);
                put(setup, &given.setup);
            }
        }
    }
}
