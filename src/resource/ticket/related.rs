//! What a ticket is about: a service or an invoice. REST names both kind and key in one text, `service-12`
//! (docs/contract/application-operations.md#5.2).

use std::borrow::Cow;

use async_graphql::async_trait::async_trait;
use async_graphql::registry::Registry;
use async_graphql::{ID, InputType, InputValueError, InputValueResult, Value};
use entity::{Id, invoice, service, support_ticket};
use facade::engine::Host;
use facade::form::rules::{TEXT_KEY, custom};
use facade::form::{CustomRule, Rule, Subject};
use facade::record::{KeyOf, View};
use facade::user_error::{BrokenRule, NOT_FOUND};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{ColumnTrait, DbErr, QueryFilter, QueryTrait};

use super::TicketTopic;
use crate::Result;
use crate::resource::invoice::{Invoice, live_invoices};
use crate::resource::service::{Service, live_services};

/// The key of a service or an invoice: `service-12`, a global identifier, or digits whose kind another field names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RelatedKey {
    topic: Option<TicketTopic>,
    id: Id,
}

impl RelatedKey {
    /// Kind and key, where the kind is known: by itself, or as the other field says.
    pub(super) fn known(self, named: Option<TicketTopic>) -> Option<(TicketTopic, Id)> {
        Some((self.topic.or(named)?, self.id))
    }
}

impl InputType for RelatedKey {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let key = match &value {
            Value::String(text) => spelled(text),
            Value::Number(number) => number.as_i64().filter(|key| *key >= 0).map(|key| (None, Id(key))),
            _ => None,
        };
        let key = key.or_else(|| Some((Some(TicketTopic::Service), key_of::<Service>(&value)?)));
        let key = key.or_else(|| Some((Some(TicketTopic::Invoice), key_of::<Invoice>(&value)?)));
        let key =
            key.ok_or_else(|| InputValueError::custom("it is no identifier of a service or an invoice"));
        key.map(|(topic, id)| Self { topic, id })
    }

    fn to_value(&self) -> Value {
        match self.topic {
            Some(topic) => Value::String(format!("{}-{}", String::from(topic), self.id)),
            None => Value::from(self.id.0),
        }
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

/// `12` or `service-12`.
fn spelled(text: &str) -> Option<(Option<TicketTopic>, Id)> {
    match text.split_once('-') {
        Some((word, key)) => Some((Some(topic(word)?), digits(key)?)),
        None => Some((None, digits(text)?)),
    }
}

fn digits(text: &str) -> Option<Id> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok().map(Id)).flatten()
}

fn topic(word: &str) -> Option<TicketTopic> {
    match word {
        "service" => Some(TicketTopic::Service),
        "invoice" => Some(TicketTopic::Invoice),
        _ => None,
    }
}

fn key_of<T: facade::record::Record>(value: &Value) -> Option<Id> {
    <KeyOf<T> as InputType>::parse(Some(value.clone())).ok().map(|key| key.id)
}

/// The service or invoice exists. Staff relate records of any customer.
pub(super) fn related() -> Rule {
    custom(&RelatedRecord)
}

#[derive(Debug)]
struct RelatedRecord;

#[async_trait]
impl CustomRule for RelatedRecord {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let named = match subject.sibling("related_type") {
            Some(Value::String(word)) => topic(word),
            _ => None,
        };
        let key = RelatedKey::parse(Some(subject.value.clone())).ok();
        let found = match key.map(|key| key.known(named)) {
            Some(Some((topic, id))) => exists(subject.scope.host, topic, id).await?,
            // The original relates nothing then, as it does where there is no key.
            Some(None) => subject.scope.rest,
            None => false,
        };
        let english = || format!("The selected {} is invalid.", subject.display_name());
        Ok((!found).then(|| subject.broken_in_english("exists", english()).coded(NOT_FOUND)))
    }

    fn format(&self) -> Option<&'static str> {
        Some(TEXT_KEY)
    }

    /// In REST, a value without a hyphen that is no key means that there is none, and what follows a second hyphen is
    /// passed over (docs/contract/client.md#7.2).
    fn rewrite(&self, value: &mut Value, rest: bool) {
        if !rest {
            return;
        }
        let read = match value {
            Value::String(text) => match text.split('-').collect::<Vec<_>>()[..] {
                [word, key, _, ..] => Value::String(format!("{word}-{key}")),
                [_, _] => return,
                _ if digits(text).is_some() => return,
                _ => Value::Null,
            },
            Value::Number(number) if number.is_i64() => return,
            Value::Number(_) | Value::Boolean(_) => Value::Null,
            _ => return,
        };
        *value = read;
    }
}

/// In REST, the word in front of the hyphen of `related_id` is the kind, and nothing else is looked at
/// (docs/contract/application-operations.md#5.2).
pub(super) fn related_word() -> Rule {
    custom(&RelatedWord)
}

#[derive(Debug)]
struct RelatedWord;

#[async_trait]
impl CustomRule for RelatedWord {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let is_wrong = match subject.sibling("related_id") {
            Some(Value::String(text)) => text.split_once('-').is_some_and(|(word, _)| topic(word).is_none()),
            // The hyphen is its sign.
            Some(Value::Number(number)) => number.as_i64().is_some_and(|key| key < 0),
            _ => false,
        };
        Ok(subject.fails_if("in", subject.scope.rest && is_wrong))
    }

    fn rewrite(&self, value: &mut Value, rest: bool) {
        if rest && !matches!(value, Value::String(word) if topic(word).is_some()) {
            *value = Value::Null;
        }
    }

    fn is_implicit(&self) -> bool {
        true
    }
}

async fn exists(host: &dyn Host, topic: TicketTopic, id: Id) -> Result<bool> {
    let mut select: SelectStatement = match topic {
        TicketTopic::Service => QueryTrait::into_query(live_services().filter(service::Column::Id.eq(id))),
        TicketTopic::Invoice => QueryTrait::into_query(live_invoices().filter(invoice::Column::Id.eq(id))),
    };
    select.clear_selects().expr(Expr::val(1)).limit(1);
    let statement = host.database().get_database_backend().build(&select);
    Ok(!host.rows(statement, true).await?.is_empty())
}

/// The key of the service that a ticket is about.
pub(super) fn related_service(ticket: View<'_>) -> std::result::Result<Option<i64>, DbErr> {
    related_to(ticket, "service")
}

/// The key of the invoice that a ticket is about.
pub(super) fn related_invoice(ticket: View<'_>) -> std::result::Result<Option<i64>, DbErr> {
    related_to(ticket, "invoice")
}

fn related_to(ticket: View<'_>, word: &str) -> std::result::Result<Option<i64>, DbErr> {
    let is_of_kind = ticket.cell(support_ticket::Column::RelatedType as usize)?.text() == Some(word);
    let key = ticket.cell(support_ticket::Column::RelatedId as usize)?.int();
    Ok(key.filter(|_| is_of_kind))
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn keys_name_a_service_or_an_invoice() {
        let read = |value: Value| RelatedKey::parse(Some(value)).ok().map(|key| (key.topic, key.id.0));
        assert_eq!(read(value!("service-12")), Some((Some(TicketTopic::Service), 12)));
        assert_eq!(read(value!("invoice-7")), Some((Some(TicketTopic::Invoice), 7)));
        assert_eq!(read(value!(5)), Some((None, 5)));
        assert_eq!(read(value!("5")), Some((None, 5)));
        for wrong in ["customer-1", "service-", "service--1", "-5", "service-1x", "", "none"] {
            assert_eq!(read(value!(wrong)), None, "{wrong}");
        }
    }
}
