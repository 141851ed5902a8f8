//! The library: its tables, records and documents, and how a test asks it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_graphql::async_trait::async_trait;
use async_graphql::{MergedObject, SimpleObject};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use facade::api_definition::ApiDefinition;
use facade::apis::{Apis, ApisConfig};
use facade::engine::{Engine, Host, Options, Settings};
use facade::execution::Principal;
use facade::form::File;
use facade::guard::Public;
use facade::limit::{Verdict, WindowState};
use facade::pipeline::{Access, Caller, LimitUnit, OneKey};
use facade::prelude::*;
use facade::record::{Deleted, JsonText, Moment, require};
use facade::rest::{Examples, OpenApiInfo};
use facade::rest_only::RestOnly;
use facade::{Dialect, Times};
use sea_orm::{
    ActiveModelTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, EntityTrait,
    IntoActiveModel, ModelTrait, QueryFilter, QueryOrder, Select,
};
use serde_json::Value as Json;
use tower::ServiceExt;

pub use crate::tables::{AUDIT, READ, WRITE, author, book, book_author, loan, shelf};

pub const KEY: &str = "librarian";

const TABLES: &str = r#"
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL, deleted_at TEXT);
CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT NOT NULL, loans INTEGER NOT NULL, facts TEXT,
  cost INTEGER NOT NULL, shelf_number INTEGER, signature TEXT NOT NULL DEFAULT 'A1',
  printed_at TEXT DEFAULT '2026-11-23 13:00:00');
CREATE TABLE book_authors (id INTEGER PRIMARY KEY, book_id INTEGER NOT NULL, author_id INTEGER NOT NULL, role TEXT,
  is_first INTEGER NOT NULL);
CREATE TABLE loans (id INTEGER PRIMARY KEY, book_id INTEGER NOT NULL, days INTEGER NOT NULL);
CREATE TABLE shelves (id INTEGER PRIMARY KEY, number INTEGER, name TEXT NOT NULL);
INSERT INTO authors VALUES (1, 'Neil Gaiman', NULL), (2, 'Terry Pratchett', NULL), (3, 'Gone', '2026-01-01 00:00:00');
INSERT INTO books (id, title, loans, facts, cost, shelf_number) VALUES (1, 'Good Omens', 2, '{"pages": 288, "errata": {}}', 1200, 70), (2, 'Mort', 0, NULL, 900, 70),
  (3, 'Nobody''s', 0, NULL, 0, NULL);
INSERT INTO book_authors VALUES (1, 1, 2, 'second', 0), (2, 1, 1, NULL, 1), (3, 2, 2, NULL, 1), (4, 2, 3, NULL, 0);
INSERT INTO loans VALUES (1, 1, 14), (2, 1, 7);
INSERT INTO shelves VALUES (1, 70, 'Fantasy, left'), (2, 70, 'Fantasy, right'), (3, 80, 'Empty'), (4, NULL, 'New');
"#;

/// The documents of the library.
pub const DOCUMENTS: &str = r#"
fragment BookRow on Book { id: databaseId title loans }
fragment AuthorRow on Author { id: databaseId name }

query books($q: String, $filter: BookFilter, $page: Int, $perPage: Int = 25)
@rest(
  get: "/books", answer: PAGE, tag: "Books", summary: "List books"
  show: {operation: "booksShow", get: "/books/{id}", summary: "One book, as a page of one row"}
  filters: [title], includes: [authors, loans]
) {
  books(search: $q, filter: $filter, page: $page, perPage: $perPage) {
    nodes {
      ...BookRow
      authors @include(if: $includeAuthors) @pivot { ...AuthorRow }
      loan_rows: loanRows @include(if: $includeLoans) @replaces(key: "loans") { days }
    }
  }
}

query booksCount
@rest(get: "/books/count", tag: "Books", summary: "How many books there are") {
  bookCount
}

query booksFind($id: ID!, $place: String)
@rest(
  get: "/books/{id}/whole", tag: "Books", summary: "One book with its shelf", missing: "No book {id} here"
  example: {id: 2}
) {
  book(id: $id, place: $place) { title signature }
}

query loansLocal($page: Int, $perPage: Int = 25)
@rest(
  get: "/local/books", answer: DATA_PAGE, tag: "Books", summary: "Books in another dialect"
  beside: {filters: {all: "all", lent: "lent"}}
) {
  books(page: $page, perPage: $perPage) { nodes { title printedAt } }
}

query bookLocal($id: ID!)
@rest(get: "/local/books/{id}", answer: DATA, tag: "Books", summary: "A book", missing: "") {
  book(id: $id) { title printedAt }
}

query bookAndTime($id: ID!)
@rest(get: "/local/both/{id}", answer: OBJECT, tag: "Books", summary: "A book and the time", missing: "", beside: {ok: true}) {
  data: book(id: $id) { title }
  clock { now }
}

query clock
@rest(get: "/clock", tag: "Books", summary: "The time") {
  clock { now }
}

query opening($day: String)
@rest(get: "/opening", tag: "Books", summary: "When it is open", limiter: "door") {
  opening(day: $day)
}

mutation knock($input: BookInput!)
@rest(
  post: "/knock", tag: "Books", summary: "Knock at the door", limiter: {name: "door", alone: true}, maxBody: 200
) {
  knock(input: $input)
}

mutation reminder($id: ID!)
@rest(get: "/books/{id}/remind", tag: "Books", summary: "Remind whoever has the book") {
  reminder(id: $id) { loans }
}

mutation donation($input: DonationInput!)
@rest(
  post: "/local/donations", added: true, status: 201, tag: "Books", summary: "Give books"
  older: {post: ["/local/donation", "/donate"]}
) {
  donate(input: $input)
}

mutation booksReplace($id: ID!, $input: BookInput!)
@rest(post: "/books/{id}", put: "/books/{id}", tag: "Books", summary: "Change a book") {
  bookUpdate(id: $id, input: $input) { ...BookRow }
}

query covers($page: Int, $perPage: Int = 25)
@rest(get: "/covers", answer: PAGE, tag: "Books", summary: "List covers") {
  covers(page: $page, perPage: $perPage) { nodes { id: databaseId title facts } }
}

mutation booksDestroy($id: ID!)
@rest(delete: "/books/{id}", status: 204, tag: "Books", summary: "Delete a book") {
  bookDelete(id: $id) { id: databaseId }
}
"#;

record! {
    /// Somebody who writes books.
    pub struct Author(crate::shop::author);
    columns {
        /// Name.
        name,
    }
}

record! {
    /// A loan of a book.
    pub struct Loan(crate::shop::loan);
    columns {
        /// How long.
        days,
    }
}

record! {
    /// A shelf.
    pub struct Shelf(crate::shop::shelf);
    columns {
        /// Name.
        name,
    }
    branches {
        /// What stands on it.
        books: many<Book>(book::Column::ShelfNumber = number, all_books) by BookFilter, BookSort,
    }
}

record! {
    /// A book.
    pub struct Book(crate::shop::book);
    #[can(READ)] node: |_| all_books();
    columns {
        /// Title.
        title,
        /// How often it was lent.
        loans,
        /// When it was printed.
        printed_at,
        /// Where it stands, as older clients spell it.
        #[rest_only] signature,
        /// Facts about it.
        facts shown JsonText,
        /// What it cost, in cents.
        #[can(AUDIT)] cost,
    }
    branches {
        /// Who wrote it.
        #[can(READ)] authors: through<Author>(
            crate::shop::book_author [book_id, author_id, role, is_first], living_authors
        ) by AuthorFilter, AuthorSort,
        /// When it was lent.
        #[can(READ)] loan_rows: many<Loan>(loan::Column::BookId, all_loans),
        /// Where it stands.
        shelf: one<Shelf>(shelf_number = shelf::Column::Number, shelves_from_right),
    }
}

record! {
    /// A book, as visitors see it.
    pub struct Cover view of Book;
    columns {
        facts,
        /// What is printed on it.
        title,
        cost,
        #[can(AUDIT)] loans,
    }
    branches {
        /// Where it stands.
        shelf: one<Shelf>(shelf_number = shelf::Column::Number, shelves_from_right),
    }
}

/// Shelves, the right ones first.
fn shelves_from_right() -> Select<shelf::Entity> {
    shelf::Entity::find().order_by_desc(shelf::Column::Name)
}

fn living_authors() -> Select<author::Entity> {
    use sea_orm::ColumnTrait;
    author::Entity::find().filter(author::Column::DeletedAt.is_null())
}

fn all_loans() -> Select<loan::Entity> {
    loan::Entity::find()
}

fn all_books() -> Select<book::Entity> {
    book::Entity::find()
}

filters! {
    /// Conditions on books.
    pub struct BookFilter, BookSort, BookSortField on crate::shop::book {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Title.
        title: TextFilter = Title,
    }
}

list! {
    /// Books of the library.
    #[can(READ)] pub BookList: books<Book>(all_books) by BookFilter, BookSort,
    search(book::Column::Title): "Only books whose title holds this text.",
    narrowed(just) { #[rest_only] only: ID = "Only this one." };
}

async fn just(
    _: RequestScope<'_>,
    books: List<book::Entity>,
    only: Option<ID>,
) -> Result<List<book::Entity>> {
    let key = only.and_then(|id| id.parse::<i64>().ok());
    Ok(match key {
        Some(key) => books.only(sea_orm::ColumnTrait::eq(&book::Column::Id, key)),
        None => books,
    })
}

form! {
    /// What changes in a book.
    pub struct BookInput for crate::shop::book {
        /// Title.
        title: String => [required_unless_partial(), string(), max(200)],
        /// How often it was lent.
        #[rest_only]
        loans: i64 => [required_unless_partial(), integer(), min(0)],
    }
}

/// A clock.
#[derive(SimpleObject)]
pub struct Clock {
    /// What it shows.
    now: Moment,
    /// When it was last wound.
    wound_at: Option<Moment>,
}

form! {
    /// Books that somebody gives.
    pub struct DonationInput {
        /// Who gives them.
        giver: String => [string(), max(20), afterwards([required(), min(3)])],
        /// How many there are.
        number: i64 => [required(), integer(), max_of("most_books", 5)],
        /// Pictures of them.
        photos: Vec<File> => [nullable(), array(), max(2), each([file(), mimes(&["txt"]), max_of("most_kilobytes", 1)])],
    }
}

#[derive(Default)]
pub struct Single;

#[Object]
impl Single {
    /// A book.
    #[graphql(directive = Can::apply(&[READ]))]
    async fn book(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "Where it is looked for.", directive = RestOnly::apply())] place: Option<String>,
    ) -> Result<Option<SelectedRow<Book>>> {
        let _ = place;
        read_by_id(ctx, all_books, &id).await
    }

    /// The time.
    #[graphql(directive = Can::apply(&[READ]))]
    async fn clock(&self) -> Clock {
        Clock { now: Moment("2026-07-01T12:00:00Z".parse().unwrap_or_default()), wound_at: None }
    }

    /// When the library is open.
    #[graphql(directive = Public::apply())]
    async fn opening(&self, day: Option<String>) -> String {
        day.unwrap_or_else(|| "always".to_owned())
    }

    /// How many books there are.
    #[graphql(directive = Can::apply(&[READ]), directive = RestOnly::apply())]
    async fn book_count(&self, ctx: &Context<'_>) -> Result<u64> {
        use sea_orm::PaginatorTrait;
        Ok(all_books().count(RequestScope::from(ctx).db()).await?)
    }
}

list! {
    /// Books of the library, as visitors see them.
    #[can(READ)] pub CoverList: covers<Cover>(all_books) by BookFilter, BookSort;
}

filters! {
    /// Conditions on authors.
    pub struct AuthorFilter, AuthorSort, AuthorSortField on crate::shop::author {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name.
        name: TextFilter = Name,
    }
}

filters! {
    /// Conditions on shelves.
    pub struct ShelfFilter, ShelfSort, ShelfSortField on crate::shop::shelf {
        /// Primary key.
        database_id: IntFilter = Id,
    }
}

list! {
    /// Shelves of the library.
    #[can(READ)] pub ShelfList: shelves<Shelf>(shelves) by ShelfFilter, ShelfSort;
}

fn shelves() -> Select<shelf::Entity> {
    shelf::Entity::find()
}

/// Reading books and shelves.
#[derive(MergedObject, Default)]
pub struct Query(BookList, CoverList, ShelfList, Single, crate::files::Files);

/// Changing books.
#[derive(MergedObject, Default)]
pub struct Mutation(Writing, crate::files::Printer);

#[derive(Default)]
pub struct Writing;

#[Object]
impl Writing {
    /// Knocks at the door.
    #[graphql(directive = Public::apply())]
    async fn knock(&self, ctx: &Context<'_>, input: Form<BookInput>) -> Result<String> {
        RequestScope::from(ctx).check_new(input).await.map(|_| "come in".to_owned())
    }

    /// Counts a reminder as a loan.
    #[graphql(directive = Can::apply(&[WRITE]))]
    async fn reminder(&self, ctx: &Context<'_>, id: ID) -> Result<Book> {
        let scope = RequestScope::from(ctx);
        let book = require::<Book>(scope, all_books, &id, "Book").await?;
        let loans = value::Int(book.0.loans.0 + 1);
        let mut row = book.0.into_active_model();
        row.loans = sea_orm::Set(loans);
        Ok(Book(row.update(scope.db()).await?))
    }

    /// Gives books: what came in.
    #[graphql(directive = Can::apply(&[WRITE]))]
    async fn donate(&self, ctx: &Context<'_>, input: Form<DonationInput>) -> Result<Vec<String>> {
        let input = RequestScope::from(ctx).check_new(input).await?;
        let photos = input.photos.take().unwrap_or_default();
        let told = |photo: File| format!("{}: {} bytes", photo.name, photo.bytes.len());
        Ok(photos.into_iter().map(told).chain(input.giver.take()).collect())
    }

    /// Changes a book.
    #[graphql(directive = Can::apply(&[WRITE]))]
    async fn book_update(&self, ctx: &Context<'_>, id: ID, input: Form<BookInput>) -> Result<Book> {
        let scope = RequestScope::from(ctx);
        let book = require::<Book>(scope, all_books, &id, "Book").await?;
        let input = scope.check_change(input, book.0.id, &[]).await?;
        let mut row = book.0.into_active_model();
        input.write_to(&mut row);
        Ok(Book(row.update(scope.db()).await?))
    }

    /// Deletes a book.
    #[graphql(directive = Can::apply(&[WRITE]), directive = Deletes::apply())]
    async fn book_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Deleted<Book>> {
        let scope = RequestScope::from(ctx);
        let book = &require::<Book>(scope, all_books, &id, "Book").await?.0;
        let deleted = scope.write(|transaction| async move {
            let deleted = Deleted::<Book>::read(ctx, &transaction, book.clone()).await?;
            book.clone().delete(&transaction).await?;
            Ok(deleted)
        });
        deleted.await
    }
}

/// A database, and one setting.
struct Shelves(DatabaseConnection);

impl Host for Shelves {
    fn database(&self) -> &DatabaseConnection {
        &self.0
    }
}

#[async_trait]
impl Settings for Shelves {
    async fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok((name == "most_books").then(|| " 7 ".to_owned()))
    }
}

/// One key, and limits: requests with and without a key, and those of the limiter `door`.
struct Door {
    key: Arc<OneKey>,
    requests: AtomicU32,
    knocks: AtomicU32,
}

fn counted(taken: &AtomicU32, limit: u32) -> Verdict {
    let before = taken.fetch_add(1, Ordering::Relaxed);
    let standing = WindowState { limit, remaining: limit.saturating_sub(before + 1), resets_in: 60 };
    if before < limit { Verdict::Counted(standing) } else { Verdict::Refused(standing) }
}

#[async_trait]
impl Access for Door {
    async fn identify(&self, headers: &HeaderMap, client: IpAddr) -> Result<Option<Arc<dyn Principal>>> {
        self.key.identify(headers, client).await
    }

    async fn take(&self, unit: LimitUnit, _: &Caller, _: u32) -> Verdict {
        if unit == LimitUnit::Requests { counted(&self.requests, 60) } else { Verdict::Unlimited }
    }

    fn limiters(&self) -> &[&str] {
        &["door"]
    }

    async fn take_own(&self, limiter: &str, _: &Caller) -> Verdict {
        assert_eq!(limiter, "door");
        counted(&self.knocks, 3)
    }
}

/// A library that runs.
pub struct Library {
    pub router: Router,
    /// Its OpenAPI document.
    pub openapi: Json,
}

/// An answer, whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }
}

impl Library {
    /// A new library.
    pub async fn open() -> Self {
        Self::with(DOCUMENTS).await.unwrap()
    }

    /// A new library with these documents; the error where it does not start.
    pub async fn with(documents: &str) -> Result<Self> {
        Self::build(&[documents, crate::files::DOCUMENTS], Options::default()).await
    }

    /// A new library in which nothing may be written.
    pub async fn read_only() -> Self {
        Self::build(&[DOCUMENTS], Options { read_only: true, ..Options::default() }).await.unwrap()
    }

    /// A new library with these documents, and bounds; the error where it does not start.
    pub async fn build(documents: &[&str], options: Options) -> Result<Self> {
        let mut memory = ConnectOptions::new("sqlite::memory:");
        memory.max_connections(1).min_connections(1);
        let db = Database::connect(memory).await?;
        db.execute_unprepared(TABLES).await?;
        let abilities: Abilities = [READ, WRITE, AUDIT].into_iter().collect();
        let dialects = [("/local", Dialect { times: Times::Local })];
        let definition = ApiDefinition::new::<Query, Mutation>(&abilities, documents, &dialects).await?;
        let info = OpenApiInfo { title: "Library", ..OpenApiInfo::default() };
        let openapi = definition.openapi(info, &Examples::new())?;
        let engine = Arc::new(Engine::new(Arc::new(Shelves(db)), options, Duration::ZERO));
        let door = Door {
            key: OneKey::new(KEY, [READ, WRITE].into_iter().collect())?,
            requests: 0.into(),
            knocks: 0.into(),
        };
        let apis = Apis::new(&Arc::new(definition), ApisConfig::new(engine, Arc::new(door)))?;
        Ok(Self { router: apis.router(openapi.to_string()), openapi })
    }

    /// What a request is answered, before the answer is read.
    pub async fn respond(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.respond(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request with the key and no body.
    pub async fn ask(&self, method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {KEY}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// The component to which a part of the OpenAPI document refers.
    pub fn component(&self, part: &Json) -> Json {
        let place = part["$ref"].as_str().unwrap_or_else(|| panic!("no reference: {part}"));
        self.openapi.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place}")).clone()
    }

    /// What a `GET` answers.
    pub async fn get(&self, path: &str) -> Json {
        self.ask("GET", path).await.json()
    }

    /// Sends JSON with the key.
    pub async fn post(&self, method: &str, path: &str, body: &Json) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// What a GraphQL document answers.
    pub async fn graphql(&self, query: &str) -> Json {
        self.post("POST", "/graphql", &serde_json::json!({ "query": query })).await.json()
    }
}
