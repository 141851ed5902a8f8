//! Money: an amount with its currency ([`Money`]), and one with its tax ([`TaxedMoney`]).
//!
//! GraphQL shows an object, REST the bare decimal: the public schema has the type `Money` where the internal one has
//! `Decimal`. In a record, the object is a part of the row, read and written with it, and costs no points.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaType, MetaTypeId, ObjectBuilder, Registry};
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};
use rust_decimal::{Decimal as Exact, RoundingStrategy};

use super::cell::Cell;
use super::currency::{Currency, digits_of};
use super::leaf::{Decimal, price_value};
use super::plan::{MergedField, PositionedSet, json_key, merge_fields};
use super::rendering::Rendering;
use crate::engine::Texts;
use crate::execution::Execution;
use crate::json::write_str;
use crate::rest_only;
use crate::scope::RequestScope;

/// Tag of types whose objects are values: in a record, they cost no points.
const VALUE_TAG: &str = "value";

/// Whether objects of the type are values, which cost no points in a record.
pub(crate) fn is_value(ty: &MetaType) -> bool {
    matches!(ty, MetaType::Object { tags, .. } if tags.iter().any(|tag| tag == VALUE_TAG))
}

/// An amount of money: `{ amount currency formatted }` in GraphQL, a number in REST.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    amount: f64,
    currency: Currency,
}

impl Money {
    pub(super) const NAME: &str = "Money";

    /// An amount in a currency. GraphQL shows it with as many decimals as the currency has.
    pub fn new(amount: f64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// As [`Self::new`], of an amount that was computed.
    pub fn exact(amount: Exact, currency: Currency) -> Self {
        Self::new(amount.try_into().unwrap_or_default(), currency)
    }

    /// Registers the type and returns its name: that of objects for clients of GraphQL, that of decimals for REST.
    pub(crate) fn register(registry: &mut Registry) -> String {
        if !rest_only::is_public() {
            return <Decimal as OutputType>::create_type_info(registry);
        }
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let (decimal, currency, text) = (
                <Decimal as OutputType>::create_type_info(registry),
                <Currency as OutputType>::create_type_info(registry),
                String::create_type_info(registry),
            );
            value_type(
                Self::NAME,
                "An amount of money.",
                [
                    ("amount", decimal, "The amount, with as many decimals as the currency has: `49.00`, `4900` yen."),
                    ("currency", currency, "Its currency."),
                    (
                        "formatted",
                        text,
                        "The amount as the language of the answer writes it: `1 234,50 €` in French, `€1,234.50` in English. Spaces in \
                         it do not break.",
                    ),
                ],
            )
        })
    }
}

/// A type of values with these fields: name, type and description of each.
fn value_type<const N: usize>(name: &str, doc: &str, fields: [(&str, String, &str); N]) -> MetaType {
    let fields: IndexMap<String, MetaField> = fields
        .into_iter()
        .map(|(name, ty, doc)| {
            let mut field = MetaField::new(name, ty);
            field.description = Some(doc.to_owned());
            (name.to_owned(), field)
        })
        .collect();
    let builder = ObjectBuilder::new(name, fields).description(Some(doc.to_owned()));
    builder.tags(vec![VALUE_TAG.to_owned()]).build()
}

impl OutputType for Money {
    fn type_name() -> Cow<'static, str> {
        if rest_only::is_public() { Self::NAME.into() } else { <Decimal as OutputType>::type_name() }
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let api = Execution::of(ctx).api;
        if api.is_rest() {
            return Ok(price_value(self.amount, api));
        }
        let selection = MoneySelection::of(ctx, &[ctx.item])?;
        Ok(selection.value(self.amount, self.currency.as_str(), RequestScope::from(ctx).texts()))
    }
}

/// An amount without tax, its tax, and both together: a computed value of a record, or a part of one. GraphQL alone has it. It is
/// written as JSON, so the executor, which merges fields elsewhere, must meet each key once.
#[derive(Clone, Debug, PartialEq)]
pub struct TaxedMoney {
    net: f64,
    gross: f64,
    currency: Currency,
}

impl TaxedMoney {
    pub(crate) const NAME: &str = "TaxedMoney";

    /// An amount without and with its tax. The tax is what lies between both as they are shown.
    pub fn new(net: f64, gross: f64, currency: Currency) -> Self {
        Self { net, gross, currency }
    }

    /// As [`Self::new`], of amounts that were computed.
    pub fn exact(net: Exact, gross: Exact, currency: Currency) -> Self {
        let number = |amount: Exact| amount.try_into().unwrap_or_default();
        Self::new(number(net), number(gross), currency)
    }

    fn part(&self, name: &str) -> Option<f64> {
        match name {
            "net" => Some(self.net),
            "tax" => Some(self.tax()),
            "gross" => Some(self.gross),
            _ => None,
        }
    }

    fn tax(&self) -> f64 {
        let shown = |amount| amount_text(amount, self.currency.digits()).parse::<Exact>().ok();
        let tax = shown(self.gross).zip(shown(self.net)).map(|(gross, net)| gross - net);
        tax.and_then(|tax| tax.try_into().ok()).unwrap_or(self.gross - self.net)
    }

    fn write(
        &self,
        (key, merged): (&Name, MergedField<'_>),
        ctx: &ContextSelectionSet<'_>,
        out: &mut Vec<u8>,
    ) -> ServerResult<()> {
        out.extend_from_slice(&json_key(key));
        let Some(amount) = self.part(&merged.field.node.name.node) else {
            write_str(Self::NAME, out);
            return Ok(());
        };
        let selection = MoneySelection::of(ctx, &merged.sets)?;
        selection.write(amount, self.currency.as_str(), RequestScope::from(ctx).texts(), out);
        Ok(())
    }
}

impl OutputType for TaxedMoney {
    fn type_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let mut part = || Money::register(registry);
            value_type(
                Self::NAME,
                "An amount of money with its tax.",
                [
                    ("net", part(), "Without the tax."),
                    ("tax", part(), "The tax: what `gross` is more than `net`."),
                    ("gross", part(), "With the tax: what is paid."),
                ],
            )
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let mut out = Vec::new();
        for field in merge_fields(ctx, &[ctx.item], &|on| on == Self::NAME)? {
            self.write(field, ctx, &mut out)?;
        }
        close_object(0, &mut out);
        Ok(Value::Binary(out.into()))
    }
}

/// Makes an object of members that were written from `start` on, each behind a comma.
fn close_object(start: usize, out: &mut Vec<u8>) {
    match out.get_mut(start) {
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

/// What is selected of an amount of money: the key of each member, also as JSON, and what it shows.
pub(crate) struct MoneySelection(Vec<(Name, Box<[u8]>, Part)>);

#[derive(Clone, Copy)]
enum Part {
    Amount,
    Currency,
    Formatted,
    TypeName,
}

impl Part {
    fn text<'t>(self, amount: &'t str, currency: &'t str, texts: &dyn Texts) -> Cow<'t, str> {
        match self {
            Self::Amount => amount.into(),
            Self::Currency => currency.into(),
            Self::Formatted => texts.money(amount, currency).into(),
            Self::TypeName => Money::NAME.into(),
        }
    }
}

impl MoneySelection {
    /// The merged selection of these sets.
    ///
    /// # Errors
    /// When the document spreads a fragment that it does not define.
    pub(super) fn of<'a>(ctx: &ContextSelectionSet<'a>, sets: &[&'a PositionedSet]) -> ServerResult<Self> {
        let fields = merge_fields(ctx, sets, &|on| on == Money::NAME)?;
        let parts = fields.into_iter().map(|(key, merged)| {
            let part = match merged.field.node.name.node.as_str() {
                "amount" => Part::Amount,
                "currency" => Part::Currency,
                "formatted" => Part::Formatted,
                _ => Part::TypeName,
            };
            (key.clone(), json_key(key), part)
        });
        Ok(Self(parts.collect()))
    }

    /// An amount in the currency of this code as a value, which async-graphql merges with others of its key. Infinity and NaN are null.
    fn value(&self, amount: f64, currency: &str, texts: &dyn Texts) -> Value {
        if !amount.is_finite() {
            return Value::Null;
        }
        let amount = amount_text(amount, digits_of(currency));
        let member = |part: Part| part.text(&amount, currency, texts).into_owned();
        Value::Object(
            self.0.iter().map(|(key, _, part)| (key.clone(), Value::String(member(*part)))).collect(),
        )
    }

    /// Writes an amount in the currency of this code. Infinity and NaN are null.
    pub(super) fn write(&self, amount: f64, currency: &str, texts: &dyn Texts, out: &mut Vec<u8>) {
        if !amount.is_finite() {
            return out.extend_from_slice(b"null");
        }
        let (amount, start) = (amount_text(amount, digits_of(currency)), out.len());
        for (_, key, part) in &self.0 {
            out.extend_from_slice(key);
            write_str(&part.text(&amount, currency, texts), out);
        }
        close_object(start, out);
    }
}

/// A column that holds amounts of money.
#[derive(Clone, Copy)]
pub struct MoneyColumn {
    /// How REST writes its cells.
    pub rendering: Rendering,
    /// The amount in a cell.
    pub amount: fn(Cell<'_>) -> Option<f64>,
    /// The currency of the amounts.
    pub currency: RowCurrency,
}

/// Where the currency of the amounts in a row is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowCurrency {
    /// By a column of the row, by its index.
    Column(usize),
    /// Nowhere in the row: the amounts are in the host's own currency.
    Host,
}

/// A type of columns that may hold amounts of money.
pub trait AmountCell {
    /// The amount in a cell; nothing if it is null.
    fn amount(cell: Cell<'_>) -> Option<f64>;
}

impl MoneyColumn {
    /// Writes the amount in a cell as an object.
    pub(super) fn write(
        &self,
        cell: Cell<'_>,
        currency: &str,
        selection: &MoneySelection,
        texts: &dyn Texts,
        out: &mut Vec<u8>,
    ) {
        match (self.amount)(cell) {
            Some(amount) => selection.write(amount, currency, texts, out),
            None => out.extend_from_slice(b"null"),
        }
    }

    /// Registers the type of the field and returns its name.
    pub(super) fn ty(&self, registry: &mut Registry) -> String {
        let name = Money::register(registry);
        if self.rendering.nullable { name.trim_end_matches('!').to_owned() } else { name }
    }
}

/// The number of significant digits that the original uses when it rounds a float.
const SIGNIFICANT: u32 = 14;

/// An amount with this many decimals. Its decimal text is rounded half up: `7.555` is `7.56`, though the float is a
/// little less (docs/contract/wire.md#6).
pub(super) fn amount_text(amount: f64, digits: u32) -> String {
    if let Some(units) = whole_units(amount, digits) {
        return units_text(units, digits);
    }
    let exact = Exact::from_f64_retain(amount);
    match exact
        .and_then(|exact| exact.round_sf_with_strategy(SIGNIFICANT, RoundingStrategy::MidpointAwayFromZero))
    {
        Some(exact) => format!("{:.*}", digits as usize, rounded(exact, digits)),
        None => format!("{amount:.*}", digits as usize),
    }
}

/// An amount rounded to this many decimals, halves away from zero.
pub fn rounded(amount: Exact, digits: u32) -> Exact {
    amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}

/// An amount in units of its last decimal, if it is a whole number of them, as nearly all are.
fn whole_units(amount: f64, digits: u32) -> Option<i64> {
    let scale = f64::from(10_u32.pow(digits));
    let units = (amount * scale).round();
    #[expect(clippy::cast_possible_truncation, reason = "a whole number well inside the range")]
    (units / scale == amount && units.abs() < 1e15).then_some(units as i64)
}

fn units_text(units: i64, digits: u32) -> String {
    let (scale, digits) = (10_u64.pow(digits), digits as usize);
    let mut text = String::with_capacity(16);
    if units < 0 {
        text.push('-');
    }
    let units = units.unsigned_abs();
    text.push_str(itoa::Buffer::new().format(units / scale));
    if digits > 0 {
        text.push('.');
        let mut buffer = itoa::Buffer::new();
        let fraction = buffer.format(units % scale);
        text.extend(std::iter::repeat_n('0', digits - fraction.len()));
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let shown = |amount, currency| amount_text(amount, Currency::stored(currency).digits());
        assert_eq!(shown(49.0, "EUR"), "49.00");
        assert_eq!(shown(58.8, "EUR"), "58.80");
        assert_eq!(shown(49.0, "JPY"), "49");
        assert_eq!(shown(49.5, "JPY"), "50");
        assert_eq!(shown(49.0, "KWD"), "49.000");
        assert_eq!(shown(-0.0451, "KWD"), "-0.045");
        assert_eq!(shown(1.5, "CLF"), "1.5000");
        assert_eq!(shown(-12.345, "nonsense"), "-12.35");
        assert_eq!(shown(1e30, "EUR"), format!("{:.2}", 1e30));
    }

    #[test]
    fn the_tax_lies_exactly_between_net_and_gross() {
        let tax = |net, gross, currency| TaxedMoney::new(net, gross, Currency::stored(currency)).tax();
        assert_eq!(tax(8.325, 9.994, "EUR"), 1.66);
        assert_eq!(tax(909.09, 1000.0, "jpy"), 91.0);
        assert_eq!(tax(0.1, 0.3, "KWD"), 0.2);
        assert_eq!(tax(1e14, 3e14, "EUR"), 2e14);
    }
}
