//! A cache of operations that ran before, so that each is parsed and validated once. What depends on variables is
//! computed for each request.
//!
//! Only operations of callers with a valid key are cached, by their whole text, and within a limit of memory. Where the
//! variables of a request are not certainly valid, the cache is not used, and the validator reports what is wrong.

use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::registry::Registry;
use async_graphql::{CacheControl, Name, Request, Value, Variables};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::measure::Measure;
use super::prepared::{PreparedDocument, Variant};
use super::{
    CacheHints, DocumentLimits, Estimate, OperationLimits, SchemaRules, hash_of, named_operation, parse,
    values, variables,
};
use crate::Result;

/// Maximum number of parts (fields and fragments) of all cached documents together: enough for some hundred usual
/// documents. A part takes about half a kilobyte in each form in which it is kept.
const MAX_PARTS: u64 = 8000;
/// Documents with more parts are not cached.
const MAX_DOCUMENT_PARTS: u64 = 1000;
/// Longer documents are not cached, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// The number of bytes of a document's text that count as one part, since literal values hold no fields.
const BYTES_PER_PART: u64 = 16;
/// Expected number of cached documents (the cache's initial size).
const EXPECTED_DOCUMENTS: usize = 200;
/// Maximum number of cached variants of an operation.
const MAX_VARIANTS: usize = 4;
/// Maximum number of variables of a cached operation: the bits of a [`MissingVariables`].
const MAX_VARIABLES: usize = 64;
/// Maximum number of accepted combinations of missing variables for an operation.
const MAX_COMBINATIONS: usize = 64;

/// The variables of an operation that have no value, one bit for each. For values of the right type, validation can
/// depend on nothing else.
type MissingVariables = u64;

/// The cache. For an operation that cannot be cached it holds `None`.
pub struct OperationCache {
    operations: Cache<OperationKey, Option<Arc<CachedOperation>>, PartsWeighter>,
    types: Arc<Registry>,
}

/// The key: the text of a document and the name of its operation.
#[derive(Clone, PartialEq, Eq, Hash)]
struct OperationKey {
    text: Box<str>,
    name: Option<Box<str>>,
}

/// The key, borrowed from a request.
#[derive(Hash)]
struct OperationKeyRef<'a> {
    text: &'a str,
    name: Option<&'a str>,
}

impl Equivalent<OperationKey> for OperationKeyRef<'_> {
    fn equivalent(&self, known: &OperationKey) -> bool {
        *self.text == *known.text && self.name == known.name.as_deref()
    }
}

/// Weighs a cached operation by its parts.
#[derive(Clone)]
struct PartsWeighter;

impl Weighter<OperationKey, Option<Arc<CachedOperation>>> for PartsWeighter {
    fn weight(&self, asked: &OperationKey, known: &Option<Arc<CachedOperation>>) -> u64 {
        known.as_ref().map_or_else(|| text_parts(&asked.text) + 1, |known| known.parts)
    }
}

/// Parts that the text of a document counts as.
fn text_parts(text: &str) -> u64 {
    text.len() as u64 / BYTES_PER_PART
}

/// A cached operation.
struct CachedOperation {
    document: ExecutableDocument,
    name: Option<Box<str>>,
    prepared: PreparedDocument,
    /// The estimate of its first run; its cost is computed again where it has variables.
    estimate: Estimate,
    /// How clients may cache its answers.
    kept: CacheControl,
    /// SHA-256 of the document's text.
    hash: String,
    accepted: RwLock<Vec<MissingVariables>>,
    /// Number of parts of the document.
    parts: u64,
}

/// A cached operation for the variables of one request.
pub struct CachedRun {
    /// The document to execute.
    pub variant: Arc<Variant>,
    /// How the client may cache the answer.
    pub kept: CacheControl,
    /// SHA-256 of the document's text.
    pub hash: String,
}

impl OperationCache {
    /// An empty cache for the schema with these types.
    pub fn new(types: Arc<Registry>) -> Self {
        Self { operations: Cache::with_weighter(EXPECTED_DOCUMENTS, MAX_PARTS, PartsWeighter), types }
    }

    /// The cached operation of a request and its maximum cost; `None` where it is not cached or its variables are not
    /// certainly valid. Defaults of variables are filled in.
    ///
    /// # Errors
    /// [`Error::NotRun`](crate::Error::NotRun) where it exceeds the limits with these variables.
    pub fn get(
        &self,
        request: &mut Request,
        rules: &SchemaRules,
        limits: &OperationLimits,
        bounds: DocumentLimits,
    ) -> Result<Option<(Estimate, CachedRun)>> {
        let asked = OperationKeyRef { text: &request.query, name: request.operation_name.as_deref() };
        let known = self.operations.get(&asked).flatten();
        let Some(known) = known.filter(|_| request.uploads.is_empty()) else { return Ok(None) };
        let Ok((_, operation)) = named_operation(&known.document, known.name.as_deref()) else {
            return Ok(None);
        };
        variables::fill_in_defaults(&operation.node, &mut request.variables);
        let given = |name: &Name| request.variables.get(name).is_some_and(|value| *value != Value::Null);
        let missing = missing_variables(&operation.node, given);
        let is_right = known.accepts(missing)
            && known.switches_are_set(&request.variables)
            && values::conform(&operation.node, &request.variables, &self.types);
        if !is_right {
            return Ok(None);
        }
        let mut estimate = known.estimate.clone();
        if !operation.node.variable_definitions.is_empty() {
            let measure = Measure::new(&known.document, &request.variables, &rules.prices, limits, bounds);
            estimate.cost = measure.check(Some(&operation.node))?;
        }
        let variant = known.prepared.variant(&request.variables);
        Ok(Some((estimate, CachedRun { variant, kept: known.kept, hash: known.hash.clone() })))
    }

    /// Caches an operation that ran successfully.
    pub fn remember(&self, ran: &ExecutedOperation, estimate: &Estimate, hints: &CacheHints) {
        let asked = OperationKeyRef { text: &ran.text, name: ran.name.as_deref() };
        if let Some(known) = self.operations.get(&asked) {
            return known.into_iter().for_each(|known| known.accept(&ran.given));
        }
        let known = self.parse(ran, estimate, hints);
        known.iter().for_each(|known| known.accept(&ran.given));
        let asked =
            OperationKey { text: ran.text.as_str().into(), name: ran.name.as_deref().map(Into::into) };
        self.operations.insert(asked, known.map(Arc::new));
    }

    fn parse(
        &self,
        ExecutedOperation { text, name, .. }: &ExecutedOperation,
        estimate: &Estimate,
        hints: &CacheHints,
    ) -> Option<CachedOperation> {
        if estimate.cost.introspects {
            return None;
        }
        let document = parse(text).ok()?;
        let (_, operation) = named_operation(&document, name.as_deref()).ok()?;
        if operation.node.variable_definitions.len() > MAX_VARIABLES {
            return None;
        }
        let prepared = PreparedDocument::new(&document, operation, &self.types, MAX_VARIANTS).ok()?;
        let parts = prepared.parts() + text_parts(text);
        if parts > MAX_DOCUMENT_PARTS {
            return None;
        }
        let kept = hints.of_document(&document, name.as_deref());
        Some(CachedOperation {
            prepared,
            kept,
            name: name.as_deref().map(Into::into),
            estimate: estimate.clone(),
            hash: hash_of(text),
            accepted: RwLock::default(),
            parts,
            document,
        })
    }
}

/// What the cache needs of a request after its operation has run.
pub struct ExecutedOperation {
    /// The text of the document.
    text: String,
    /// The name of the operation, where the request has one.
    name: Option<String>,
    /// The variables that have a value, by the request or by default.
    given: Vec<Name>,
}

impl ExecutedOperation {
    /// Takes the values from a request that will run; `None` where it will not be cached.
    pub fn of(request: &Request) -> Option<Self> {
        let fits = request.uploads.is_empty() && request.query.len() <= MAX_TEXT_BYTES;
        let given = request.variables.iter().filter(|(_, value)| **value != Value::Null);
        fits.then(|| Self {
            text: request.query.clone(),
            name: request.operation_name.clone(),
            given: given.map(|(name, _)| name.clone()).collect(),
        })
    }
}

impl CachedOperation {
    fn accepts(&self, missing: MissingVariables) -> bool {
        self.accepted.read().unwrap_or_else(PoisonError::into_inner).contains(&missing)
    }

    fn accept(&self, given: &[Name]) {
        let Ok((_, operation)) = named_operation(&self.document, self.name.as_deref()) else { return };
        let missing = missing_variables(&operation.node, |name| given.contains(name));
        let mut accepted = self.accepted.write().unwrap_or_else(PoisonError::into_inner);
        if accepted.len() < MAX_COMBINATIONS && !accepted.contains(&missing) {
            accepted.push(missing);
        }
    }

    /// Whether all switches of the document have a value.
    fn switches_are_set(&self, variables: &Variables) -> bool {
        let is_set = |name| matches!(variables.get(name), Some(Value::Boolean(_)));
        self.prepared.switches().iter().all(is_set)
    }
}

fn missing_variables(operation: &OperationDefinition, is_given: impl Fn(&Name) -> bool) -> MissingVariables {
    let definitions = operation.variable_definitions.iter().enumerate();
    let empty = definitions.filter(|(_, definition)| !is_given(&definition.node.name.node));
    empty.fold(0, |missing, (at, _)| missing | 1 << at)
}

#[cfg(test)]
mod tests {
    use super::super::Cost;
    use super::*;
    use crate::toy::registry;

    fn remember(known: &OperationCache, hints: &CacheHints, text: String) {
        let ran = ExecutedOperation::of(&Request::new(text.clone())).expect("a text that is short enough");
        let document = parse(&text).unwrap();
        let (name, operation) = named_operation(&document, None).unwrap();
        let (kind, name) = (operation.node.ty, name.cloned());
        let estimate = Estimate { cost: Cost::default(), kind, name, roots: Vec::new(), introspects: false };
        known.remember(&ran, &estimate, hints);
    }

    #[test]
    fn memory_is_bounded() {
        let (known, hints) = (OperationCache::new(registry().into()), CacheHints::new(&registry()));
        for number in 0..2000 {
            remember(&known, &hints, format!("{{ product(id: {number}) {{ name pricing {{ monthly }} }} }}"));
        }
        assert!((100..2000).contains(&known.operations.len()), "{}", known.operations.len());
        assert!(known.operations.weight() <= MAX_PARTS);
        let large = |fields: usize| {
            let fields: String = (0..fields).map(|at| format!("f{at}: name ")).collect();
            format!("{{ product(id: 1) {{ {fields} }} }}")
        };
        let known = OperationCache::new(registry().into());
        remember(&known, &hints, large(1200));
        let (text, weight) = (large(1200), known.operations.weight());
        assert_eq!(weight, text_parts(&text) + 1, "of a large document, no more than its text is remembered");
        assert!(ExecutedOperation::of(&Request::new(large(3000))).is_none());
    }

    /// Fragments are copied wherever they are spread, at the root and in plans, and each copy counts.
    #[test]
    fn fragments_count_as_often_as_they_are_spread() {
        let levels = |on: &str, spread: fn(usize) -> String| {
            (0..10).map(|at| format!("fragment L{at} on {on} {{ {} }} ", spread(at + 1))).collect::<String>()
        };
        let at_the_root = levels("Query", |next| format!("...L{next} ...L{next}"));
        let below = levels("Group", |next| format!("a: parent {{ ...L{next} }} b: parent {{ ...L{next} }}"));
        for document in [
            format!("{{ ...L0 }} {at_the_root} fragment L10 on Query {{ health }}"),
            format!("{{ group(id: 1) {{ ...L0 }} }} {below} fragment L10 on Group {{ name }}"),
        ] {
            let (known, hints) = (OperationCache::new(registry().into()), CacheHints::new(&registry()));
            remember(&known, &hints, document.clone());
            let asked = OperationKeyRef { text: &document, name: None };
            assert!(known.operations.get(&asked).is_some_and(|known| known.is_none()), "{document}");
        }
    }
}
