//! One pass over a parsed document: how deep, how wide and how expensive it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Variables};
use async_graphql_value::{ConstValue, Value as Given};

use super::price::{Branch, CHANGE, Comparisons, Fields, Many, Prices, ROOT, ROWS};
use super::scan::MAX_BRACKETS;
use super::{Bounds, Limits};
use crate::error::{Code, NotRun};
use crate::page::DEFAULT_SIZE;
use crate::{Error, Result};

/// How often lists of the schema itself nest, as in graphql-js: the fields of the types of the
/// fields of a type. Each level multiplies the answer by the whole schema.
const MAX_LISTINGS: u64 = 2;
/// Fields that list parts of the schema.
const LISTINGS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
/// How often one operation may be told the whole schema, roughly: the form that tools ask for tells each part
/// and its type. Without a limit, aliases of lists within lists multiply.
const MAX_TOLD: u64 = 5;
/// Fields of a type whose own lists are asked of all types where that type is any of the schema's.
const OF_ALL_TYPES: [&str; 2] = ["fields", "inputFields"];
/// How many times larger than the largest request its arguments may be, where variables are used several times.
const COPIES: u64 = 2;
/// Bytes of a value in memory, beside its letters.
const VALUE: u64 = 16;
/// Comparisons of the condition of a list, at most.
pub(super) const MAX_COMPARISONS: u64 = 200;
/// Argument that holds a list's condition.
const CONDITION: &str = "filter";
/// Arguments that say how long a page is.
const PAGE_SIZES: [&str; 3] = ["first", "last", "perPage"];

/// Measures of a part of the document, its fragments spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    /// Fields on the part's own level.
    own: u64,
    fields: u64,
    aliases: u64,
    directives: u64,
    depth: u64,
    /// Depth of fields and fragments together.
    nesting: u64,
    /// Fields within each other that are called like lists of the schema.
    listings: u64,
    /// Parts of the schema that an answer holds, where the part is one of a question about it.
    told: u64,
    /// The same for whole questions about the schema.
    introspected: u64,
    /// Bytes of arguments, variables counted wherever they are given: each use of one is a copy.
    given: u64,
    points: u64,
    /// Those of the points that conditions cost.
    conditions: u64,
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self {
            own: self.own.saturating_add(other.own),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            listings: self.listings.max(other.listings),
            told: self.told.saturating_add(other.told),
            introspected: self.introspected.saturating_add(other.introspected),
            given: self.given.saturating_add(other.given),
            points: self.points.saturating_add(other.points),
            conditions: self.conditions.saturating_add(other.conditions),
        }
    }

    /// The part as a fragment with directives of its own.
    fn spread(self, directives: usize) -> Self {
        Self {
            directives: self.directives.saturating_add(directives as u64),
            nesting: self.nesting.saturating_add(1),
            ..self
        }
    }
}

/// What an operation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Points at most.
    pub points: u64,
    /// Those among them that its conditions cost, whatever they find.
    pub conditions: u64,
    /// Whether it asks for a part of the schema itself.
    pub asks_of_schema: bool,
}

/// What is known of the objects that a selection is about.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// Their fields that hold objects; none where the type is unknown or has only values.
    fields: Option<&'a Fields>,
    /// Length of the lists in them, where they are pages.
    rows: Option<u64>,
    /// Whether they are all types of the schema, or what is in all of them.
    all_types: bool,
    /// How many selection sets and fragments are around.
    level: u64,
}

/// A fragment that was met.
#[derive(Clone, Copy)]
enum Met {
    Within,
    Measured(Size),
}

/// The pass over a document.
pub(super) struct Measure<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    prices: &'a Prices,
    limits: &'a Limits,
    /// Fields at most, fragments spread.
    max_fields: u64,
    /// Bytes of arguments at most, fragments spread.
    max_given: u64,
    /// Bytes of variables, of those that were met.
    sizes: HashMap<&'a str, u64>,
    /// Comparisons in variables, of those that were met in conditions.
    compared: HashMap<&'a str, Comparisons>,
    /// Fragments by name, the length of lists where they are spread, and whether they are about all types.
    fragments: HashMap<(&'a str, Option<u64>, bool), Met>,
    operation: Option<&'a OperationDefinition>,
}

impl<'a> Measure<'a> {
    pub(super) fn new(
        document: &'a ExecutableDocument,
        variables: &'a Variables,
        prices: &'a Prices,
        limits: &'a Limits,
        bounds: Bounds,
    ) -> Self {
        let Bounds { tokens, bytes } = bounds;
        Self {
            document,
            variables,
            prices,
            limits,
            max_fields: tokens,
            max_given: bytes.saturating_mul(COPIES),
            sizes: HashMap::new(),
            compared: HashMap::new(),
            fragments: HashMap::new(),
            operation: None,
        }
    }

    /// Holds every operation and fragment of the document against the limits; what the `chosen` operation costs.
    ///
    /// # Errors
    /// At the first limit that is passed.
    pub(super) fn check(mut self, chosen: Option<&'a OperationDefinition>) -> Result<Cost> {
        let (mut all, mut cost) = (Size::default(), Cost { points: 1, ..Cost::default() });
        for (_, operation) in self.document.operations.iter() {
            self.operation = Some(&operation.node);
            let is_chosen = chosen.is_some_and(|chosen| std::ptr::eq(chosen, &operation.node));
            let size = self.operation(&operation.node)?;
            if is_chosen {
                let asks_of_schema = size.introspected > 0;
                cost = Cost { points: size.points.max(1), conditions: size.conditions, asks_of_schema };
            }
            all = all.beside(size);
            // Variables have other defaults in another operation.
            self.fragments.clear();
            self.sizes.clear();
            self.compared.clear();
        }
        self.within_limits(all)?;
        for name in self.document.fragments.keys() {
            self.fragment(name, Place { fields: None, rows: None, all_types: false, level: 0 })?;
        }
        at_most(cost.points, self.limits.complexity, Code::QueryTooComplex, "points", "points")?;
        Ok(cost)
    }

    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Size> {
        let place = Place { fields: self.prices.root(operation.ty), rows: None, all_types: false, level: 0 };
        let mut size = self.set(&operation.selection_set.node, place)?;
        at_most(size.own, self.limits.root_fields, Code::QueryTooWide, "rootFields", "root fields")?;
        let each = if operation.ty == OperationType::Mutation { ROOT + CHANGE } else { ROOT };
        size.points = size.points.saturating_add(size.own.saturating_mul(each));
        let definitions =
            operation.variable_definitions.iter().map(|variable| variable.node.directives.len());
        Ok(size.spread(operation.directives.len() + definitions.sum::<usize>()))
    }

    fn within_limits(&self, size: Size) -> Result<()> {
        let limits = self.limits;
        at_most(size.given, self.max_given, Code::QueryTooComplex, "arguments", "bytes of arguments")?;
        at_most(size.aliases, limits.aliases, Code::QueryTooWide, "aliases", "aliases")?;
        at_most(size.directives, limits.directives, Code::QueryTooWide, "directives", "directives")?;
        let unit = "parts of the schema itself";
        let max = self.prices.extent.parts.saturating_mul(MAX_TOLD);
        at_most(size.introspected, max, Code::QueryTooComplex, "introspection", unit)?;
        at_most(size.depth, limits.depth, Code::QueryTooDeep, "depth", "levels")?;
        at_most(size.fields, self.max_fields, Code::QueryTooComplex, "fields", "fields, fragments spread")
    }

    fn set(&mut self, set: &'a SelectionSet, place: Place<'a>) -> Result<Size> {
        at_most(place.level, MAX_BRACKETS, Code::QueryTooDeep, "nesting", "levels of fields and fragments")?;
        let inner = Place { level: place.level + 1, ..place };
        let mut size = Size::default();
        for selection in &set.items {
            let part = match &selection.node {
                Selection::Field(field) => self.field(&field.node, inner)?,
                Selection::InlineFragment(inline) => {
                    let own = inline.node.type_condition.as_ref();
                    let fields = own.map_or(place.fields, |on| self.prices.fields(&on.node.on.node));
                    let part = self.set(&inline.node.selection_set.node, Place { fields, ..inner })?;
                    part.spread(inline.node.directives.len())
                }
                Selection::FragmentSpread(spread) => {
                    let part = self.fragment(&spread.node.fragment_name.node, inner)?;
                    part.spread(spread.node.directives.len())
                }
            };
            size = size.beside(part);
        }
        Ok(size)
    }

    /// A fragment, measured once wherever its lists are as long.
    fn fragment(&mut self, name: &'a Name, place: Place<'a>) -> Result<Size> {
        // Validation tells of a fragment that isn't there.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        let key = (name.as_str(), place.rows, place.all_types);
        match self.fragments.entry(key) {
            Entry::Occupied(met) => match *met.get() {
                Met::Within => return Err(circular(name)),
                Met::Measured(size) => {
                    let levels = place.level.saturating_add(size.nesting);
                    let unit = "levels of fields and fragments";
                    at_most(levels, MAX_BRACKETS, Code::QueryTooDeep, "nesting", unit)?;
                    return Ok(size);
                }
            },
            Entry::Vacant(new) => new.insert(Met::Within),
        };
        let fields = self.prices.fields(&fragment.node.type_condition.node.on.node);
        let mut size = self.set(&fragment.node.selection_set.node, Place { fields, ..place })?;
        size.directives = size.directives.saturating_add(fragment.node.directives.len() as u64);
        self.fragments.insert(key, Met::Measured(size));
        Ok(size)
    }

    fn field(&mut self, field: &'a Field, place: Place<'a>) -> Result<Size> {
        let name = field.name.node.as_str();
        let branch = place.fields.and_then(|fields| fields.get(name));
        let many = branch.map(|branch| branch.many);
        let page = if many == Some(Many::Page) { Some(self.page(field)?) } else { None };
        let rows = if many == Some(Many::Named) { Some(self.named(field)?) } else { place.rows };
        let inner = Place {
            fields: branch.and_then(|branch| self.prices.fields(&branch.ty)),
            rows: page,
            all_types: name == "types" || (place.all_types && OF_ALL_TYPES.contains(&name)),
            level: place.level,
        };
        let below = self.set(&field.selection_set.node, inner)?;
        let conditions = self.condition(field)?;
        let mut size = Size {
            own: 1,
            fields: below.fields.saturating_add(1),
            aliases: below.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: below.directives.saturating_add(field.directives.len() as u64),
            depth: below.depth.saturating_add(1),
            nesting: below.nesting.saturating_add(1),
            listings: below.listings.saturating_add(u64::from(LISTINGS.contains(&name))),
            told: self.told(field, below.told, place),
            introspected: below.introspected,
            given: below.given.saturating_add(self.given(field)),
            points: points(branch, rows, below.points).saturating_add(conditions),
            conditions: below.conditions.saturating_add(conditions),
        };
        if matches!(name, "__schema" | "__type") {
            self.introspection(size)?;
            (size.depth, size.listings) = (1, 0);
            (size.told, size.introspected) = (0, size.told);
        }
        Ok(size)
    }

    /// Parts of the schema that a field is answered with, where it is one of a question about the schema.
    fn told(&self, field: &Field, below: u64, place: Place<'_>) -> u64 {
        match field.name.node.as_str() {
            _ if field.selection_set.node.items.is_empty() => 0,
            // Types are wrapped a few times at most, however often that is asked.
            "ofType" => below,
            name => self.prices.extent.of(name, place.all_types).saturating_mul(below.saturating_add(1)),
        }
    }

    /// A question about the schema itself has limits of its own.
    fn introspection(&self, size: Size) -> Result<()> {
        let max = self.limits.introspection_depth;
        at_most(size.depth, max, Code::QueryTooDeep, "introspectionDepth", "levels of the schema itself")?;
        let unit = "lists of the schema within each other";
        at_most(size.listings, MAX_LISTINGS, Code::QueryTooDeep, "introspectionLists", unit)
    }

    /// How long a page is asked for.
    fn page(&self, field: &Field) -> Result<u64> {
        let max = self.limits.list;
        let sizes = PAGE_SIZES.iter().filter_map(|name| self.number(&field.get_argument(name)?.node));
        let asked = sizes.max().unwrap_or(DEFAULT_SIZE.min(max));
        at_most(asked, max, Code::ListTooLong, "list", "rows of a list")?;
        Ok(asked)
    }

    /// How many rows a list is asked for by their identifiers.
    fn named(&self, field: &Field) -> Result<u64> {
        let rows = match field.get_argument("ids").map(|ids| &ids.node) {
            Some(Given::List(ids)) => ids.len(),
            Some(Given::Variable(name)) => match self.variable(name) {
                Some(ConstValue::List(ids)) => ids.len(),
                _ => 1,
            },
            _ => 1,
        };
        let rows = rows as u64;
        at_most(rows, self.limits.list, Code::ListTooLong, "list", "rows of a list")?;
        Ok(rows)
    }

    /// Points of the condition that a list has.
    fn condition(&mut self, field: &'a Field) -> Result<u64> {
        let Some(condition) = field.get_argument(CONDITION) else { return Ok(0) };
        let comparisons = self.comparisons(&condition.node);
        let unit = "comparisons of a list";
        at_most(comparisons.number, MAX_COMPARISONS, Code::QueryTooComplex, "comparisons", unit)?;
        Ok(comparisons.points())
    }

    /// The comparisons of a condition, its variables filled in. Each variable is counted once, however often
    /// it is used.
    fn comparisons(&mut self, condition: &'a Given) -> Comparisons {
        match condition {
            Given::Variable(name) => {
                let known = self.compared.get(name.as_str()).copied();
                known.unwrap_or_else(|| {
                    let found = self.variable(name).map_or(Comparisons::default(), comparisons_of);
                    self.compared.insert(name.as_str(), found);
                    found
                })
            }
            Given::Object(fields) => fields.values().map(|item| self.comparisons(item)).sum(),
            Given::List(items) => {
                let values = items.iter().filter(|item| !self.holds_more(item)).count();
                let mut inner = |item| {
                    if self.holds_more(item) { self.comparisons(item) } else { Comparisons::default() }
                };
                items.iter().map(&mut inner).chain(compared_with(values)).sum()
            }
            _ => Comparisons::with(1),
        }
    }

    /// Whether a value holds others.
    fn holds_more(&self, value: &Given) -> bool {
        match value {
            Given::Variable(name) => self.variable(name).is_some_and(holds_more),
            Given::List(_) | Given::Object(_) => true,
            _ => false,
        }
    }

    /// A whole number as it is written, or as a variable holds it.
    fn number(&self, given: &Given) -> Option<u64> {
        let number = match given {
            Given::Number(number) => number,
            Given::Variable(name) => match self.variable(name)? {
                ConstValue::Number(number) => number,
                _ => return None,
            },
            _ => return None,
        };
        number.as_u64()
    }

    /// Bytes of a field's arguments and of those of its directives.
    fn given(&mut self, field: &'a Field) -> u64 {
        let directives = field.directives.iter().flat_map(|directive| &directive.node.arguments);
        let arguments = field.arguments.iter().chain(directives);
        arguments.fold(0, |sum: u64, (_, value)| sum.saturating_add(self.bytes(&value.node)))
    }

    /// Bytes of a value, its variables filled in.
    fn bytes(&mut self, value: &'a Given) -> u64 {
        match value {
            Given::Variable(name) => match self.sizes.get(name.as_str()) {
                Some(&size) => size,
                None => {
                    let size = self.variable(name).map_or(VALUE, bytes_of);
                    self.sizes.insert(name.as_str(), size);
                    size
                }
            },
            Given::String(text) => VALUE + text.len() as u64,
            Given::List(items) => items.iter().fold(VALUE, |sum, item| sum.saturating_add(self.bytes(item))),
            Given::Object(fields) => fields
                .iter()
                .fold(VALUE, |sum, (name, item)| sum.saturating_add(name.len() as u64 + self.bytes(item))),
            _ => VALUE,
        }
    }

    /// What a variable holds.
    fn variable(&self, name: &Name) -> Option<&ConstValue> {
        self.variables.get(name).or_else(|| {
            let mut known = self.operation?.variable_definitions.iter();
            let definition = known.find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value.as_ref().map(|value| &value.node)
        })
    }
}

/// Points of a condition without variables, whatever it finds.
pub fn condition(condition: &ConstValue) -> u32 {
    u32::try_from(comparisons_of(condition).points()).unwrap_or(u32::MAX)
}

/// The comparisons of a condition.
fn comparisons_of(condition: &ConstValue) -> Comparisons {
    match condition {
        ConstValue::Object(fields) => fields.values().map(comparisons_of).sum(),
        ConstValue::List(items) => {
            let values = items.iter().filter(|item| !holds_more(item)).count();
            let inner = items.iter().filter(|item| holds_more(item)).map(comparisons_of);
            inner.chain(compared_with(values)).sum()
        }
        _ => Comparisons::with(1),
    }
}

/// The comparison with the values of a list, where it has any.
fn compared_with(values: usize) -> Option<Comparisons> {
    (values > 0).then(|| Comparisons::with(values))
}

/// Whether a value holds others.
fn holds_more(value: &ConstValue) -> bool {
    matches!(value, ConstValue::List(_) | ConstValue::Object(_))
}

/// Bytes of a value.
fn bytes_of(value: &ConstValue) -> u64 {
    match value {
        ConstValue::String(text) => VALUE + text.len() as u64,
        ConstValue::List(items) => items.iter().map(bytes_of).fold(VALUE, u64::saturating_add),
        ConstValue::Object(fields) => {
            let sizes = fields.iter().map(|(name, item)| name.len() as u64 + bytes_of(item));
            sizes.fold(VALUE, u64::saturating_add)
        }
        _ => VALUE,
    }
}

/// Points of a field: its objects, each with what is selected of it.
fn points(branch: Option<&Branch>, rows: Option<u64>, below: u64) -> u64 {
    let each = below.saturating_add(1);
    match branch.map(|branch| branch.many) {
        Some(Many::List | Many::Named) => rows.unwrap_or(ROWS).saturating_mul(each),
        Some(Many::One | Many::Page) => each,
        None => below,
    }
}

fn at_most(size: u64, max: u64, code: Code, limit: &'static str, unit: &str) -> Result<()> {
    if size <= max { Ok(()) } else { Err(NotRun::beyond(code, limit, max, unit)) }
}

fn circular(name: &Name) -> Error {
    NotRun::because(Code::GraphqlValidationFailed, format!("Fragment \"{name}\" spreads itself."))
}
