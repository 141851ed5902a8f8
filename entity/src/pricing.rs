//! Prices of a product, or of something else that is sold, in one currency.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Price, ShopTime};

/// A row of `pricings`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pricings")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Key of what is sold.
    pub related_id: Id,
    /// What is sold: `product`, `service`, `coupon`, `config_option` and the like.
    pub related_type: String,
    /// Three-letter currency code.
    pub currency: String,
    /// Price for a week; null if it is not offered.
    pub weekly: Option<f64>,
    /// Fee on top of the first `weekly` price.
    pub setup_weekly: Option<f64>,
    /// Price for a single payment; null if it is not offered.
    pub onetime: Option<Price>,
    /// Price for a month; null if it is not offered.
    pub monthly: Option<Price>,
    /// Price for three months; null if it is not offered.
    pub quarterly: Option<Price>,
    /// Price for six months; null if it is not offered.
    pub semiannually: Option<Price>,
    /// Price for a year; null if it is not offered.
    pub annually: Option<Price>,
    /// Price for two years; null if it is not offered.
    pub biennially: Option<Price>,
    /// Price for three years; null if it is not offered.
    pub triennially: Option<Price>,
    /// Fee on top of the first `onetime` price.
    pub setup_onetime: Option<Price>,
    /// Fee on top of the first `monthly` price.
    pub setup_monthly: Option<Price>,
    /// Fee on top of the first `quarterly` price.
    pub setup_quarterly: Option<Price>,
    /// Fee on top of the first `semiannually` price.
    pub setup_semiannually: Option<Price>,
    /// Fee on top of the first `annually` price.
    pub setup_annually: Option<Price>,
    /// Fee on top of the first `biennially` price.
    pub setup_biennially: Option<Price>,
    /// Fee on top of the first `triennially` price.
    pub setup_triennially: Option<Price>,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
