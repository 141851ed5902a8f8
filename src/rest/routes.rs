//! Which operation a method and path mean, and what is said when none is meant
//! (spec: `wire.md` 1.4 and 1.5).

use std::collections::HashMap;

use axum::http::Method;

use super::document::{Checked, Document};

/// What every unknown path answers to.
const ANYWHERE: &str = "GET, HEAD";

/// The paths of all documents.
pub struct Routes {
    paths: matchit::Router<usize>,
    entries: Vec<Entry>,
}

struct Entry {
    path: String,
    ways: Vec<Way>,
}

#[derive(Clone, Copy)]
struct Way {
    method: &'static str,
    document: usize,
    added: bool,
}

/// An operation that a request means.
pub struct Matched {
    /// Position of the operation's document.
    pub document: usize,
    /// Position of the path among [`Routes`].
    entry: usize,
    /// Values of the path's parameters.
    pub parameters: HashMap<String, String>,
}

/// A request that no operation answers.
#[derive(Debug)]
pub enum Unmatched {
    /// No such path.
    NotFound,
    /// The path answers to these methods only.
    NotAllowed(String),
}

impl Routes {
    /// The routes of these documents.
    ///
    /// # Errors
    /// When two documents claim the same route, or a path is malformed.
    pub fn new(documents: &[Document<Checked>]) -> Result<Self, String> {
        let mut routes = Self { paths: matchit::Router::new(), entries: Vec::new() };
        let mut known: HashMap<String, usize> = HashMap::new();
        for (document, route) in documents
            .iter()
            .enumerate()
            .flat_map(|(at, document)| document.routes.iter().map(move |route| (at, route)))
        {
            let at = match known.get(&route.path) {
                Some(&at) => at,
                None => {
                    routes.entries.push(Entry { path: route.path.clone(), ways: Vec::new() });
                    let at = routes.entries.len() - 1;
                    routes
                        .paths
                        .insert(route.path.clone(), at)
                        .map_err(|error| format!("{}: {error}", route.path))?;
                    known.insert(route.path.clone(), at);
                    at
                }
            };
            let ways = &mut routes.entries[at].ways;
            if ways.iter().any(|way| way.method == route.method) {
                return Err(format!("two operations claim {} {}", route.method, route.path));
            }
            ways.push(Way { method: route.method, document, added: route.added });
        }
        Ok(routes)
    }

    /// The operation of a method and a path below `/api`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, method: &Method, path: &str) -> Result<Matched, Unmatched> {
        let reads = *method == Method::GET || *method == Method::HEAD;
        let Ok(found) = self.paths.at(path) else {
            return Err(if reads { Unmatched::NotFound } else { Unmatched::NotAllowed(ANYWHERE.to_owned()) });
        };
        let wanted = if reads { "GET" } else { method.as_str() };
        let entry = &self.entries[*found.value];
        let Some(way) = entry.ways.iter().find(|way| way.method == wanted) else {
            return Err(if reads && !entry.shows_get() {
                Unmatched::NotFound
            } else {
                Unmatched::NotAllowed(entry.allow(", "))
            });
        };
        let parameters =
            found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Matched { document: way.document, entry: *found.value, parameters })
    }

    /// The path of an operation as it is documented, below `/api`.
    pub fn path(&self, matched: &Matched) -> &str {
        &self.entries[matched.entry].path
    }

    /// `Allow` of a plain `OPTIONS` request.
    pub fn options(&self, path: &str) -> String {
        self.paths
            .at(path)
            .map_or_else(|_| ANYWHERE.replace(' ', ""), |found| self.entries[*found.value].allow(","))
    }
}

impl Entry {
    fn shows_get(&self) -> bool {
        self.ways.iter().any(|way| way.method == "GET")
    }

    /// The methods in the original's order; ways of our own are not told. Every path answers to `GET`
    /// there, if only that there is nothing.
    fn allow(&self, separator: &str) -> String {
        let told = |method: &str| self.ways.iter().any(|way| way.method == method && !way.added);
        let methods = ["GET", "HEAD", "POST", "PUT", "DELETE"].into_iter();
        let told: Vec<_> = methods.filter(|&method| ANYWHERE.contains(method) || told(method)).collect();
        told.join(separator)
    }
}
