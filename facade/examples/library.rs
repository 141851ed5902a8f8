//! A library: two related tables on SQLite in memory, a form, two documents, GraphiQL and Swagger UI.
//!
//! `cargo run -p facade --example library`, then <http://127.0.0.1:8090/graphql> and
//! <http://127.0.0.1:8090/api/documentation>. The key is `librarian`.

use std::net::SocketAddr;
use std::sync::Arc;

use facade::api_definition::ApiDefinition;
use facade::apis::{Apis, ApisConfig};
use facade::engine::Engine;
use facade::pipeline::OneKey;
use facade::prelude::*;
use facade::rest::{Examples, OpenApiInfo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait, Database, EntityTrait, Select};

mod author {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "authors")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: value::Id,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod book {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "books")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: value::Id,
        pub title: String,
        pub author_id: value::Id,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const READ: Ability = Ability::new("books:read");
const WRITE: Ability = Ability::new("books:write");

record! {
    /// Somebody who wrote books.
    pub struct Author(crate::author);
    columns {
        /// Name.
        name,
    }
    branches {
        /// Books of the author.
        #[can(READ)] books: many<Book>(book::Column::AuthorId, all_books),
    }
}

record! {
    /// A book.
    pub struct Book(crate::book);
    columns {
        /// Title.
        title,
    }
    branches {
        /// Who wrote it.
        #[can(READ)] author: one<Author>(author_id, all_authors),
    }
}

form! {
    /// What a new book is made from.
    pub struct BookInput {
        /// Title.
        title: String => [required(), string(), max(200)],
        /// Primary key of its author.
        author_id: i64 => [required(), integer(), exists("authors", "id")],
    }
}

fn all_authors() -> Select<author::Entity> {
    author::Entity::find()
}

fn all_books() -> Select<book::Entity> {
    book::Entity::find()
}

#[derive(Default)]
struct Query;

#[Object]
impl Query {
    /// Books of the library.
    #[graphql(directive = Can::apply(&[READ]))]
    async fn books(
        &self,
        ctx: &Context<'_>,
        page: Option<i64>,
        per_page: Option<i64>,
    ) -> Result<Connection<Book>> {
        List::of(all_books).page(ctx, Paging { page, per_page, ..Paging::default() }).await
    }
}

#[derive(Default)]
struct Mutation;

#[Object]
impl Mutation {
    /// Adds a book.
    #[graphql(directive = Can::apply(&[WRITE]))]
    async fn book_create(&self, ctx: &Context<'_>, input: Form<BookInput>) -> Result<Book> {
        let scope = RequestScope::from(ctx);
        let input = scope.check_new(input).await?;
        let mut row = book::ActiveModel { author_id: Set(value::Id(1)), ..Default::default() };
        put(&mut row.title, input.title);
        put(&mut row.author_id, input.author_id.map_value(value::Id));
        Ok(Book(row.insert(scope.db()).await?))
    }
}

const DOCUMENTS: &str = include_str!("library.graphql");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::connect("sqlite::memory:").await?;
    db.execute_unprepared(include_str!("library.sql")).await?;
    let abilities: Abilities = [READ, WRITE].into_iter().collect();
    let definition = ApiDefinition::new::<Query, Mutation>(&abilities, &[DOCUMENTS], &[]).await?;
    let info = OpenApiInfo { title: "Library", ..OpenApiInfo::default() };
    let openapi = definition.openapi(info, &Examples::new())?.to_string();
    let config = ApisConfig::new(Engine::with_defaults(db), OneKey::new("librarian", abilities)?);
    let router = Apis::new(&Arc::new(definition), config)?
        .router(openapi)
        .into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8090").await?, router).await?;
    Ok(())
}
