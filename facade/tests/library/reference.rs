//! The examples of `docs/reference.md`: each block of GraphQL is a complete set of documents.

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
    assert!(examples.len() > 20, "few examples were found: {}", examples.len());
    for (heading, documents) in examples {
        if let Err(error) = Library::with(documents).await {
            let cause = error.cause().map(ToString::to_string).unwrap_or_default();
            panic!("the example below \"{heading}\" does not start: {cause}\n{documents}");
        }
    }
}
