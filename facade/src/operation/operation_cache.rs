//! Operations that ran before: parsed, validated and measured once. What of it depends on the variables is worked
//! out for each request.
//!
//! Only operations of callers with a valid key are remembered, by their whole text, and within a bound of memory. A
//! request whose variables are not plainly right goes the long way, where the validator tells what is wrong.

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
    CacheHints, DocumentBounds, Estimate, OperationLimits, SchemaRules, hash_of, named_operation, parse,
    values, variables,
};
use crate::Result;

/// Fields and other parts of documents that are remembered, all together: some hundred usual documents. A part takes
/// about half a kilobyte in each of the forms that are kept of it.
const MAX_PARTS: u64 = 8000;
/// Documents with more parts are not remembered.
const MAX_DOCUMENT_PARTS: u64 = 1000;
/// Longer texts are not remembered.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Bytes of a text that count as a part, whatever is in them: values have no fields.
const BYTES_PER_PART: u64 = 16;
/// About how many documents are remembered.
const EXPECTED_DOCUMENTS: usize = 200;
/// Combinations of switches that are remembered for an operation.
const MAX_VARIANTS: usize = 4;
/// Variables that an operation may have: the bits of a [`MissingVariables`].
const MAX_VARIABLES: usize = 64;
/// Shapes that are remembered for an operation; others go the long way.
const MAX_COMBINATIONS: usize = 64;

/// Which variables of an operation have no value, one bit each. Whether a variable may stand where it does can
/// depend on that, and on nothing else of a value that is of its type.
type MissingVariables = u64;

/// Operations that ran before; of those that cannot be remembered, that they cannot.
pub struct OperationCache {
    operations: Cache<OperationKey, Option<Arc<CachedOperation>>, PartsWeighter>,
    registry: Registry,
}

/// The text of a document, and which of its operations is meant.
#[derive(Clone, PartialEq, Eq, Hash)]
struct OperationKey {
    text: Box<str>,
    name: Option<Box<str>>,
}

/// The same, as a request has it.
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

/// The parts of a document.
#[derive(Clone)]
struct PartsWeighter;

impl Weighter<OperationKey, Option<Arc<CachedOperation>>> for PartsWeighter {
    fn weight(&self, asked: &OperationKey, known: &Option<Arc<CachedOperation>>) -> u64 {
        known.as_ref().map_or_else(|| text_parts(&asked.text) + 1, |known| known.parts)
    }
}

/// What a text counts for, whatever is in it.
fn text_parts(text: &str) -> u64 {
    text.len() as u64 / BYTES_PER_PART
}

/// An operation that ran before.
struct CachedOperation {
    document: ExecutableDocument,
    name: Option<Box<str>>,
    prepared: PreparedDocument,
    /// What was estimated when it was remembered: its cost is another one where it has variables.
    estimate: Estimate,
    /// How its answers may be kept.
    kept: CacheControl,
    /// The hash of the text.
    hash: String,
    accepted: RwLock<Vec<MissingVariables>>,
    /// How many parts the document has.
    parts: u64,
}

/// An operation that is ready to be run.
pub struct CachedRun {
    /// What is executed.
    pub variant: Arc<Variant>,
    /// How its answer may be kept.
    pub kept: CacheControl,
    /// The hash of its text.
    pub hash: String,
}

impl OperationCache {
    /// No operations yet, of the schema with these types.
    pub fn new(registry: Registry) -> Self {
        Self { operations: Cache::with_weighter(EXPECTED_DOCUMENTS, MAX_PARTS, PartsWeighter), registry }
    }

    /// The operation of a request and what running it can cost, where it ran before and its variables are plainly
    /// right. Their defaults are filled in.
    ///
    /// # Errors
    /// [`Error::NotRun`](crate::Error::NotRun) where it is beyond the limits with these variables.
    pub fn get(
        &self,
        request: &mut Request,
        rules: &SchemaRules,
        limits: &OperationLimits,
        bounds: DocumentBounds,
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
            && values::conform(&operation.node, &request.variables, &self.registry);
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

    /// Remembers an operation that ran.
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
        let prepared = PreparedDocument::new(&document, operation, &self.registry, MAX_VARIANTS).ok()?;
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

/// A request whose operation can be remembered, once it has run.
pub struct ExecutedOperation {
    /// The text of its document.
    text: String,
    /// Which of its operations ran, where the request says it.
    name: Option<String>,
    /// The variables that have a value, defaults filled in.
    given: Vec<Name>,
}

impl ExecutedOperation {
    /// What is to be remembered of a request that is going to run; nothing where that is not worth it.
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

    /// Whether everything is told on which it depends what is left out.
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
        let (known, hints) = (OperationCache::new(registry()), CacheHints::new(&registry()));
        for number in 0..2000 {
            remember(&known, &hints, format!("{{ product(id: {number}) {{ name pricing {{ monthly }} }} }}"));
        }
        assert!((100..2000).contains(&known.operations.len()), "{}", known.operations.len());
        assert!(known.operations.weight() <= MAX_PARTS);
        let large = |fields: usize| {
            let fields: String = (0..fields).map(|at| format!("f{at}: name ")).collect();
            format!("{{ product(id: 1) {{ {fields} }} }}")
        };
        let known = OperationCache::new(registry());
        remember(&known, &hints, large(1200));
        let (text, weight) = (large(1200), known.operations.weight());
        assert_eq!(weight, text_parts(&text) + 1, "of a large document, no more than its text is remembered");
        assert!(ExecutedOperation::of(&Request::new(large(3000))).is_none());
    }

    /// Fragments are written out wherever they are spread, at the root and in plans: what they become counts.
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
            let (known, hints) = (OperationCache::new(registry()), CacheHints::new(&registry()));
            remember(&known, &hints, document.clone());
            let asked = OperationKeyRef { text: &document, name: None };
            assert!(known.operations.get(&asked).is_some_and(|known| known.is_none()), "{document}");
        }
    }
}
