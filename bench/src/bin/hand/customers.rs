//! Customers.

use axum::Json;
use axum::extract::{Path, Query as Parameters, State};
use axum::http::{HeaderMap, Uri};
use entity::{Id, customer};
use phonenumber::country::Id::FR;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde::Serialize;

use crate::auth::Caller;
use crate::page::{Place, Query, Wrapped, total};
use crate::{App, Failure, json};

#[derive(Serialize)]
pub struct Customer {
    id: i64,
    firstname: String,
    lastname: String,
    email: String,
    avatar_path: Option<String>,
    company_name: Option<String>,
    billing_details: Option<String>,
    locale: String,
    phone: Option<String>,
    address: String,
    address2: Option<String>,
    city: String,
    country: String,
    region: String,
    zipcode: String,
    #[serde(serialize_with = "json::time")]
    email_verified_at: Option<entity::ShopTime>,
    #[serde(serialize_with = "json::amount")]
    balance: entity::Amount,
    #[serde(serialize_with = "json::time")]
    last_login: Option<entity::ShopTime>,
    #[serde(serialize_with = "json::flag")]
    is_confirmed: entity::Flag,
    #[serde(serialize_with = "json::flag")]
    is_deleted: entity::Flag,
    #[serde(serialize_with = "json::time")]
    deleted_at: Option<entity::ShopTime>,
    #[serde(serialize_with = "json::flag")]
    dark_mode: entity::Flag,
    notes: Option<String>,
    #[serde(serialize_with = "json::time")]
    created_at: Option<entity::ShopTime>,
    #[serde(serialize_with = "json::flag")]
    gdpr_compliment: entity::Flag,
    security_question_id: Option<i64>,
}

impl From<customer::Model> for Customer {
    fn from(row: customer::Model) -> Self {
        Self {
            id: row.id.0,
            firstname: row.firstname,
            lastname: row.lastname,
            email: row.email,
            avatar_path: row.avatar_path,
            company_name: row.company_name,
            billing_details: row.billing_details,
            locale: row.locale,
            phone: row.phone.filter(|text| is_number(text)),
            address: row.address,
            address2: row.address2,
            city: row.city,
            country: row.country,
            region: row.region,
            zipcode: row.zipcode,
            email_verified_at: row.email_verified_at,
            balance: row.balance,
            last_login: row.last_login,
            is_confirmed: row.is_confirmed,
            is_deleted: row.is_deleted,
            deleted_at: row.deleted_at,
            dark_mode: row.dark_mode,
            notes: row.notes,
            created_at: row.created_at,
            gdpr_compliment: row.gdpr_compliment,
            security_question_id: row.security_question_id.map(|id| id.0),
        }
    }
}

/// An international number, or a French national one: others are not shown.
fn is_number(text: &str) -> bool {
    match phonenumber::parse(Some(FR), text) {
        Ok(number) => text.starts_with('+') || number.is_valid(),
        Err(_) => false,
    }
}

fn live() -> Select<customer::Entity> {
    customer::Entity::find().filter(customer::Column::DeletedAt.is_null())
}

/// `GET /api/application/customers`
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<Query>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Wrapped<Customer>>, Failure> {
    caller.may(&["customers:index"])?;
    let page = live().order_by_asc(customer::Column::Id);
    let rows = page.limit(query.per_page).offset(query.offset()).all(&app.db).await?;
    let total = total(&app, "customers", live(), &query, rows.len()).await?;
    let data = rows.into_iter().map(Customer::from).collect();
    Ok(Json(Place::new(&headers, &uri, &query, total).wrapped(data)))
}

/// `GET /api/application/customers/{id}`
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Customer>, Failure> {
    caller.may(&["customers:show"])?;
    let row = live().filter(customer::Column::Id.eq(Id(id))).limit(1).one(&app.db).await?;
    row.map(|row| Json(row.into())).ok_or(Failure::NotFound)
}
