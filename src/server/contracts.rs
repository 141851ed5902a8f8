//! The files that are generated from the code: the contracts `schema.graphql` and `openapi.json`, and the list of
//! settings.

use std::io;
use std::path::Path;
use std::sync::LazyLock;

use async_graphql::registry::Registry;
use bytes::Bytes;
use facade::rest::{self, Checked, Document, Examples, XmlSchema};
use migration::ExpectedTable;
use sea_orm::DbBackend;
use serde_json::Value as Json;

use crate::platform::config;
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
const SETTINGS: &str = "docs/settings.md";

/// The GraphQL schema, as the file has it.
#[must_use]
pub fn schema_graphql() -> String {
    format!("{}\n", schema::sdl().trim())
}

/// The OpenAPI document as it was last generated; the server returns it.
const WRITTEN_OPENAPI: &str = include_str!("../../openapi.json");
/// The server in it.
const SERVER: &str = "\"url\": \"/api\",
      \"description\": \"The shop, in production or for tests\",
      \"x-internal\": false";

/// The line with the server's URL in YAML.
const YAML_URL: &str = "url: /api\n";

/// How the served document names its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerForm {
    /// As the original does (docs/contract/documented-contract.md#4).
    Original,
    /// As the file does.
    Whole,
}

/// The OpenAPI document with the URL that the client has used.
///
/// It has three parts; the two large ones are not copied, because the document is large and a slow client keeps it in
/// memory.
#[must_use]
pub fn openapi_at(base: &str, form: ServerForm) -> [Bytes; 3] {
    let url = Json::from(format!("{base}{}", rest::PREFIX));
    let (before, behind) = WRITTEN_OPENAPI.split_once(SERVER).unwrap_or((WRITTEN_OPENAPI, ""));
    let server = match form {
        ServerForm::Original => format!("\"url\": {url},\n      \"description\": \"Endpoint\""),
        ServerForm::Whole => SERVER.replacen("\"/api\"", &url.to_string(), 1),
    };
    [Bytes::from_static(before.as_bytes()), Bytes::from(server), Bytes::from_static(behind.as_bytes())]
}

/// The OpenAPI document as YAML, with the URL that the client has used, in three parts as [`openapi_at`].
#[must_use]
pub fn openapi_yaml_at(base: &str) -> [Bytes; 3] {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let document: Option<Json> = serde_json::from_str(WRITTEN_OPENAPI).ok();
        document.and_then(|document| yaml_serde::to_string(&document).ok()).unwrap_or_default()
    });
    let url = Json::from(format!("{base}{}", rest::PREFIX));
    let (before, behind) = DOCUMENT.split_once(YAML_URL).unwrap_or((&DOCUMENT, ""));
    let server = Bytes::from(format!("url: {url}\n"));
    [Bytes::from_static(before.as_bytes()), server, Bytes::from_static(behind.as_bytes())]
}

/// The XML Schema of what is in the OpenAPI document. It is made when it is asked for first, and is no file: the document
/// says all that it does.
///
/// # Errors
/// When it cannot be made.
pub fn xml_schema() -> io::Result<&'static XmlSchema> {
    static SCHEMA: LazyLock<io::Result<XmlSchema>> =
        LazyLock::new(|| XmlSchema::new(&serde_json::from_str(WRITTEN_OPENAPI)?));
    SCHEMA.as_ref().map_err(io::Error::other)
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

fn files(examples: &Examples) -> io::Result<[(&'static str, String); 3]> {
    let openapi = openapi(examples).map_err(io::Error::other)?;
    Ok([(GRAPHQL, schema_graphql()), (OPENAPI, openapi), (SETTINGS, config::page())])
}

/// Writes `schema.graphql`, `openapi.json` and `docs/settings.md` into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, examples: &Examples) -> io::Result<()> {
    files(examples)?.into_iter().try_for_each(|(name, text)| {
        let file = folder.join(name);
        file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(file, text)
    })
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
    use bytes::Bytes;
    use serde_json::{Value as Json, json};

    use super::{SERVER, ServerForm, WRITTEN_OPENAPI, difference, openapi_at, openapi_yaml_at};

    fn text(parts: [Bytes; 3]) -> String {
        String::from_utf8(parts.concat()).unwrap()
    }

    #[test]
    fn the_address_is_told_once() {
        assert_eq!(WRITTEN_OPENAPI.matches(SERVER).count(), 1);
        let whole: Json = serde_json::from_str(&text(openapi_at("https://a\"b", ServerForm::Whole))).unwrap();
        assert_eq!(whole["servers"][0]["url"], "https://a\"b/api");
        let original: Json =
            serde_json::from_str(&text(openapi_at("https://a", ServerForm::Original))).unwrap();
        assert_eq!(original["servers"], json!([{"url": "https://a/api", "description": "Endpoint"}]));
        let yaml: Json = yaml_serde::from_str(&text(openapi_yaml_at("https://a\"b"))).unwrap();
        assert_eq!(yaml, whole);
    }

    #[test]
    fn the_first_difference_is_told() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\n c\n"), Some((2, "b", "c")));
        assert_eq!(difference("a\nb\n", ""), Some((1, "a", "")));
    }
}
