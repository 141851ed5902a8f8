//! Value added tax: the rate of a customer, and amounts with and without tax (docs/contract/application-store.md#9.5).

use entity::{Id, customer, metadata};
use facade::engine::Settings as _;
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::Result;
use crate::shop::{Shop, settings};

/// Rate of all other countries, in percent.
const DEFAULT_RATE: i64 = 20;
/// Rates that differ from the default, in percent, by country code.
const RATES: &[(&str, i64)] = &[
    ("BE", 21),
    ("HR", 25),
    ("CY", 19),
    ("CZ", 21),
    ("DK", 25),
    ("DE", 19),
    ("GR", 24),
    ("FI", 24),
    ("HU", 27),
    ("IE", 23),
    ("IT", 22),
    ("LV", 21),
    ("LT", 21),
    ("LU", 17),
    ("MT", 18),
    ("NL", 21),
    ("PL", 23),
    ("PT", 23),
    ("RO", 19),
    ("SI", 22),
    ("ES", 21),
    ("SE", 25),
];

/// Whether the prices that the shop's staff enter include the tax.
///
/// # Errors
/// When the database fails.
pub async fn is_included(shop: &Shop) -> Result<bool> {
    Ok(shop.setting("store_mode_tax").await?.as_deref() == Some("tax_included"))
}

/// The rate for a customer in percent; for the staff, the default rate.
///
/// # Errors
/// When the database fails.
pub async fn rate(shop: &Shop, customer: Option<Id>) -> Result<Decimal> {
    if !settings::is_on(shop, "store_vat_enabled", true).await? {
        return Ok(Decimal::ZERO);
    }
    if let Some(fixed) = shop.config.fixed_vat_rate {
        return Ok(Decimal::try_from(fixed).unwrap_or_default());
    }
    match customer {
        None => Ok(DEFAULT_RATE.into()),
        Some(id) => rate_of_customer(shop, id).await,
    }
}

/// The rate that the staff has set for the customer, otherwise the rate of the customer's country.
async fn rate_of_customer(shop: &Shop, id: Id) -> Result<Decimal> {
    let notes = metadata::Entity::find()
        .filter(metadata::Column::ModelType.eq("App\\Models\\Account\\Customer"))
        .filter(metadata::Column::ModelId.eq(id))
        .filter(metadata::Column::Key.is_in(["vat_percent", "vat_disabled"]))
        .all(&shop.reader)
        .await?;
    let note = |key: &str| {
        let mut values = notes.iter().filter(|note| note.key == key).filter_map(|note| note.value.as_deref());
        values.rfind(|value| !matches!(*value, "" | "0"))
    };
    if let Some(percent) = note("vat_percent").and_then(|text| text.parse().ok()) {
        return Ok(percent);
    }
    if note("vat_disabled").is_some() {
        return Ok(Decimal::ZERO);
    }
    let country = customer::Entity::find_by_id(id)
        .select_only()
        .column(customer::Column::Country)
        .into_tuple::<String>()
        .one(&shop.reader)
        .await?;
    Ok(rate_of_country(country.as_deref().unwrap_or_default()).into())
}

fn rate_of_country(code: &str) -> i64 {
    RATES.iter().find(|(known, _)| code.eq_ignore_ascii_case(known)).map_or(DEFAULT_RATE, |&(_, rate)| rate)
}

/// The net amount for a gross amount, rounded to cents.
pub fn without(amount: Decimal, rate: Decimal) -> Decimal {
    cents(amount / (Decimal::ONE + rate / Decimal::ONE_HUNDRED))
}

/// The gross amount for a net amount, rounded to cents.
pub fn with(amount: Decimal, rate: Decimal) -> Decimal {
    cents(amount * (Decimal::ONE + rate / Decimal::ONE_HUNDRED))
}

/// An amount rounded to cents, halves away from zero.
pub fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_have_their_rates() {
        assert_eq!([rate_of_country("FR"), rate_of_country("lu"), rate_of_country("US")], [20, 17, 20]);
    }

    #[test]
    fn tax_is_taken_off_once_and_rounded() {
        let amount: Decimal = "5.99".parse().unwrap();
        assert_eq!(without(amount, Decimal::from(20)).to_string(), "4.99");
        assert_eq!(without(amount, Decimal::ZERO).to_string(), "5.99");
        assert_eq!(with("7.99".parse().unwrap(), Decimal::from(20)).to_string(), "9.59");
        assert_eq!(cents("1.005".parse().unwrap()).to_string(), "1.01");
    }
}
