//! Records of the table of another record, for another audience.

use serde_json::json;

use crate::shop::Library;

#[tokio::test]
async fn a_view_shows_its_columns_as_its_record_does() {
    let library = Library::open().await;
    let asked = "{ covers { nodes { databaseId title facts shelf { name } __typename } } }";
    assert_eq!(
        library.graphql(asked).await["data"]["covers"]["nodes"][0],
        json!({
            "databaseId": 1, "title": "Good Omens", "facts": {"pages": 288, "errata": {}},
            "shelf": {"name": "Fantasy, right"}, "__typename": "Cover",
        })
    );
    // REST prints an empty object as a list.
    assert_eq!(
        library.get("/api/covers").await["data"][0],
        json!({"id": 1, "title": "Good Omens", "facts": {"pages": 288, "errata": []}})
    );
}

#[tokio::test]
async fn a_view_describes_its_columns_as_its_record_does_or_in_words_of_its_own() {
    let library = Library::open().await;
    let answer = library.graphql("{ __type(name: \"Cover\") { fields { name description } } }").await;
    let fields = answer["data"]["__type"]["fields"].as_array().unwrap();
    let told: Vec<_> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(told, ["id", "databaseId", "facts", "title", "cost", "loans", "shelf"]);
    let description = |at: usize| fields[at]["description"].as_str().unwrap();
    assert_eq!((description(2), description(3)), ("Facts about it.", "What is printed on it."));
}

/// `Book` guards what it cost, and nothing else; `Cover` guards how often it was lent, and nothing else.
#[tokio::test]
async fn a_view_has_guards_of_its_own_and_inherits_none() {
    let library = Library::open().await;
    for (asked, open, guarded) in [("books", "loans", "cost"), ("covers", "cost", "loans")] {
        let answer = library.graphql(&format!("{{ {asked} {{ nodes {{ {open} }} }} }}")).await;
        assert!(answer["errors"].is_null(), "{answer}");
        assert!(answer["data"][asked]["nodes"][0][open].is_i64(), "{answer}");
        let answer = library.graphql(&format!("{{ {asked} {{ nodes {{ {guarded} }} }} }}")).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
        assert!(!answer.to_string().contains("1200"), "{answer}");
    }
}

#[tokio::test]
async fn a_column_that_a_view_does_not_list_is_unknown() {
    let library = Library::open().await;
    for unknown in ["shelfNumber", "authors { name }", "loanRows { days }"] {
        let answer = library.graphql(&format!("{{ covers {{ nodes {{ {unknown} }} }} }}")).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
    }
}
