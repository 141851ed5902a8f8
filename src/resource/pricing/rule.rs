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
use crate::shop::settings;

/// Billing periods, in the order of the columns.
const PERIODS: [&str; 8] =
    ["weekly", "onetime", "monthly", "quarterly", "semiannually", "annually", "biennially", "triennially"];
/// The member that names the currency of a product's prices.
const CURRENCY: &str = "currency";
/// The most decimals of a price in GraphQL: those of all currencies in which prices can be written.
const MAX_DECIMALS: usize = 2;
/// The highest price that is accepted.
pub(super) const MAX_PRICE: f64 = 999_999.99;

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
        Ok(self.broken_parts(subject).await?.into_iter().next())
    }

    async fn broken_parts(&self, subject: &Subject<'_>) -> Result<Vec<BrokenRule>> {
        let given = subject.value;
        Ok(match given {
            _ if subject.scope.rest => broken_periods(subject, given),
            Value::Null => Vec::new(),
            Value::List(list) => {
                broken_elements(subject, list, &settings::currency(subject.scope.settings).await?)
            }
            one => broken_element(subject, one),
        })
    }

    fn rewrite(&self, value: &mut Value, rest: bool) {
        // In GraphQL a list has the prices in several currencies.
        if rest {
            PeriodPrices.rewrite(value, rest);
        }
    }
}

/// What is wrong in a list of prices in some currencies; each currency comes once.
fn broken_elements(subject: &Subject<'_>, list: &[Value], own: &str) -> Vec<BrokenRule> {
    let max = CURRENCIES.len();
    if list.len() > max {
        return vec![subject.broken("max.array", &[("max", &max.to_string())]).max(max as f64)];
    }
    let each = list.iter().enumerate().flat_map(|(at, given)| {
        let repeated =
            is_repeated(list, at, own).then(|| subject.broken_part("unique", &[], &[CURRENCY], CURRENCY));
        let broken = broken_element(subject, given).into_iter().chain(repeated);
        broken.map(move |broken| in_list(at, broken))
    });
    each.collect()
}

/// What is wrong in the prices in one currency, and in its name.
fn broken_element(subject: &Subject<'_>, given: &Value) -> Vec<BrokenRule> {
    let Value::Object(given) = given else { return vec![subject.broken("array", &[])] };
    let mut periods = given.clone();
    let currency = periods.shift_remove(CURRENCY);
    let mut broken: Vec<_> = wrong_currency(subject, currency.as_ref()).into_iter().collect();
    broken.extend(broken_periods(subject, &Value::Object(periods)));
    broken
}

/// A broken rule of an element of a list.
fn in_list(at: usize, mut broken: BrokenRule) -> BrokenRule {
    broken.path.insert(0, at.to_string());
    broken
}

/// Whether an element of a list names the currency of one before it. Without a name it is the shop's own.
fn is_repeated(list: &[Value], at: usize, own: &str) -> bool {
    let code = |given: &Value| {
        let named =
            if let Value::Object(given) = given { given.get(CURRENCY).and_then(value::text) } else { None };
        named.as_deref().unwrap_or(own).to_uppercase()
    };
    let named = code(&list[at]);
    list[..at].iter().any(|before| code(before) == named)
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
    is_wrong.then(|| subject.broken_part("in", &[], &[CURRENCY], CURRENCY).values(CURRENCIES))
}

#[async_trait]
impl CustomRule for PeriodPrices {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        Ok(self.broken_parts(subject).await?.into_iter().next())
    }

    async fn broken_parts(&self, subject: &Subject<'_>) -> Result<Vec<BrokenRule>> {
        Ok(broken_periods(subject, subject.value))
    }

    fn rewrite(&self, value: &mut Value, rest: bool) {
        ignore_list(value);
        if rest {
            replace_decimal_commas(value);
        }
    }
}

/// What is wrong in prices by billing period.
fn broken_periods(subject: &Subject<'_>, given: &Value) -> Vec<BrokenRule> {
    let Value::Object(periods) = given else {
        return subject.fails_if("array", value::count(given) != Some(0)).into_iter().collect();
    };
    periods.iter().flat_map(|(period, entry)| broken_period(subject, period, entry)).collect()
}

/// What is wrong in the price and the fee of one billing period.
fn broken_period(subject: &Subject<'_>, period: &str, entry: &Value) -> Vec<BrokenRule> {
    let Value::Object(entry) = entry else { return vec![subject.broken("array", &[]).at(&[period])] };
    if !PERIODS.contains(&period) || entry.keys().any(|key| key != "price" && key != "setup") {
        return vec![subject.broken("in", &[]).at(&[period])];
    }
    let broken = entry.iter().filter_map(|(name, price)| {
        let column = if name == "setup" { format!("setup_{period}") } else { period.to_owned() };
        wrong_amount(subject, price, &[period, name], &column)
    });
    broken.collect()
}

/// What is wrong in a price or fee. `column` names it in messages.
fn wrong_amount(subject: &Subject<'_>, price: &Value, path: &[&str], column: &str) -> Option<BrokenRule> {
    if *price == Value::Null {
        return None;
    }
    let broken = |rule, values: &[(&str, &str)]| subject.broken_part(rule, values, path, column);
    match subject.scope.number(price) {
        None => Some(broken("numeric", &[])),
        Some(price) if price < 0.0 => Some(broken("min.numeric", &[("min", "0")]).min(0.0)),
        Some(price) if price > MAX_PRICE => {
            Some(broken("max.numeric", &[("max", "999999.99")]).max(MAX_PRICE))
        }
        Some(_) if !subject.scope.rest && value::decimals(price) > MAX_DECIMALS => {
            Some(broken("decimal", &[("decimal", &MAX_DECIMALS.to_string())]).max(MAX_DECIMALS as f64))
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
