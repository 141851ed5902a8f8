//! A table and a schema for the engine's own tests.

use async_graphql::registry::Registry;
use async_graphql::{Enum, ID, InputObject, Object, OutputType, SimpleObject};

/// Books.
pub(crate) mod book {
    use sea_orm::entity::prelude::*;
    use value::{Id, ShopTime};

    /// A book.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "books")]
    pub struct Model {
        /// Primary key.
        #[sea_orm(primary_key)]
        pub id: Id,
        /// Primary key of its author.
        pub author_id: Id,
        /// Title.
        pub title: String,
        /// When it was bought.
        #[sea_orm(column_type = "Timestamp")]
        pub bought_at: Option<ShopTime>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

crate::record! {
    /// A book.
    pub(crate) struct Book(crate::toy::book);
    columns {
        /// Title.
        title,
    }
}

/// The types of a schema.
pub(crate) fn registry() -> Registry {
    let mut registry =
        Registry { query_type: <Query as OutputType>::type_name().into_owned(), ..Registry::default() };
    Query::create_type_info(&mut registry);
    registry
}

/// A product.
#[derive(SimpleObject)]
struct Product {
    name: String,
    stock: i32,
    pricing: Vec<Price>,
}

/// A price.
#[derive(SimpleObject)]
struct Price {
    monthly: f64,
}

/// A group.
#[derive(SimpleObject)]
struct Group {
    name: String,
    parent: Option<Box<Group>>,
}

/// Whether a product is shown.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum ShopStatus {
    Active,
    Hidden,
}

/// Conditions on products.
#[derive(InputObject)]
struct ProductFilter {
    name: Option<String>,
    status: Option<ShopStatus>,
}

struct Query;

#[Object]
impl Query {
    async fn product(&self, id: ID) -> Option<Product> {
        let _ = id;
        None
    }

    async fn products(&self, first: Option<i32>, filter: Option<ProductFilter>) -> Vec<Product> {
        let _ = (first, filter.map(|filter| (filter.name, filter.status)));
        Vec::new()
    }

    async fn group(&self, id: ID) -> Option<Group> {
        let _ = id;
        None
    }

    async fn health(&self) -> bool {
        true
    }
}
