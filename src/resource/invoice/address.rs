//! The printed address of an invoice (docs/contract/application-operations.md#3.2).

use std::collections::HashMap;

use entity::{customer, invoice};
use facade::record::View;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use serde_json::{Map, Value as Json};

use crate::scope::ShopScope;
use crate::shop::{country, html};

/// Indexes of the columns that the address is read from.
const BILLING_ADDRESS: usize = invoice::Column::BillingAddress as usize;
const CUSTOMER_ID: usize = invoice::Column::CustomerId as usize;

/// Primary key of the customer whose current address is printed; nothing if the invoice has a stored address.
pub(super) fn current_customer(invoice: View<'_>) -> Result<Option<i64>, DbErr> {
    if stored(invoice)?.is_some() { Ok(None) } else { Ok(invoice.cell(CUSTOMER_ID)?.int()) }
}

/// The lines of the address of each invoice, in their order.
///
/// # Errors
/// When the database fails.
pub(in crate::resource) async fn lines(
    scope: ShopScope<'_>,
    invoices: &[View<'_>],
) -> crate::Result<Vec<Vec<String>>> {
    let ids = invoices.iter().map(|invoice| current_customer(*invoice));
    let ids: Vec<Option<i64>> = ids.collect::<Result<_, _>>()?;
    let keys: Vec<i64> = ids.iter().copied().flatten().collect();
    let mut customers = HashMap::new();
    if !keys.is_empty() {
        let select = customer::Entity::find().filter(customer::Column::Id.is_in(keys));
        let found = select.all(scope.reader()).await?;
        customers.extend(found.into_iter().map(|customer| (customer.id.0, customer)));
    }
    let printed = invoices.iter().zip(ids).map(|(invoice, id)| match stored(*invoice)? {
        Some(stored) => Ok(Address::of_invoice(&stored).lines()),
        None => {
            let customer = id.and_then(|id| customers.get(&id));
            Ok(customer.map_or_else(Vec::new, |customer| Address::of_customer(customer).lines()))
        }
    });
    printed.collect()
}

/// The stored address, unless it is empty or not a JSON object.
fn stored(invoice: View<'_>) -> Result<Option<Map<String, Json>>, DbErr> {
    let stored = invoice.cell(BILLING_ADDRESS)?.text().and_then(|text| serde_json::from_str(text).ok());
    Ok(match stored {
        Some(Json::Object(address)) if !address.is_empty() => Some(address),
        _ => None,
    })
}

/// The parts of an address. Missing parts are empty.
struct Address {
    company_name: String,
    firstname: String,
    lastname: String,
    email: String,
    address: String,
    address2: String,
    region: String,
    city: String,
    zipcode: String,
    country: String,
    billing_details: String,
}

impl Address {
    /// The address that an invoice stores, unescaped.
    fn of_invoice(stored: &Map<String, Json>) -> Self {
        let part = |name: &str| match stored.get(name) {
            Some(Json::String(text)) => text.clone(),
            Some(Json::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        Self {
            company_name: part("company_name"),
            firstname: part("firstname"),
            lastname: part("lastname"),
            email: part("email"),
            address: part("address"),
            address2: part("address2"),
            region: part("region"),
            city: part("city"),
            zipcode: part("zipcode"),
            country: part("country"),
            billing_details: part("billing_details"),
        }
    }

    /// The address of a customer, escaped for HTML.
    fn of_customer(customer: &customer::Model) -> Self {
        let optional = |text: &Option<String>| html::escape(text.as_deref().unwrap_or_default());
        Self {
            company_name: optional(&customer.company_name),
            firstname: html::escape(&customer.firstname),
            lastname: html::escape(&customer.lastname),
            email: html::escape(&customer.email),
            address: html::escape(&customer.address),
            address2: optional(&customer.address2),
            region: html::escape(&customer.region),
            city: html::escape(&customer.city),
            zipcode: html::escape(&customer.zipcode),
            country: html::escape(&customer.country),
            billing_details: optional(&customer.billing_details),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.company_name.is_empty() {
            lines.push(self.company_name.clone());
        } else if !self.firstname.is_empty() && !self.lastname.is_empty() {
            lines.push(format!("{} {}", self.firstname, self.lastname));
        }
        lines.push(self.email.clone());
        lines.push(format!("{} {}", self.address, self.address2));
        lines.push(format!("{} {} {}", self.region, self.city, self.zipcode));
        lines.push(country::name(&self.country).to_owned());
        lines.extend(self.billing_details.lines().map(str::to_owned));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(stored: &str) -> Vec<String> {
        Address::of_invoice(serde_json::from_str::<Json>(stored).unwrap().as_object().unwrap()).lines()
    }

    #[test]
    fn a_company_replaces_the_name() {
        let lines = printed(
            r#"{"company_name":"A & B","firstname":"Ada","lastname":"L","email":"a@b.fr","address":"1 rue X",
                "address2":null,"region":"Nord","city":"Lille","zipcode":"59000","country":"FR",
                "billing_details":"TVA 1\nTVA 2"}"#,
        );
        assert_eq!(lines, ["A & B", "a@b.fr", "1 rue X ", "Nord Lille 59000", "France", "TVA 1", "TVA 2"]);
    }

    #[test]
    fn missing_parts_are_empty() {
        assert_eq!(printed(r#"{"firstname":"Ada"}"#), ["", " ", "  ", ""]);
    }
}
