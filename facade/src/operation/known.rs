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
use super::prepared::{Prepared, Variant};
use super::{Bounds, Estimate, Hints, Limits, Rules, chosen, hash_of, parse, values, variables};
use crate::Result;

/// Fields and other parts of documents that are remembered, all together: some hundred usual documents. A part takes
/// about half a kilobyte in each of the forms that are kept of it.
const PARTS: u64 = 8000;
/// Documents with more parts are not remembered.
const MOST_PARTS: u64 = 1000;
/// Longer texts are not remembered.
const LONGEST: usize = 16 * 1024;
/// Bytes of a text that count as a part, whatever is in them: values have no fields.
const PART: u64 = 16;
/// About how many documents are remembered.
const DOCUMENTS: usize = 200;
/// Combinations of switches that are remembered for an operation.
const MAX_VARIANTS: usize = 4;
/// Variables that an operation may have: the bits of a [`Shape`].
const MAX_VARIABLES: usize = 64;
/// Shapes that are remembered for an operation; others go the long way.
const MAX_SHAPES: usize = 64;

/// Which variables of an operation have no value, one bit each. Whether a variable may stand where it does can
/// depend on that, and on nothing else of a value that is of its type.
type Shape = u64;

/// Operations that ran before; of those that cannot be remembered, that they cannot.
pub struct Known {
    operations: Cache<Asked, Option<Arc<Remembered>>, Size>,
    registry: Registry,
}

/// The text of a document, and which of its operations is meant.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Asked {
    text: Box<str>,
    name: Option<Box<str>>,
}

/// The same, as a request has it.
#[derive(Hash)]
struct AskedNow<'a> {
    text: &'a str,
    name: Option<&'a str>,
}

impl Equivalent<Asked> for AskedNow<'_> {
    fn equivalent(&self, known: &Asked) -> bool {
        *self.text == *known.text && self.name == known.name.as_deref()
    }
}

/// The parts of a document.
#[derive(Clone)]
struct Size;

impl Weighter<Asked, Option<Arc<Remembered>>> for Size {
    fn weight(&self, asked: &Asked, known: &Option<Arc<Remembered>>) -> u64 {
        known.as_ref().map_or_else(|| text_parts(&asked.text) + 1, |known| known.parts)
    }
}

/// What a text counts for, whatever is in it.
fn text_parts(text: &str) -> u64 {
    text.len() as u64 / PART
}

/// An operation that ran before.
struct Remembered {
    document: ExecutableDocument,
    name: Option<Box<str>>,
    prepared: Prepared,
    /// What was estimated when it was remembered: its cost is another one where it has variables.
    estimate: Estimate,
    /// How its answers may be kept.
    kept: CacheControl,
    /// The hash of the text.
    hash: String,
    shapes: RwLock<Vec<Shape>>,
    /// How many parts the document has.
    parts: u64,
}

/// An operation that is ready to be run.
pub struct Ready {
    /// What is executed.
    pub variant: Arc<Variant>,
    /// How its answer may be kept.
    pub kept: CacheControl,
    /// The hash of its text.
    pub hash: String,
}

impl Known {
    /// No operations yet, of the schema with these types.
    pub fn new(registry: Registry) -> Self {
        Self { operations: Cache::with_weighter(DOCUMENTS, PARTS, Size), registry }
    }

    /// The operation of a request and what running it can cost, where it ran before and its variables are plainly
    /// right. Their defaults are filled in.
    ///
    /// # Errors
    /// [`Error::NotRun`](crate::Error::NotRun) where it is beyond the limits with these variables.
    pub fn ready(
        &self,
        request: &mut Request,
        rules: &Rules,
        limits: &Limits,
        bounds: Bounds,
    ) -> Result<Option<(Estimate, Ready)>> {
        let asked = AskedNow { text: &request.query, name: request.operation_name.as_deref() };
        let known = self.operations.get(&asked).flatten();
        let Some(known) = known.filter(|_| request.uploads.is_empty()) else { return Ok(None) };
        let Ok((_, operation)) = chosen(&known.document, known.name.as_deref()) else { return Ok(None) };
        variables::fill_in(&operation.node, &mut request.variables);
        let given = |name: &Name| request.variables.get(name).is_some_and(|value| *value != Value::Null);
        let shape = shape(&operation.node, given);
        let is_right = known.has(shape)
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
        Ok(Some((estimate, Ready { variant, kept: known.kept, hash: known.hash.clone() })))
    }

    /// Remembers an operation that ran.
    pub fn remember(&self, ran: &Ran, estimate: &Estimate, hints: &Hints) {
        let asked = AskedNow { text: &ran.text, name: ran.name.as_deref() };
        if let Some(known) = self.operations.get(&asked) {
            return known.into_iter().for_each(|known| known.add(&ran.given));
        }
        let known = self.read(ran, estimate, hints);
        known.iter().for_each(|known| known.add(&ran.given));
        let asked = Asked { text: ran.text.as_str().into(), name: ran.name.as_deref().map(Into::into) };
        self.operations.insert(asked, known.map(Arc::new));
    }

    fn read(&self, Ran { text, name, .. }: &Ran, estimate: &Estimate, hints: &Hints) -> Option<Remembered> {
        if estimate.cost.asks_of_schema {
            return None;
        }
        let document = parse(text).ok()?;
        let (_, operation) = chosen(&document, name.as_deref()).ok()?;
        if operation.node.variable_definitions.len() > MAX_VARIABLES {
            return None;
        }
        let prepared = Prepared::new(&document, operation, &self.registry, MAX_VARIANTS).ok()?;
        let parts = prepared.parts() + text_parts(text);
        if parts > MOST_PARTS {
            return None;
        }
        let kept = hints.of_document(&document, name.as_deref());
        Some(Remembered {
            prepared,
            kept,
            name: name.as_deref().map(Into::into),
            estimate: estimate.clone(),
            hash: hash_of(text),
            shapes: RwLock::default(),
            parts,
            document,
        })
    }
}

/// A request whose operation can be remembered, once it has run.
pub struct Ran {
    /// The text of its document.
    text: String,
    /// Which of its operations ran, where the request says it.
    name: Option<String>,
    /// The variables that have a value, defaults filled in.
    given: Vec<Name>,
}

impl Ran {
    /// What is to be remembered of a request that is going to run; nothing where that is not worth it.
    pub fn of(request: &Request) -> Option<Self> {
        let fits = request.uploads.is_empty() && request.query.len() <= LONGEST;
        let given = request.variables.iter().filter(|(_, value)| **value != Value::Null);
        fits.then(|| Self {
            text: request.query.clone(),
            name: request.operation_name.clone(),
            given: given.map(|(name, _)| name.clone()).collect(),
        })
    }
}

impl Remembered {
    fn has(&self, shape: Shape) -> bool {
        self.shapes.read().unwrap_or_else(PoisonError::into_inner).contains(&shape)
    }

    fn add(&self, given: &[Name]) {
        let Ok((_, operation)) = chosen(&self.document, self.name.as_deref()) else { return };
        let shape = shape(&operation.node, |name| given.contains(name));
        let mut shapes = self.shapes.write().unwrap_or_else(PoisonError::into_inner);
        if shapes.len() < MAX_SHAPES && !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }

    /// Whether everything is told on which it depends what is left out.
    fn switches_are_set(&self, variables: &Variables) -> bool {
        let is_set = |name| matches!(variables.get(name), Some(Value::Boolean(_)));
        self.prepared.switches().iter().all(is_set)
    }
}

fn shape(operation: &OperationDefinition, is_given: impl Fn(&Name) -> bool) -> Shape {
    let definitions = operation.variable_definitions.iter().enumerate();
    let empty = definitions.filter(|(_, definition)| !is_given(&definition.node.name.node));
    empty.fold(0, |shape, (at, _)| shape | 1 << at)
}

#[cfg(test)]
mod tests {
    use super::super::Cost;
    use super::*;
    use crate::toy::registry;

    fn remember(known: &Known, hints: &Hints, text: String) {
        let ran = Ran::of(&Request::new(text.clone())).expect("a text that is short enough");
        let document = parse(&text).unwrap();
        let (name, operation) = chosen(&document, None).unwrap();
        let (kind, name) = (operation.node.ty, name.cloned());
        let estimate = Estimate { cost: Cost::default(), kind, name, roots: Vec::new(), introspects: false };
        known.remember(&ran, &estimate, hints);
    }

    #[test]
    fn memory_is_bounded() {
        let (known, hints) = (Known::new(registry()), Hints::new(&registry()));
        for number in 0..2000 {
            remember(&known, &hints, format!("{{ product(id: {number}) {{ name pricing {{ monthly }} }} }}"));
        }
        assert!((100..2000).contains(&known.operations.len()), "{}", known.operations.len());
        assert!(known.operations.weight() <= PARTS);
        let large = |fields: usize| {
            let fields: String = (0..fields).map(|at| format!("f{at}: name ")).collect();
            format!("{{ product(id: 1) {{ {fields} }} }}")
        };
        let known = Known::new(registry());
        remember(&known, &hints, large(1200));
        let (text, weight) = (large(1200), known.operations.weight());
        assert_eq!(weight, text_parts(&text) + 1, "of a large document, no more than its text is remembered");
        assert!(Ran::of(&Request::new(large(3000))).is_none());
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
            let (known, hints) = (Known::new(registry()), Hints::new(&registry()));
            remember(&known, &hints, document.clone());
            let asked = AskedNow { text: &document, name: None };
            assert!(known.operations.get(&asked).is_some_and(|known| known.is_none()), "{document}");
        }
    }
}
