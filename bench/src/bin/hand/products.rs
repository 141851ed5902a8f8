//! Products with their free values and prices.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query as Parameters, State};
use axum::http::{HeaderMap, Uri};
use entity::{Id, metadata, pricing, product};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde::Serialize;

use crate::auth::Caller;
use crate::page::{Flat, Place, Query, total};
use crate::{App, Failure, json};

const MODEL: &str = "App\\Models\\Store\\Product";

#[derive(Serialize)]
pub struct Product {
    id: i64,
    name: String,
    group_id: i64,
    status: String,
    description: String,
    pinned: bool,
    stock: i64,
    r#type: String,
    sort_order: i64,
    #[serde(serialize_with = "json::time")]
    created_at: Option<entity::ShopTime>,
    #[serde(serialize_with = "json::time")]
    updated_at: Option<entity::ShopTime>,
    #[serde(serialize_with = "json::time")]
    deleted_at: Option<entity::ShopTime>,
    image: Option<String>,
    metadata: Vec<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Vec<Pricing>>,
}

impl Product {
    fn new(row: product::Model, metadata: Vec<Metadata>, pricing: Option<Vec<Pricing>>) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            group_id: row.group_id.0,
            status: row.status,
            description: row.description,
            pinned: row.pinned,
            stock: row.stock.0,
            r#type: row.r#type,
            sort_order: row.sort_order.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            image: row.image,
            metadata,
            pricing,
        }
    }
}

#[derive(Serialize)]
struct Metadata {
    id: i64,
    model_id: i64,
    model_type: String,
    key: String,
    value: Option<String>,
    #[serde(serialize_with = "json::time")]
    created_at: Option<entity::ShopTime>,
    #[serde(serialize_with = "json::time")]
    updated_at: Option<entity::ShopTime>,
}

impl From<metadata::Model> for Metadata {
    fn from(row: metadata::Model) -> Self {
        Self {
            id: row.id.0,
            model_id: row.model_id.0,
            model_type: row.model_type,
            key: row.key,
            value: row.value,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Serialize)]
struct Pricing {
    id: i64,
    related_id: i64,
    related_type: String,
    currency: String,
    #[serde(serialize_with = "json::float")]
    weekly: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_weekly: Option<f64>,
    #[serde(serialize_with = "json::price")]
    onetime: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    monthly: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    quarterly: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    semiannually: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    annually: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    biennially: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    triennially: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    setup_onetime: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    setup_monthly: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    setup_quarterly: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    setup_semiannually: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    setup_annually: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    setup_biennially: Option<entity::Price>,
    #[serde(serialize_with = "json::price")]
    setup_triennially: Option<entity::Price>,
    #[serde(serialize_with = "json::time")]
    deleted_at: Option<entity::ShopTime>,
}

impl From<pricing::Model> for Pricing {
    fn from(row: pricing::Model) -> Self {
        Self {
            id: row.id.0,
            related_id: row.related_id.0,
            related_type: row.related_type,
            currency: row.currency,
            weekly: row.weekly,
            setup_weekly: row.setup_weekly,
            onetime: row.onetime,
            monthly: row.monthly,
            quarterly: row.quarterly,
            semiannually: row.semiannually,
            annually: row.annually,
            biennially: row.biennially,
            triennially: row.triennially,
            setup_onetime: row.setup_onetime,
            setup_monthly: row.setup_monthly,
            setup_quarterly: row.setup_quarterly,
            setup_semiannually: row.setup_semiannually,
            setup_annually: row.setup_annually,
            setup_biennially: row.setup_biennially,
            setup_triennially: row.setup_triennially,
            deleted_at: row.deleted_at,
        }
    }
}

fn live() -> Select<product::Entity> {
    product::Entity::find().filter(product::Column::DeletedAt.is_null())
}

/// `GET /api/application/products`
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<Query>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Flat<Product>>, Failure> {
    caller.may(&["products:index"])?;
    answer(&app, "products", live(), &query, &uri, &headers).await
}

/// `GET /api/application/products/{id}`: a page of one row.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Parameters(query): Parameters<Query>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Flat<Product>>, Failure> {
    caller.may(&["products:show", "products:index"])?;
    let one = live().filter(product::Column::Id.eq(Id(id)));
    answer(&app, "product", one, &query, &uri, &headers).await
}

async fn answer(
    app: &App,
    name: &'static str,
    select: Select<product::Entity>,
    query: &Query,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Json<Flat<Product>>, Failure> {
    let page = select.clone().order_by_asc(product::Column::Id);
    let rows = page.limit(query.per_page).offset(query.offset()).all(&app.db).await?;
    let keys: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let mut metadata = metadata_of(app, &keys).await?;
    let priced = query.include.split(',').any(|name| name == "pricing");
    let mut pricing = if priced { Some(pricing_of(app, &keys).await?) } else { None };
    let total = total(app, name, select, query, rows.len()).await?;
    let data = rows
        .into_iter()
        .map(|row| {
            let metadata = metadata.remove(&row.id).unwrap_or_default();
            let pricing = pricing.as_mut().map(|lists| lists.remove(&row.id).unwrap_or_default());
            Product::new(row, metadata, pricing)
        })
        .collect();
    Ok(Json(Place::new(headers, uri, query, total).flat(data)))
}

async fn metadata_of(app: &App, keys: &[Id]) -> Result<HashMap<Id, Vec<Metadata>>, Failure> {
    let rows = metadata::Entity::find()
        .filter(metadata::Column::ModelType.eq(MODEL))
        .filter(metadata::Column::ModelId.is_in(keys.iter().copied()))
        .order_by_asc(metadata::Column::Id)
        .all(&app.db)
        .await?;
    let mut lists: HashMap<Id, Vec<Metadata>> = HashMap::new();
    rows.into_iter().for_each(|row| lists.entry(row.model_id).or_default().push(row.into()));
    Ok(lists)
}

async fn pricing_of(app: &App, keys: &[Id]) -> Result<HashMap<Id, Vec<Pricing>>, Failure> {
    let rows = pricing::Entity::find()
        .filter(pricing::Column::RelatedType.eq("product"))
        .filter(pricing::Column::DeletedAt.is_null())
        .filter(pricing::Column::RelatedId.is_in(keys.iter().copied()))
        .order_by_asc(pricing::Column::Id)
        .all(&app.db)
        .await?;
    let mut lists: HashMap<Id, Vec<Pricing>> = HashMap::new();
    rows.into_iter().for_each(|row| lists.entry(row.related_id).or_default().push(row.into()));
    Ok(lists)
}
