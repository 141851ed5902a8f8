//! Rows that a table between joins, rows that are related by other columns than keys, and includes that take the
//! place of a column.

use serde_json::json;

use crate::shop::Library;

#[tokio::test]
async fn rows_are_reached_through_a_table_between() {
    let library = Library::open().await;
    let asked = "{ books { nodes { title authors { totalCount nodes { name } } } } }";
    assert_eq!(
        library.graphql(asked).await["data"]["books"]["nodes"],
        json!([
            // By primary key, as at the root.
            {
                "title": "Good Omens",
                "authors": {"totalCount": 2, "nodes": [{"name": "Neil Gaiman"}, {"name": "Terry Pratchett"}]},
            },
            // Who is joined but not there is left out, and not counted.
            {"title": "Mort", "authors": {"totalCount": 1, "nodes": [{"name": "Terry Pratchett"}]}},
            {"title": "Nobody's", "authors": {"totalCount": 0, "nodes": []}},
        ])
    );
}

#[tokio::test]
async fn rest_shows_the_columns_of_the_table_between() {
    let library = Library::open().await;
    let page = library.get("/api/books?include=authors,authorsCount").await;
    assert_eq!(
        page["data"][0],
        json!({
            "id": 1, "title": "Good Omens", "loans": 2, "authors_count": 2,
            "authors": [
                {"id": 2, "name": "Terry Pratchett",
                    "pivot": {"book_id": 1, "author_id": 2, "role": "second", "is_first": 0}},
                {"id": 1, "name": "Neil Gaiman", "pivot": {"book_id": 1, "author_id": 1, "role": null, "is_first": 1}},
            ],
        })
    );
    assert_eq!(page["data"][1]["authors"][0]["pivot"]["book_id"], 2);
    assert_eq!(page["data"][2]["authors"], json!([]));
}

/// Two shelves have the number 70: the first in the order of shelves is the one that is shown and counted.
#[tokio::test]
async fn a_row_is_found_by_another_column_than_its_key() {
    let library = Library::open().await;
    let asked = "{ books { nodes { title shelf { name } } } }";
    assert_eq!(
        library.graphql(asked).await["data"]["books"]["nodes"],
        json!([
            {"title": "Good Omens", "shelf": {"name": "Fantasy, right"}},
            {"title": "Mort", "shelf": {"name": "Fantasy, right"}},
            // A shelf without a number is not where a book without a number stands.
            {"title": "Nobody's", "shelf": null},
        ])
    );
}

#[tokio::test]
async fn rows_are_found_by_another_column_of_the_row() {
    let library = Library::open().await;
    let asked = "{ shelves { nodes { name books(last: 1) { totalCount nodes { title } pageInfo { hasPreviousPage } } } } }";
    let books = |total: u64, title: &str| json!({"totalCount": total, "nodes": [{"title": title}], "pageInfo": {"hasPreviousPage": true}});
    let none = json!({"totalCount": 0, "nodes": [], "pageInfo": {"hasPreviousPage": false}});
    // The second time it comes from the cache of operations.
    for _ in 0..2 {
        assert_eq!(
            library.graphql(asked).await["data"]["shelves"]["nodes"],
            json!([
                // Two shelves of one number have the same books.
                {"name": "Fantasy, left", "books": books(2, "Mort")},
                {"name": "Fantasy, right", "books": books(2, "Mort")},
                {"name": "Empty", "books": none},
                // It has no number.
                {"name": "New", "books": none},
            ])
        );
    }
}

/// A list that is never long says that it is whole; a long one has the arguments of a list at the root. What counts rows
/// is REST's alone.
#[tokio::test]
async fn lists_inside_records_are_whole_or_connections() {
    let library = Library::open().await;
    let asked =
        "{ __type(name: \"Book\") { fields { name description type { name } args { name description } } } }";
    let answer = library.graphql(asked).await;
    let fields = answer["data"]["__type"]["fields"].as_array().unwrap();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name);
    let loans = field("loanRows").unwrap();
    assert!(loans["description"].as_str().unwrap().starts_with("All of them: when it was lent."), "{loans}");
    assert_eq!(loans["args"], json!([]));
    let authors = field("authors").unwrap();
    assert_eq!(authors["type"]["name"], "AuthorConnection");
    let arguments = authors["args"].as_array().unwrap();
    let names: Vec<_> = arguments.iter().map(|argument| argument["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["filter", "sort", "first", "after", "last", "before", "page", "perPage"]);
    assert!(arguments.iter().all(|argument| argument["description"].is_string()), "{authors}");
    for hidden in ["authorsCount", "authorsExists", "loanRowsCount", "shelfCount", "shelfExists"] {
        assert!(field(hidden).is_none(), "{hidden}");
    }
}

#[tokio::test]
async fn an_include_takes_the_place_of_a_column() {
    let library = Library::open().await;
    assert_eq!(
        library.get("/api/books").await["data"][0],
        json!({"id": 1, "title": "Good Omens", "loans": 2})
    );
    let page = library.get("/api/books?include=loans,loansCount,loansExists").await;
    assert_eq!(
        page["data"][0],
        json!({
            "id": 1, "title": "Good Omens", "loans": [{"days": 14}, {"days": 7}], "loans_count": 2,
            "loans_exists": true,
        })
    );
    let answer = library.ask("GET", "/api/books?include=loans").await;
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains(r#""title":"Good Omens","loans":[{"days":14}"#), "in the column's place: {text}");
}

#[tokio::test]
async fn the_openapi_document_tells_of_both() {
    let library = Library::open().await;
    let answer = library.component(&library.openapi["paths"]["/books"]["get"]["responses"]["200"]);
    let page = library.component(&answer["content"]["application/json"]["schema"]);
    let row = &library.component(&page["allOf"][1]["properties"]["data"]["items"])["properties"];
    let author = library.component(&row["authors"]["items"]);
    let pivot = library.component(&author["allOf"][1]["properties"]["pivot"]);
    assert_eq!(pivot["required"], json!(["book_id", "author_id", "role", "is_first"]));
    assert_eq!(pivot["properties"]["role"]["type"], json!(["string", "null"]));
    assert_eq!(pivot["properties"]["is_first"]["type"], "integer");
    assert_eq!(row["loans"]["anyOf"][0]["type"], "integer");
    let loan = library.component(&row["loans"]["anyOf"][1]["items"]);
    assert_eq!(loan["properties"]["days"]["type"], "integer");
}

/// What REST documents may say is nothing for clients of GraphQL.
#[tokio::test]
async fn clients_cannot_use_the_directives_of_documents() {
    let library = Library::open().await;
    for asked in [
        "{ books { nodes { authors @pivot { nodes { name } } } } }",
        "{ books { nodes { title @replaces(key: \"loans\") loans } } }",
    ] {
        let answer = library.graphql(asked).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
    }
}
