//! Documents that do not agree with the schema stop the start, and the error names the operation and what is wrong.

use crate::shop::{DOCUMENTS, Library};

async fn refusal(from: &str, to: &str) -> String {
    assert!(DOCUMENTS.contains(from), "{from}");
    let error = Library::with(&DOCUMENTS.replace(from, to)).await.err().expect("it starts");
    error.cause().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test]
async fn a_directive_that_has_nothing_to_work_on() {
    for (from, to, problem) in [
        ("title loans }", "title loans @pivot }", "`loans` has @pivot, but no table stands between"),
        (
            "(key: \"loans\")",
            "(key: \"lent\")",
            "`loanRows` replaces `lent`, which is not selected beside it",
        ),
        ("@replaces(key: \"loans\")", "@replaces", "`loanRows` has @replaces without the text `key`"),
        ("title loans }", "title loans lent }", "Unknown field \"lent\" on type \"Book\""),
        ("operation: \"booksShow\", ", "", "`show` needs the text `operation`"),
        ("operation: \"booksShow\"", "operation: \"booksDestroy\"", "two operations have this name"),
        (", summary: \"One book, as", ", name: \"One book, as", "`show` has no argument `name`"),
        ("filter: $filter, ", "", "`show` needs a list that takes conditions"),
        ("limiter: \"door\"", "limiter: \"window\"", "there is no limiter `window`"),
        ("alone: true}", "only: true}", "`limiter` is a name, or an object of `name` and `alone`"),
        ("maxBody: 200", "maxBody: \"much\"", "`maxBody` is no number of bytes"),
        ("status: 204", "status: 404", "`status` is no status of success"),
        (
            "tag: \"Books\", summary: \"The time\"",
            "tag: \"B\", summary: \"T\", includes: [authors]",
            "`includes` and `also` are for pages",
        ),
        (
            "tag: \"Books\", summary: \"The time\"",
            "tag: \"B\", summary: \"T\", inputs: {nope: {exactly: \"1\"}}",
            "`inputs` names `$nope`",
        ),
        ("status: 204", "status: \"204\"", "`status` is no number"),
    ] {
        let told = refusal(from, to).await;
        assert!(told.starts_with("REST document `"), "{told}");
        assert!(told.contains(problem), "{told}");
    }
}
