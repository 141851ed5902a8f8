//! The two contract files that are generated from the code: `schema.graphql` and `openapi.json`.

use std::io;
use std::path::Path;
use std::sync::LazyLock;

use async_graphql::registry::Registry;
use bytes::Bytes;
use facade::rest::{self, Checked, Document, Examples};
use migration::ExpectedTable;
use sea_orm::DbBackend;
use serde_json::Value as Json;

use crate::server::schema;
use crate::{Error, Result, resource};

/// General information of the OpenAPI document. Version and name of the security scheme are the original's.
const INFO: rest::OpenApiInfo = rest::OpenApiInfo {
    title: "guichet",
    version: "1.0.2",
    description: "The REST face of the shop. Every operation is a GraphQL operation too (`/graphql`): both faces run \
the same resolvers, guards and rules.\n\nA client that prefers XML sends `Accept: application/xml` and gets the same \
answer in it: the root element is `response`, a list holds `item` elements, null is an empty element with `nil=\"true\"`. \
Bodies are read as JSON, as forms (`application/x-www-form-urlencoded`, `multipart/form-data`) and as XML.",
    license: "MIT",
    examples: "In the demo shop",
    server: "The shop, in production or for tests",
    max_rows: MAX_PER_PAGE,
    text_length,
    scheme: "sanctum",
    key: "`Bearer <key>`. The key alone will do here: the word is added when it is missing.",
};

/// Most rows of a page of REST, unless `GUICHET_MAX_PER_PAGE` says otherwise.
const MAX_PER_PAGE: usize = 1_000;

/// Most characters of a text of the shop's schema.
fn text_length(table: &str, column: &str) -> Option<usize> {
    static TABLES: LazyLock<Vec<ExpectedTable>> = LazyLock::new(|| migration::expected(DbBackend::MySql));
    let table = TABLES.iter().find(|expected| expected.name == table)?;
    table.columns.iter().find(|expected| expected.name == column)?.max_length
}

const GRAPHQL: &str = "schema.graphql";
const OPENAPI: &str = "openapi.json";

/// The GraphQL schema, as the file has it.
#[must_use]
pub fn schema_graphql() -> String {
    format!("{}\n", schema::sdl().trim())
}

/// The OpenAPI document as it was last generated; the server returns it.
const WRITTEN_OPENAPI: &str = include_str!("../../openapi.json");
/// The line with the server's URL.
const SERVER_URL: &str = "\"url\": \"/api\"";

/// The OpenAPI document with the URL that the client has used.
///
/// It has three parts; the two large ones are not copied, because the document is large and a slow client keeps it in
/// memory.
#[must_use]
pub fn openapi_at(base: &str) -> [Bytes; 3] {
    let url = Json::from(format!("{base}{}", rest::PREFIX));
    let (before, behind) = WRITTEN_OPENAPI.split_once(SERVER_URL).unwrap_or((WRITTEN_OPENAPI, ""));
    let address = Bytes::from(format!("\"url\": {url}"));
    [Bytes::from_static(before.as_bytes()), address, Bytes::from_static(behind.as_bytes())]
}

/// Generates the OpenAPI document as text. `examples` are answers of the operations.
///
/// # Errors
/// When a document does not fit the schema.
pub fn openapi(examples: &Examples) -> Result<String> {
    let registry = schema::internal_registry();
    let documents = documents(&registry)?;
    let contract = rest::openapi(INFO, &documents, &registry, examples).map_err(Error::internal)?;
    Ok(format!("{}\n", serde_json::to_string_pretty(&contract).map_err(Error::internal)?))
}

/// Reads and checks the REST documents.
///
/// # Errors
/// When a document does not fit the schema.
pub fn documents(registry: &Registry) -> Result<Vec<Document<Checked>>> {
    let abilities = resource::abilities().all();
    let documents =
        rest::read(resource::DOCUMENTS, abilities, resource::DIALECTS).map_err(Error::internal)?;
    rest::check(documents, registry, abilities).map_err(Error::internal)
}

fn files(examples: &Examples) -> io::Result<[(&'static str, String); 2]> {
    Ok([(GRAPHQL, schema_graphql()), (OPENAPI, openapi(examples).map_err(io::Error::other)?)])
}

/// Writes `schema.graphql` and `openapi.json` into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, examples: &Examples) -> io::Result<()> {
    files(examples)?.into_iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}

/// The files in a folder that differ from what [`write()`] would write: each with its first line that differs.
///
/// # Errors
/// When an existing file cannot be read.
pub fn check(folder: &Path, examples: &Examples) -> io::Result<Vec<String>> {
    let mut stale = Vec::new();
    for (name, wanted) in files(examples)? {
        let found = match std::fs::read_to_string(folder.join(name)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        if let Some((line, wanted, found)) = difference(&wanted, &found) {
            stale.push(format!("{name} (line {line}: the code says `{wanted}`, the file `{found}`)"));
        }
    }
    Ok(stale)
}

/// The first line that differs: its number and both texts.
fn difference<'t>(wanted: &'t str, found: &'t str) -> Option<(usize, &'t str, &'t str)> {
    if wanted == found {
        return None;
    }
    let (mut left, mut right) = (wanted.lines(), found.lines());
    (1..).find_map(|line| match (left.next(), right.next()) {
        (Some(a), Some(b)) if a == b => None,
        (a, b) => Some((line, a.unwrap_or_default().trim(), b.unwrap_or_default().trim())),
    })
}

#[cfg(test)]
mod tests {
    use super::{SERVER_URL, WRITTEN_OPENAPI, difference, openapi_at};

    #[test]
    fn the_address_is_told_once() {
        assert_eq!(WRITTEN_OPENAPI.matches(SERVER_URL).count(), 1);
        let text = String::from_utf8(openapi_at("https://a\"b").concat()).unwrap();
        assert!(
            text.contains(r#""url": "https://a\"b/api""#) && text.starts_with('{') && text.ends_with("}\n")
        );
    }

    #[test]
    fn the_first_difference_is_told() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\n c\n"), Some((2, "b", "c")));
        assert_eq!(difference("a\nb\n", ""), Some((1, "a", "")));
    }
}
