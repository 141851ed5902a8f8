//! Rows that a table between joins, rows that are related by other columns than keys, and includes that take the
//! place of a column.

use serde_json::json;

use crate::shop::Library;

#[tokio::test]
async fn rows_are_reached_through_a_table_between() {
    let library = Library::open().await;
    let asked = "{ books { nodes { title authors { name } authorsCount authorsExists } } }";
    assert_eq!(
        library.graphql(asked).await["data"]["books"]["nodes"],
        json!([
            // In the order in which they were joined.
            {
                "title": "Good Omens", "authorsCount": 2, "authorsExists": true,
                "authors": [{"name": "Terry Pratchett"}, {"name": "Neil Gaiman"}],
            },
            // Who is joined but not there is left out, and not counted.
            {"title": "Mort", "authorsCount": 1, "authorsExists": true, "authors": [{"name": "Terry Pratchett"}]},
            {"title": "Nobody's", "authorsCount": 0, "authorsExists": false, "authors": []},
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
    let asked = "{ books { nodes { title shelf { name } shelfCount shelfExists } } }";
    assert_eq!(
        library.graphql(asked).await["data"]["books"]["nodes"],
        json!([
            {"title": "Good Omens", "shelf": {"name": "Fantasy, right"}, "shelfCount": 1, "shelfExists": true},
            {"title": "Mort", "shelf": {"name": "Fantasy, right"}, "shelfCount": 1, "shelfExists": true},
            // A shelf without a number is not where a book without a number stands.
            {"title": "Nobody's", "shelf": null, "shelfCount": 0, "shelfExists": false},
        ])
    );
}

#[tokio::test]
async fn rows_are_found_by_another_column_of_the_row() {
    let library = Library::open().await;
    let asked = "{ shelves { nodes { name books { title } booksCount booksExists } } }";
    assert_eq!(
        library.graphql(asked).await["data"]["shelves"]["nodes"],
        json!([
            {
                "name": "Fantasy, left", "booksCount": 2, "booksExists": true,
                "books": [{"title": "Good Omens"}, {"title": "Mort"}],
            },
            {
                "name": "Fantasy, right", "booksCount": 2, "booksExists": true,
                "books": [{"title": "Good Omens"}, {"title": "Mort"}],
            },
            {"name": "Empty", "booksCount": 0, "booksExists": false, "books": []},
            {"name": "New", "booksCount": 0, "booksExists": false, "books": []},
        ])
    );
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
    let answers = &library.openapi["paths"]["/books"]["get"]["responses"]["200"]["content"];
    let row = &answers["application/json"]["schema"]["allOf"][1]["properties"]["data"]["items"]["properties"];
    let pivot = &row["authors"]["items"]["allOf"][1]["properties"]["pivot"];
    assert_eq!(pivot["required"], json!(["book_id", "author_id", "role", "is_first"]));
    assert_eq!(pivot["properties"]["role"]["type"], json!(["string", "null"]));
    assert_eq!(pivot["properties"]["is_first"]["type"], "integer");
    assert_eq!(row["loans"]["anyOf"][0]["type"], "integer");
    assert_eq!(row["loans"]["anyOf"][1]["items"]["properties"]["days"]["type"], "integer");
}

/// What REST documents may say is nothing for clients of GraphQL.
#[tokio::test]
async fn clients_cannot_use_the_directives_of_documents() {
    let library = Library::open().await;
    for asked in [
        "{ books { nodes { authors @pivot { name } } } }",
        "{ books { nodes { title @replaces(key: \"loans\") loans } } }",
    ] {
        let answer = library.graphql(asked).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
    }
}
