//! Prices: one row holds all prices of one thing in one currency (spec: `application-store.md` 7).

use entity::pricing;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::record;

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
