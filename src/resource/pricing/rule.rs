//! Prices by billing period: `{"monthly": {"price": 9.99, "setup": 0}}`
//! (docs/contract/application-store.md#5.4, docs/contract/application-store.md#11.2).

use async_graphql::Value;
use async_graphql::async_trait::async_trait;
use async_graphql::indexmap::IndexMap;
use facade::form::rules::custom;
use facade::form::{CustomRule, Rule, Subject, value};
use facade::user_error::BrokenRule;

use super::CURRENCIES;
use crate::Result;

/// Billing periods, in the order of the columns.
const PERIODS: [&str; 8] =
    ["weekly", "onetime", "monthly", "quarterly", "semiannually", "annually", "biennially", "triennially"];
/// The member that names the currency of a product's prices.
const CURRENCY: &str = "currency";
/// The highest price that is accepted.
const MAX_PRICE: f64 = 999_999.99;

/// The value is an object of prices by billing period, each with its setup fee. A decimal comma becomes a point.
pub fn period_prices() -> Rule {
    custom(&PeriodPrices)
}

/// The prices of a product: in REST as [`period_prices`], in GraphQL such an object for each currency that it names.
pub fn product_prices() -> Rule {
    custom(&ProductPrices)
}

#[derive(Debug)]
struct PeriodPrices;

#[derive(Debug)]
struct ProductPrices;

#[async_trait]
impl CustomRule for ProductPrices {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        if subject.scope.rest {
            return Ok(broken(subject, subject.value));
        }
        let of_one = |given: &Value| match given {
            Value::Object(given) => {
                let mut periods = given.clone();
                let currency = periods.swap_remove(CURRENCY);
                wrong_currency(subject, currency.as_ref())
                    .or_else(|| broken(subject, &Value::Object(periods)))
            }
            given => broken(subject, given),
        };
        Ok(match subject.value {
            Value::List(list) => {
                let mut each = list.iter().enumerate();
                each.find_map(|(at, given)| Some(in_list(at, of_one(given)?)))
                    .or_else(|| Some(in_list(repeated_currency(list)?, repeated(subject))))
            }
            one => of_one(one),
        })
    }

    fn rewrite(&self, value: &mut Value, rest: bool) {
        match value {
            Value::List(list) if !rest => list.iter_mut().for_each(replace_decimal_commas),
            value => PeriodPrices.rewrite(value, rest),
        }
    }
}

/// A broken rule of an element of a list.
fn in_list(at: usize, mut broken: BrokenRule) -> BrokenRule {
    broken.path.insert(0, at.to_string());
    broken
}

/// The first element of a list that names the currency of one before it.
fn repeated_currency(list: &[Value]) -> Option<usize> {
    let code = |given: &Value| match given {
        Value::Object(given) => given.get(CURRENCY).and_then(value::text).map(|code| code.to_uppercase()),
        _ => None,
    };
    let codes: Vec<_> = list.iter().map(code).collect();
    codes.iter().enumerate().position(|(at, code)| codes[..at].contains(code))
}

fn repeated(subject: &Subject<'_>) -> BrokenRule {
    subject.broken("unique", &[]).at(&[CURRENCY])
}

/// The broken rule of a currency that prices cannot be written in.
fn wrong_currency(subject: &Subject<'_>, given: Option<&Value>) -> Option<BrokenRule> {
    let known = |code: &str| CURRENCIES.iter().any(|known| known.eq_ignore_ascii_case(code));
    let is_wrong = match given {
        None | Some(Value::Null) => false,
        Some(Value::String(code)) => !known(code),
        Some(Value::Enum(code)) => !known(code),
        Some(_) => true,
    };
    is_wrong.then(|| subject.broken("in", &[]).values(CURRENCIES).at(&[CURRENCY]))
}

#[async_trait]
impl CustomRule for PeriodPrices {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        Ok(broken(subject, subject.value))
    }

    fn rewrite(&self, value: &mut Value, _: bool) {
        ignore_list(value);
        replace_decimal_commas(value);
    }
}

fn broken(subject: &Subject<'_>, given: &Value) -> Option<BrokenRule> {
    let Value::Object(periods) = given else {
        return subject.fails_if("array", value::count(given) != Some(0));
    };
    periods.iter().find_map(|(period, entry)| {
        let period = period.as_str();
        let Value::Object(entry) = entry else { return Some(subject.broken("array", &[]).at(&[period])) };
        if !PERIODS.contains(&period) || entry.keys().any(|key| key != "price" && key != "setup") {
            return Some(subject.broken("in", &[]).at(&[period]));
        }
        let mut amounts = entry.iter();
        amounts.find_map(|(name, price)| Some(amount(subject, price)?.at(&[period, name])))
    })
}

fn amount(subject: &Subject<'_>, price: &Value) -> Option<BrokenRule> {
    if *price == Value::Null {
        return None;
    }
    match value::number(price) {
        None => Some(subject.broken("numeric", &[])),
        Some(price) if price < 0.0 => Some(subject.broken("min.numeric", &[("min", "0")]).min(0.0)),
        Some(price) if price > MAX_PRICE => {
            Some(subject.broken("max.numeric", &[("max", "999999.99")]).max(MAX_PRICE))
        }
        Some(_) => None,
    }
}

/// Ignores a list, as the original does: older documents have lists of price rows.
fn ignore_list(prices: &mut Value) {
    if let Value::List(_) = prices {
        *prices = Value::Object(IndexMap::new());
    }
}

fn replace_decimal_commas(prices: &mut Value) {
    let Value::Object(periods) = prices else { return };
    for entry in periods.values_mut() {
        let Value::Object(entry) = entry else { continue };
        for price in entry.values_mut() {
            if let Value::String(text) = price {
                *text = text.replace(',', ".");
            }
        }
    }
}
