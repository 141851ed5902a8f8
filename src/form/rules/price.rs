//! Prices by billing period: `{"monthly": {"price": 9.99, "setup": 0}}`
//! (spec: `application-store.md` 5.4, 11.2).

use async_graphql::Value;

use crate::form::check::Subject;
use crate::form::value;

/// Billing periods, in the order of the columns.
pub(crate) const PERIODS: [&str; 8] =
    ["weekly", "onetime", "monthly", "quarterly", "semiannually", "annually", "biennially", "triennially"];
/// The largest price that a row takes.
const MAX_PRICE: f64 = 999_999.99;

pub(super) fn period_prices(subject: &Subject<'_>) -> Option<String> {
    let Value::Object(periods) = subject.value else {
        return subject.fails_if("array", value::count(subject.value) != Some(0));
    };
    periods.iter().find_map(|(period, entry)| {
        let Value::Object(entry) = entry else { return Some(subject.say("array", &[])) };
        if !PERIODS.contains(&period.as_str()) || entry.keys().any(|key| key != "price" && key != "setup") {
            return Some(subject.say("in", &[]));
        }
        entry.values().find_map(|price| amount(subject, price))
    })
}

fn amount(subject: &Subject<'_>, price: &Value) -> Option<String> {
    if *price == Value::Null {
        return None;
    }
    match value::number(price) {
        None => Some(subject.say("numeric", &[])),
        Some(price) if price < 0.0 => Some(subject.say("min.numeric", &[("min", "0")])),
        Some(price) if price > MAX_PRICE => Some(subject.say("max.numeric", &[("max", "999999.99")])),
        Some(_) => None,
    }
}
