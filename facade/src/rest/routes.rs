//! The operation that a path and a method name, and the answer if there is none
//! (docs/contract/wire.md#1.4, docs/contract/wire.md#1.5).

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::Method;

use super::document::{Checked, Document, Route};
use super::expected_body::ExpectedBody;

/// `Allow` of a path that no operation has.
const ALLOW_OF_UNKNOWN_PATHS: &str = "GET, HEAD";

/// The routes of all documents.
pub struct Routes {
    /// For each path, its index in `paths`.
    router: matchit::Router<usize>,
    paths: Vec<RoutePath>,
}

/// A path with its methods.
struct RoutePath {
    path: String,
    methods: Vec<RouteMethod>,
    /// The body that the operations of all methods expect.
    expected: Arc<ExpectedBody>,
}

#[derive(Clone, Copy)]
struct RouteMethod {
    /// The name of the method.
    method: &'static str,
    /// The index of the document.
    document: usize,
    /// As [`Route::added`].
    added: bool,
}

/// The path of a route that a request matches.
#[derive(Default)]
pub struct MatchedPath {
    /// Its index in [`Routes`]; `None` if no route has such a path.
    index: Option<usize>,
    /// Values of the path's parameters, by name.
    pub parameters: HashMap<String, String>,
}

impl MatchedPath {
    /// Whether an operation has the path.
    pub fn is_known(&self) -> bool {
        self.index.is_some()
    }
}

/// Why no operation answers a request.
#[derive(Debug)]
pub enum Unmatched {
    /// No operation has the path.
    NotFound,
    /// The path has other methods: the value of `Allow`.
    NotAllowed(String),
}

impl Routes {
    /// The routes of these documents.
    ///
    /// # Errors
    /// When two documents have the same route, or a path is malformed.
    pub fn new(documents: &[Document<Checked>]) -> Result<Self, String> {
        let mut routes = Self { router: matchit::Router::new(), paths: Vec::new() };
        let mut indexes: HashMap<String, usize> = HashMap::new();
        for (document, declared) in documents.iter().enumerate() {
            for route in &declared.routes {
                let index = match indexes.get(&route.path) {
                    Some(&index) => index,
                    None => routes.add_path(&route.path)?,
                };
                indexes.insert(route.path.clone(), index);
                routes.paths[index].add_method(route, document, declared.expected_body())?;
            }
        }
        Ok(routes)
    }

    /// Adds a path without methods; returns its index.
    fn add_path(&mut self, path: &str) -> Result<usize, String> {
        let index = self.paths.len();
        self.router.insert(path, index).map_err(|error| format!("{path}: {error}"))?;
        let (methods, expected) = (Vec::new(), Arc::default());
        self.paths.push(RoutePath { path: path.to_owned(), methods, expected });
        Ok(index)
    }

    /// Matches a path below `/api`.
    pub fn match_path(&self, path: &str) -> MatchedPath {
        let Ok(found) = self.router.at(path) else { return MatchedPath::default() };
        let parameters =
            found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        MatchedPath { index: Some(*found.value), parameters }
    }

    /// The index of the document that a method names on a path.
    ///
    /// # Errors
    /// When there is none.
    pub fn document(&self, matched_path: &MatchedPath, method: &Method) -> Result<usize, Unmatched> {
        let reads = *method == Method::GET || *method == Method::HEAD;
        let Some(path) = self.route_path(matched_path) else {
            let allow = || Unmatched::NotAllowed(ALLOW_OF_UNKNOWN_PATHS.to_owned());
            return Err(if reads { Unmatched::NotFound } else { allow() });
        };
        let name = if reads { "GET" } else { method.as_str() };
        let found = path.methods.iter().find(|known| known.method == name);
        found.map(|known| known.document).ok_or_else(|| {
            if reads && !path.is_added() {
                Unmatched::NotFound
            } else {
                Unmatched::NotAllowed(path.allow(", "))
            }
        })
    }

    /// The documented path below `/api`, with its `{parameters}`.
    pub fn path(&self, matched_path: &MatchedPath) -> Option<&str> {
        self.route_path(matched_path).map(|path| path.path.as_str())
    }

    /// The body that the operations of a path expect, for all of its methods.
    pub fn expected_body(&self, matched_path: &MatchedPath) -> Arc<ExpectedBody> {
        self.route_path(matched_path).map(|path| Arc::clone(&path.expected)).unwrap_or_default()
    }

    /// The value of `Allow` in the answer to `OPTIONS`.
    pub fn allow(&self, matched_path: &MatchedPath) -> String {
        let path = self.route_path(matched_path);
        path.map_or_else(|| ALLOW_OF_UNKNOWN_PATHS.replace(' ', ""), |path| path.allow(","))
    }

    fn route_path(&self, matched_path: &MatchedPath) -> Option<&RoutePath> {
        matched_path.index.and_then(|index| self.paths.get(index))
    }
}

impl RoutePath {
    fn add_method(&mut self, route: &Route, document: usize, expected: &ExpectedBody) -> Result<(), String> {
        Arc::make_mut(&mut self.expected).join(expected);
        if self.methods.iter().any(|known| known.method == route.method) {
            return Err(format!("two operations claim {} {}", route.method, route.path));
        }
        self.methods.push(RouteMethod { method: route.method, document, added: route.added });
        Ok(())
    }

    /// Whether the original does not have the path.
    fn is_added(&self) -> bool {
        self.methods.iter().all(|known| known.added)
    }

    /// The value of `Allow`: the methods that are answered, in the order of the original.
    fn allow(&self, separator: &str) -> String {
        let has = |method: &str| self.methods.iter().any(|known| known.method == method);
        let is_listed = |method: &str| has(if method == "HEAD" { "GET" } else { method });
        let methods = ["GET", "HEAD", "POST", "PUT", "DELETE"].into_iter();
        methods.filter(|&method| is_listed(method)).collect::<Vec<_>>().join(separator)
    }
}
