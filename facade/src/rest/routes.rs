//! Which operation a path and method mean, and what is said when none is meant
//! (docs/contract/wire.md#1.4, docs/contract/wire.md#1.5).

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::Method;

use super::document::{Checked, Document};
use super::expected::Expected;

/// What every unknown path answers to.
const ANYWHERE: &str = "GET, HEAD";

/// The paths of all documents.
pub struct Routes {
    paths: matchit::Router<usize>,
    entries: Vec<Entry>,
}

/// A path of an operation, with all its methods.
struct Entry {
    path: String,
    ways: Vec<Way>,
    expected: Arc<Expected>,
}

#[derive(Clone, Copy)]
struct Way {
    method: &'static str,
    document: usize,
    added: bool,
}

/// A path that a request names, whatever its method.
#[derive(Default)]
pub struct Place {
    /// Position of the path among [`Routes`]; `None` where no operation has it.
    entry: Option<usize>,
    /// Values of the path's parameters.
    pub parameters: HashMap<String, String>,
}

impl Place {
    /// Whether an operation has the path.
    pub fn is_known(&self) -> bool {
        self.entry.is_some()
    }
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
                    routes.entries.push(Entry {
                        path: route.path.clone(),
                        ways: Vec::new(),
                        expected: Arc::default(),
                    });
                    let at = routes.entries.len() - 1;
                    routes
                        .paths
                        .insert(route.path.clone(), at)
                        .map_err(|error| format!("{}: {error}", route.path))?;
                    known.insert(route.path.clone(), at);
                    at
                }
            };
            let entry = &mut routes.entries[at];
            Arc::make_mut(&mut entry.expected).join(documents[document].expected());
            let ways = &mut entry.ways;
            if ways.iter().any(|way| way.method == route.method) {
                return Err(format!("two operations claim {} {}", route.method, route.path));
            }
            ways.push(Way { method: route.method, document, added: route.added });
        }
        Ok(routes)
    }

    /// The place that a path below `/api` names.
    pub fn place(&self, path: &str) -> Place {
        let Ok(found) = self.paths.at(path) else { return Place::default() };
        let parameters =
            found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Place { entry: Some(*found.value), parameters }
    }

    /// The position of the document that a method means at a place.
    ///
    /// # Errors
    /// When there is none.
    pub fn document(&self, place: &Place, method: &Method) -> Result<usize, Unmatched> {
        let reads = *method == Method::GET || *method == Method::HEAD;
        let Some(entry) = self.entry(place) else {
            return Err(if reads { Unmatched::NotFound } else { Unmatched::NotAllowed(ANYWHERE.to_owned()) });
        };
        let wanted = if reads { "GET" } else { method.as_str() };
        let way = entry.ways.iter().find(|way| way.method == wanted);
        way.map(|way| way.document).ok_or_else(|| {
            if reads && !entry.is_own() && !entry.shows_get() {
                Unmatched::NotFound
            } else {
                Unmatched::NotAllowed(entry.allow(", "))
            }
        })
    }

    /// The path of a place as it is documented, below `/api`.
    pub fn path(&self, place: &Place) -> Option<&str> {
        self.entry(place).map(|entry| entry.path.as_str())
    }

    /// What a body may hold that is sent to a place, whichever of its methods is meant.
    pub fn expected(&self, place: &Place) -> Arc<Expected> {
        self.entry(place).map(|entry| Arc::clone(&entry.expected)).unwrap_or_default()
    }

    fn entry(&self, place: &Place) -> Option<&Entry> {
        place.entry.and_then(|at| self.entries.get(at))
    }

    /// `Allow` of a plain `OPTIONS` request.
    pub fn options(&self, place: &Place) -> String {
        self.entry(place).map_or_else(|| ANYWHERE.replace(' ', ""), |entry| entry.allow(","))
    }
}

impl Entry {
    fn shows_get(&self) -> bool {
        self.ways.iter().any(|way| way.method == "GET")
    }

    /// Whether the original does not have the path: nothing is known of it but what is true.
    fn is_own(&self) -> bool {
        self.ways.iter().all(|way| way.added)
    }

    /// The methods in the original's order. On its paths, ways of our own are not told, and every path answers to `GET`,
    /// if only that there is nothing.
    fn allow(&self, separator: &str) -> String {
        let own = self.is_own();
        let has = |method: &str| self.ways.iter().any(|way| way.method == method && (own || !way.added));
        let told = |method: &str| match method {
            "GET" | "HEAD" => !own || has("GET"),
            method => has(method),
        };
        let methods = ["GET", "HEAD", "POST", "PUT", "DELETE"].into_iter();
        methods.filter(|&method| told(method)).collect::<Vec<_>>().join(separator)
    }
}
