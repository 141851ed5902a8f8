//! The two contract files, written from the running code: `schema.graphql` and `openapi.json`.

use std::io;
use std::path::Path;

use async_graphql::registry::Registry;
use serde_json::Value as Json;

use crate::rest::{self, Checked, Document, Examples};
use crate::{Error, Result, resource, schema};

const GRAPHQL: &str = "schema.graphql";
const OPENAPI: &str = "openapi.json";

/// The GraphQL contract.
#[must_use]
pub fn schema_graphql() -> String {
    format!("{}\n", schema::sdl().trim())
}

/// The REST contract of checked documents.
///
/// # Errors
/// Never for documents of the schema.
pub fn openapi(documents: &[Document<Checked>], registry: &Registry) -> Result<Json> {
    rest::openapi(documents, registry, &Examples::new()).map_err(Error::internal)
}

/// The REST contract as text.
///
/// # Errors
/// When the documents don't agree with the schema.
pub fn openapi_json() -> Result<String> {
    let registry = schema::registry();
    let documents = rest::read(resource::DOCUMENTS).map_err(Error::internal)?;
    let documents = rest::check(documents, &registry).map_err(Error::internal)?;
    let contract = openapi(&documents, &registry)?;
    Ok(format!("{}\n", serde_json::to_string_pretty(&contract).map_err(Error::internal)?))
}

fn files() -> io::Result<[(&'static str, String); 2]> {
    Ok([(GRAPHQL, schema_graphql()), (OPENAPI, openapi_json().map_err(io::Error::other)?)])
}

/// Writes `schema.graphql` and `openapi.json` into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path) -> io::Result<()> {
    files()?.into_iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}

/// The files in a folder that differ from what [`write()`] would write: each name with the first
/// line that differs.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn check(folder: &Path) -> io::Result<Vec<String>> {
    let mut stale = Vec::new();
    for (name, wanted) in files()? {
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

/// Number and both texts of the first line that differs.
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
    use super::difference;

    #[test]
    fn the_first_difference_is_told() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\n c\n"), Some((2, "b", "c")));
        assert_eq!(difference("a\nb\n", ""), Some((1, "a", "")));
    }
}
