//! Value added tax: the rate of a customer, and amounts with and without tax (docs/contract/application-store.md#9.5).

use std::collections::HashMap;

use entity::{Id, customer, metadata};
use facade::engine::Settings as _;
use facade::record::{Currency, MAX_KEYS, TaxedMoney, rounded};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::Result;
use crate::shop::{Shop, settings};

/// Rate of all other countries, in percent.
const DEFAULT_RATE: Decimal = Decimal::from_parts(20, 0, 0, false, 0);
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

/// Who pays: what the rate depends on.
#[derive(Clone, Copy, Debug)]
pub enum Buyer<'a> {
    /// Somebody in the country of this code.
    Country(&'a str),
    /// A customer: by the rate that the staff has set, otherwise by the country.
    Customer(Id),
    /// Nobody in particular, as where the staff looks.
    Anybody,
}

impl From<Option<Id>> for Buyer<'_> {
    fn from(customer: Option<Id>) -> Self {
        customer.map_or(Self::Anybody, Self::Customer)
    }
}

/// How tax is put on the prices that the shop's staff enter, for one buyer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tax {
    /// Whether entered prices hold the tax.
    pub is_included: bool,
    /// In percent.
    pub rate: Decimal,
}

impl Tax {
    /// The tax for a buyer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(shop: &Shop, buyer: Buyer<'_>) -> Result<Self> {
        let rate = match (fixed_rate(shop).await?, buyer) {
            (Some(fixed), _) => fixed,
            (None, Buyer::Country(code)) => rate_of_country(code),
            (None, Buyer::Customer(id)) => *rates(shop, &[id]).await?.get(&id).unwrap_or(&DEFAULT_RATE),
            (None, Buyer::Anybody) => DEFAULT_RATE,
        };
        Ok(Self { is_included: is_included(shop).await?, rate })
    }

    /// The tax for each of these customers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_customers(shop: &Shop, customers: &[Id]) -> Result<HashMap<Id, Self>> {
        let is_included = is_included(shop).await?;
        let rates = match fixed_rate(shop).await? {
            Some(fixed) => customers.iter().map(|id| (*id, fixed)).collect(),
            None => rates(shop, customers).await?,
        };
        Ok(rates.into_iter().map(|(id, rate)| (id, Self { is_included, rate })).collect())
    }

    /// The amounts without and with tax of an entered one, rounded to this many decimals.
    pub fn net_and_gross(self, entered: Decimal, decimals: u32) -> (Decimal, Decimal) {
        let factor = Decimal::ONE + self.rate / Decimal::ONE_HUNDRED;
        let entered_rounded = rounded(entered, decimals);
        if self.is_included {
            let net = entered.checked_div(factor).unwrap_or(entered);
            (rounded(net, decimals), entered_rounded)
        } else {
            (entered_rounded, rounded(entered_rounded.saturating_mul(factor), decimals))
        }
    }

    /// An entered amount with its tax.
    pub fn on(self, entered: Decimal, currency: &Currency) -> TaxedMoney {
        let (net, gross) = self.net_and_gross(entered, currency.digits());
        TaxedMoney::exact(net, gross, currency.clone())
    }
}

/// The rate of all buyers, where the shop has one: none without VAT, or the operator's.
async fn fixed_rate(shop: &Shop) -> Result<Option<Decimal>> {
    if !settings::is_on(shop, "store_vat_enabled", true).await? {
        return Ok(Some(Decimal::ZERO));
    }
    Ok(shop.config.fixed_vat_rate.map(|fixed| Decimal::try_from(fixed).unwrap_or_default()))
}

/// The rate of each customer: that which the staff has set, otherwise that of the country. Two statements.
async fn rates(shop: &Shop, customers: &[Id]) -> Result<HashMap<Id, Decimal>> {
    let mut notes: HashMap<Id, Vec<metadata::Model>> = HashMap::new();
    let mut rates = HashMap::new();
    for keys in customers.chunks(MAX_KEYS) {
        let found = metadata::Entity::find()
            .filter(metadata::Column::ModelType.eq("App\\Models\\Account\\Customer"))
            .filter(metadata::Column::ModelId.is_in(keys.iter().copied()))
            .filter(metadata::Column::Key.is_in(["vat_percent", "vat_disabled"]))
            .order_by_asc(metadata::Column::Id);
        for note in found.all(&shop.reader).await? {
            notes.entry(note.model_id).or_default().push(note);
        }
        let countries = customer::Entity::find()
            .select_only()
            .columns([customer::Column::Id, customer::Column::Country])
            .filter(customer::Column::Id.is_in(keys.iter().copied()));
        let countries: Vec<(Id, String)> = countries.into_tuple().all(&shop.reader).await?;
        rates.extend(countries.into_iter().map(|(id, country)| {
            let noted = notes.get(&id).and_then(|notes| noted_rate(notes));
            (id, noted.unwrap_or_else(|| rate_of_country(&country)))
        }));
    }
    Ok(rates)
}

/// The rate that the staff has set for a customer.
fn noted_rate(notes: &[metadata::Model]) -> Option<Decimal> {
    let note = |key: &str| {
        let mut values = notes.iter().filter(|note| note.key == key).filter_map(|note| note.value.as_deref());
        values.rfind(|value| !matches!(*value, "" | "0"))
    };
    let percent = note("vat_percent").and_then(|text| text.parse().ok());
    percent.or_else(|| note("vat_disabled").map(|_| Decimal::ZERO))
}

fn rate_of_country(code: &str) -> Decimal {
    let known = RATES.iter().find(|(known, _)| code.eq_ignore_ascii_case(known));
    known.map_or(DEFAULT_RATE, |&(_, rate)| rate.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_have_their_rates() {
        let rates = ["FR", "lu", "US"].map(rate_of_country);
        assert_eq!(rates, [20, 17, 20].map(Decimal::from));
    }

    #[test]
    fn tax_is_taken_off_or_put_on_once_and_rounded() {
        let shown = |is_included, rate, entered: &str, decimals| {
            let tax = Tax { is_included, rate: Decimal::from(rate) };
            let (net, gross) = tax.net_and_gross(entered.parse().unwrap(), decimals);
            format!("{net} {gross}")
        };
        assert_eq!(shown(true, 20, "5.99", 2), "4.99 5.99");
        assert_eq!(shown(true, 0, "5.99", 2), "5.99 5.99");
        assert_eq!(shown(false, 20, "7.99", 2), "7.99 9.59");
        assert_eq!(shown(false, 20, "1.005", 2), "1.01 1.21");
        assert_eq!(shown(true, 10, "1000", 0), "909 1000");
        assert_eq!(shown(true, -100, "5.99", 2), "5.99 5.99");
    }
}
