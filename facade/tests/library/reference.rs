//! The examples of `docs/reference.md`: each block of GraphQL is a complete set of documents.

use serde_json::json;

use crate::shop::Library;

const REFERENCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference.md"));

/// The blocks of GraphQL, with the last heading before each.
fn examples() -> Vec<(&'static str, &'static str)> {
    let blocks = REFERENCE.match_indices("\n```graphql\n").map(|(at, fence)| {
        let (before, block) = (&REFERENCE[..at], &REFERENCE[at + fence.len()..]);
        let heading = before.lines().rev().find(|line| line.starts_with("##")).unwrap();
        (heading, block.split_once("```").unwrap().0)
    });
    blocks.collect()
}

#[tokio::test]
async fn the_library_starts_with_each_example() {
    let examples = examples();
    assert!(examples.len() > 15, "few examples were found: {}", examples.len());
    for (heading, documents) in examples {
        if let Err(error) = Library::with(documents).await {
            let cause = error.cause().map(ToString::to_string).unwrap_or_default();
            panic!("the example below \"{heading}\" does not start: {cause}\n{documents}");
        }
    }
}

/// A library with the example below a heading.
async fn example(heading: &str) -> Library {
    let found = examples().into_iter().find(|(above, _)| *above == heading);
    Library::with(found.unwrap_or_else(|| panic!("no example below {heading}")).1).await.unwrap()
}

#[tokio::test]
async fn examples_answer_as_the_reference_says() {
    let library = example("## What a document is").await;
    let page = library.get("/api/books?filter[title]=m&sort=-id&include=authorsCount&per_page=1").await;
    assert_eq!(page["data"], json!([{"id": 2, "title": "Mort", "loans": 0, "authors_count": 1}]), "{page}");
    let told = library.get("/api/books?include=nobody").await;
    assert!(told["message"].as_str().unwrap().ends_with("`authors, authorsCount, authorsExists`."), "{told}");

    let library = example("### `also`").await;
    let row = library.get("/api/books?include=writers").await["data"][1].clone();
    assert_eq!(row, json!({"title": "Mort", "writers": [{"name": "Terry Pratchett"}]}));
    let told = library.get("/api/books?include=nobody").await.to_string();
    assert!(told.contains("authorsExists`") && !told.contains("writers"), "{told}");

    let library = example("### `inputs`").await;
    let row = async |query: &str| library.get(&format!("/api/books?{query}")).await["data"][0].clone();
    assert_eq!(row("whole=1").await, json!({"title": "Good Omens", "loans": 2}));
    assert_eq!(row("whole=true").await, json!({"title": "Good Omens"}));
    assert_eq!(row("q=mort").await, json!({"title": "Mort", "id": 2}));
    assert_eq!(row("q=mort&filter[title]=omens").await, json!({"title": "Good Omens"}));

    let library = example("## Directives on fields").await;
    assert_eq!(library.get("/api/clock").await, json!({"now": "2026-07-01T12:00:00.000000Z"}));

    let library = example("### `lends`").await;
    assert_eq!(library.get("/api/costs").await["data"][0], json!({"title": "Good Omens", "cost": 1200}));
    assert_eq!(example("### `can`").await.ask("GET", "/api/audit").await.status, 403);
}

#[tokio::test]
async fn fragments_are_shared_and_unrolled() {
    let library = example("## Fragments").await;
    assert_eq!(library.get("/api/shelves").await["data"][0], json!({"id": 1, "name": "Fantasy, left"}));
    let shelf = library.get("/api/shelves/deep").await["data"][0].clone();
    let mut depth = 1;
    let mut below = &shelf;
    while let Some(next) = below["books"].get(0).and_then(|book| book.get("shelf")) {
        (depth, below) = (depth + 1, next);
    }
    assert_eq!(depth, 16, "{shelf}");
    let unreached = "fragment Unread on Book { nothing } query clock @rest(get: \"/clock\", summary: \"The time\") { clock { now } }";
    assert!(Library::with(unreached).await.is_ok());
}

#[tokio::test]
async fn the_start_is_refused_as_the_reference_says() {
    let page = "answer: PAGE, summary: \"Books\"";
    let books = "books(filter: $filter, page: $page, perPage: $perPage) { nodes { title } }";
    let list = |rest: &str| {
        format!(
            "query books($filter: BookFilter, $page: Int, $perPage: Int) @rest(get: \"/books\", {page}, {rest}) {{ {books} }}"
        )
    };
    let clock = |rest: &str| format!("query clock {rest} {{ clock {{ now }} }}");
    let opened = |rest: &str| clock(&format!("@rest(get: \"/clock\", {rest})"));
    for (documents, problem) in [
        (list("filters: [nope]"), "BookFilter has no `nope`"),
        (list("sorts: [title]"), "`$sort` is not declared, but names for it are"),
        (list("includes: [title]"), "titleCount"),
        (list("lends: [\"books:write\"]"), "it lends `books:write`, which nothing in it needs"),
        (list("can: [\"books:burn\"]"), "no ability `books:burn`"),
        (opened("tag: \"Time\""), "@rest needs a summary"),
        (opened("summary: \"Time\", answer: LIST"), "no answer `LIST`"),
        (opened("summary: \"Time\", status: 70000"), "`status` is no status of success"),
        (opened("summary: \"Time\", colour: RED"), "@rest has no argument `colour`"),
        (opened("summary: \"Time\", older: {patch: \"/c\"}"), "`older` has no method `patch`"),
        (opened("summary: \"Time\", answer: PAGE"), "a page needs one root field with `nodes`"),
        (clock("@rest(summary: \"Time\")"), "@rest names no path"),
        (clock(""), "it has no @rest"),
        (format!("{0} {0}", opened("summary: \"Time\"")), "clock"),
        (
            "fragment A on Book { title } fragment A on Book { loans }".to_owned()
                + &opened("summary: \"T\""),
            "A",
        ),
    ] {
        let error = Library::with(&documents).await.err().unwrap_or_else(|| panic!("it starts: {documents}"));
        let told = error.cause().map(ToString::to_string).unwrap_or_default();
        assert!(told.contains(problem), "{told}\n{documents}");
    }
}
