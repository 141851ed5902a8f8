//! Measures a parsed document in one pass: depth, width and price.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Variables};
use async_graphql_value::{ConstValue, Value as Given};

use super::price::{
    Cardinality, Comparisons, DEFAULT_ROWS, MUTATION_POINTS, ObjectField, ObjectFields, Prices,
    ROOT_FIELD_POINTS,
};
use super::scan::MAX_BRACKETS;
use super::{DocumentLimits, OperationLimits};
use crate::error::{Code, NotRun};
use crate::page::DEFAULT_SIZE;
use crate::{Error, Result};

/// Maximum nesting of lists in an introspection query, as in graphql-js: the fields of the types of the fields of a
/// type. Each level multiplies the answer by the size of the schema.
const MAX_NESTED_SCHEMA_LISTS: u64 = 2;
/// Introspection fields that list parts of the schema.
const SCHEMA_LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
/// How many times the whole schema an introspection answer may hold, roughly. Tools' introspection query returns
/// each part and its type. Without a limit, aliases of nested lists would multiply.
const MAX_SCHEMA_REPETITIONS: u64 = 5;
/// Introspection fields that, below `__schema { types }`, list something of every type: `types { fields }` lists all fields of
/// the schema.
const LISTS_KEEPING_ALL_TYPES: [&str; 2] = ["fields", "inputFields"];
/// How many times the largest request size all arguments together may take, where a variable is used several times.
const MAX_ARGUMENT_COPIES: u64 = 2;
/// Bytes of a value in memory, without its text.
const VALUE_BYTES: u64 = 16;
/// Maximum number of comparisons in the condition of a list.
pub(super) const MAX_COMPARISONS: u64 = 200;
/// The argument that holds a list's condition.
const FILTER_ARGUMENT: &str = "filter";
/// The arguments that set the size of a page.
const PAGE_SIZE_ARGUMENTS: [&str; 3] = ["first", "last", "perPage"];

/// Totals of a part of the document, with fragments spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    /// Fields on the first level of the part.
    own: u64,
    fields: u64,
    aliases: u64,
    directives: u64,
    depth: u64,
    /// Depth of fields and fragments together.
    nesting: u64,
    /// Nesting of fields that have the name of an introspection list.
    schema_lists: u64,
    /// Parts of the schema in the answer, if this part of the document is inside an introspection field.
    schema_parts: u64,
    /// Parts of the schema in the answers of whole introspection fields.
    introspection_parts: u64,
    /// Bytes of arguments; a variable counts at each use, because each use copies its value.
    argument_bytes: u64,
    points: u64,
    /// The points for conditions, which `points` includes.
    conditions: u64,
}

impl Totals {
    fn add(self, other: Self) -> Self {
        Self {
            own: self.own.saturating_add(other.own),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            schema_lists: self.schema_lists.max(other.schema_lists),
            schema_parts: self.schema_parts.saturating_add(other.schema_parts),
            introspection_parts: self.introspection_parts.saturating_add(other.introspection_parts),
            argument_bytes: self.argument_bytes.saturating_add(other.argument_bytes),
            points: self.points.saturating_add(other.points),
            conditions: self.conditions.saturating_add(other.conditions),
        }
    }

    /// The totals of a fragment that has this many directives at its spread.
    fn as_fragment(self, directives: usize) -> Self {
        Self {
            directives: self.directives.saturating_add(directives as u64),
            nesting: self.nesting.saturating_add(1),
            ..self
        }
    }
}

/// The maximum cost of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Points, those for conditions included.
    pub points: u64,
    /// Points for conditions, which are not given back whatever is found.
    pub conditions: u64,
    /// Whether it has an introspection field.
    pub introspects: bool,
}

/// What is known of the objects that a selection set belongs to.
#[derive(Clone, Copy)]
struct SelectionContext<'a> {
    /// Their fields that hold objects; `None` where the type is unknown or has none.
    fields: Option<&'a ObjectFields>,
    /// Length of their lists, where they are pages.
    rows: Option<u64>,
    /// Whether they are all types of the schema, or the parts of all types.
    all_types: bool,
    /// Number of enclosing selection sets and fragments.
    level: u64,
}

/// The state of a fragment in the pass.
#[derive(Clone, Copy)]
enum FragmentState {
    InProgress,
    Measured(Totals),
}

/// The pass over a document.
pub(super) struct Measure<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    prices: &'a Prices,
    limits: &'a OperationLimits,
    /// Maximum number of fields, with fragments spread.
    max_fields: u64,
    /// Maximum bytes of arguments, with fragments spread.
    max_argument_bytes: u64,
    /// Bytes of the variables that were met so far.
    sizes: HashMap<&'a str, u64>,
    /// Comparisons in the variables that were met in conditions so far.
    compared: HashMap<&'a str, Comparisons>,
    /// Points of the weights in the variables that were met so far, by variable and type.
    weighed: HashMap<(&'a str, &'a str), u64>,
    /// Fragments by name, the length of lists at their spread, and whether they belong to all types.
    fragments: HashMap<(&'a str, Option<u64>, bool), FragmentState>,
    operation: Option<&'a OperationDefinition>,
}

impl<'a> Measure<'a> {
    pub(super) fn new(
        document: &'a ExecutableDocument,
        variables: &'a Variables,
        prices: &'a Prices,
        limits: &'a OperationLimits,
        bounds: DocumentLimits,
    ) -> Self {
        let DocumentLimits { tokens, bytes } = bounds;
        Self {
            document,
            variables,
            prices,
            limits,
            max_fields: tokens,
            max_argument_bytes: bytes.saturating_mul(MAX_ARGUMENT_COPIES),
            sizes: HashMap::new(),
            compared: HashMap::new(),
            weighed: HashMap::new(),
            fragments: HashMap::new(),
            operation: None,
        }
    }

    /// Checks every operation and fragment of the document against the limits; returns the cost of the `chosen`
    /// operation.
    ///
    /// # Errors
    /// [`Error::NotRun`] for the first limit that is exceeded.
    pub(super) fn check(mut self, chosen: Option<&'a OperationDefinition>) -> Result<Cost> {
        let (mut all, mut cost) = (Totals::default(), Cost { points: 1, ..Cost::default() });
        for (_, operation) in self.document.operations.iter() {
            self.operation = Some(&operation.node);
            let is_chosen = chosen.is_some_and(|chosen| std::ptr::eq(chosen, &operation.node));
            let size = self.operation(&operation.node)?;
            if is_chosen {
                let introspects = size.introspection_parts > 0;
                cost = Cost { points: size.points.max(1), conditions: size.conditions, introspects };
            }
            all = all.add(size);
            // The defaults of variables differ between operations.
            self.fragments.clear();
            self.sizes.clear();
            self.compared.clear();
            self.weighed.clear();
        }
        self.check_limits(all)?;
        for name in self.document.fragments.keys() {
            self.fragment(name, SelectionContext { fields: None, rows: None, all_types: false, level: 0 })?;
        }
        check_limit(cost.points, self.limits.complexity, Code::QueryTooComplex, "points", "points")?;
        Ok(cost)
    }

    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Totals> {
        let context = SelectionContext {
            fields: self.prices.root(operation.ty),
            rows: None,
            all_types: false,
            level: 0,
        };
        let mut size = self.set(&operation.selection_set.node, context)?;
        check_limit(size.own, self.limits.root_fields, Code::QueryTooWide, "rootFields", "root fields")?;
        let each = if operation.ty == OperationType::Mutation {
            ROOT_FIELD_POINTS + MUTATION_POINTS
        } else {
            ROOT_FIELD_POINTS
        };
        size.points = size.points.saturating_add(size.own.saturating_mul(each));
        let definitions =
            operation.variable_definitions.iter().map(|variable| variable.node.directives.len());
        Ok(size.as_fragment(operation.directives.len() + definitions.sum::<usize>()))
    }

    fn check_limits(&self, size: Totals) -> Result<()> {
        let limits = self.limits;
        check_limit(
            size.argument_bytes,
            self.max_argument_bytes,
            Code::QueryTooComplex,
            "arguments",
            "bytes of arguments",
        )?;
        check_limit(size.aliases, limits.aliases, Code::QueryTooWide, "aliases", "aliases")?;
        check_limit(size.directives, limits.directives, Code::QueryTooWide, "directives", "directives")?;
        let unit = "parts of the schema itself";
        let max = self.prices.schema_size.parts.saturating_mul(MAX_SCHEMA_REPETITIONS);
        check_limit(size.introspection_parts, max, Code::QueryTooComplex, "introspection", unit)?;
        check_limit(size.depth, limits.depth, Code::QueryTooDeep, "depth", "levels")?;
        check_limit(size.fields, self.max_fields, Code::QueryTooComplex, "fields", "fields, fragments spread")
    }

    fn set(&mut self, set: &'a SelectionSet, context: SelectionContext<'a>) -> Result<Totals> {
        check_limit(
            context.level,
            MAX_BRACKETS,
            Code::QueryTooDeep,
            "nesting",
            "levels of fields and fragments",
        )?;
        let inner = SelectionContext { level: context.level + 1, ..context };
        let mut size = Totals::default();
        for selection in &set.items {
            let part = match &selection.node {
                Selection::Field(field) => self.field(&field.node, inner)?,
                Selection::InlineFragment(inline) => {
                    let own = inline.node.type_condition.as_ref();
                    let fields = own.map_or(context.fields, |on| self.prices.fields(&on.node.on.node));
                    let part =
                        self.set(&inline.node.selection_set.node, SelectionContext { fields, ..inner })?;
                    part.as_fragment(inline.node.directives.len())
                }
                Selection::FragmentSpread(spread) => {
                    let part = self.fragment(&spread.node.fragment_name.node, inner)?;
                    part.as_fragment(spread.node.directives.len())
                }
            };
            size = size.add(part);
        }
        Ok(size)
    }

    /// Measures a fragment, once for each length of lists at its spreads.
    fn fragment(&mut self, name: &'a Name, context: SelectionContext<'a>) -> Result<Totals> {
        // Validation reports a fragment that does not exist.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Totals::default()) };
        let key = (name.as_str(), context.rows, context.all_types);
        match self.fragments.entry(key) {
            Entry::Occupied(met) => match *met.get() {
                FragmentState::InProgress => return Err(circular(name)),
                FragmentState::Measured(size) => {
                    let levels = context.level.saturating_add(size.nesting);
                    let unit = "levels of fields and fragments";
                    check_limit(levels, MAX_BRACKETS, Code::QueryTooDeep, "nesting", unit)?;
                    return Ok(size);
                }
            },
            Entry::Vacant(new) => new.insert(FragmentState::InProgress),
        };
        let fields = self.prices.fields(&fragment.node.type_condition.node.on.node);
        let mut size = self.set(&fragment.node.selection_set.node, SelectionContext { fields, ..context })?;
        size.directives = size.directives.saturating_add(fragment.node.directives.len() as u64);
        self.fragments.insert(key, FragmentState::Measured(size));
        Ok(size)
    }

    fn field(&mut self, field: &'a Field, context: SelectionContext<'a>) -> Result<Totals> {
        let name = field.name.node.as_str();
        let branch = context.fields.and_then(|fields| fields.get(name));
        let cardinality = branch.map(|branch| branch.cardinality);
        let page = if cardinality == Some(Cardinality::Page) { Some(self.page_size(field)?) } else { None };
        let rows =
            if cardinality == Some(Cardinality::ByIds) { Some(self.ids_count(field)?) } else { context.rows };
        let inner = SelectionContext {
            fields: branch.and_then(|branch| self.prices.fields(&branch.ty)),
            rows: page,
            all_types: name == "types" || (context.all_types && LISTS_KEEPING_ALL_TYPES.contains(&name)),
            level: context.level,
        };
        let below = self.set(&field.selection_set.node, inner)?;
        let weight = branch.map_or(0, |branch| self.weight(field, branch).saturating_add(branch.cost));
        let conditions = self.filter_points(field)?.saturating_add(weight);
        let mut size = Totals {
            own: 1,
            fields: below.fields.saturating_add(1),
            aliases: below.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: below.directives.saturating_add(field.directives.len() as u64),
            depth: below.depth.saturating_add(1),
            nesting: below.nesting.saturating_add(1),
            schema_lists: below.schema_lists.saturating_add(u64::from(SCHEMA_LISTS.contains(&name))),
            schema_parts: self.schema_parts(field, below.schema_parts, context),
            introspection_parts: below.introspection_parts,
            argument_bytes: below.argument_bytes.saturating_add(self.argument_bytes(field)),
            points: points(branch, rows, below.points).saturating_add(conditions),
            conditions: repetitions(branch, rows).saturating_mul(below.conditions).saturating_add(conditions),
        };
        if matches!(name, "__schema" | "__type") {
            self.check_introspection(size)?;
            (size.depth, size.schema_lists) = (1, 0);
            (size.schema_parts, size.introspection_parts) = (0, size.schema_parts);
        }
        Ok(size)
    }

    /// Parts of the schema in the answer to a field, if it is inside an introspection field.
    fn schema_parts(&self, field: &Field, below: u64, context: SelectionContext<'_>) -> u64 {
        match field.name.node.as_str() {
            _ if field.selection_set.node.items.is_empty() => 0,
            // Types are wrapped only a few times, however deep `ofType` is nested.
            "ofType" => below,
            name => {
                self.prices.schema_size.of(name, context.all_types).saturating_mul(below.saturating_add(1))
            }
        }
    }

    /// Checks an introspection field against its own limits.
    fn check_introspection(&self, size: Totals) -> Result<()> {
        let max = self.limits.introspection_depth;
        check_limit(
            size.depth,
            max,
            Code::QueryTooDeep,
            "introspectionDepth",
            "levels of the schema itself",
        )?;
        let unit = "lists of the schema within each other";
        check_limit(
            size.schema_lists,
            MAX_NESTED_SCHEMA_LISTS,
            Code::QueryTooDeep,
            "introspectionLists",
            unit,
        )
    }

    /// The requested size of a page.
    fn page_size(&self, field: &Field) -> Result<u64> {
        let max = self.limits.list;
        let sizes =
            PAGE_SIZE_ARGUMENTS.iter().filter_map(|name| self.number(&field.get_argument(name)?.node));
        let asked = sizes.max().unwrap_or(DEFAULT_SIZE.min(max));
        check_limit(asked, max, Code::ListTooLong, "list", "rows of a list")?;
        Ok(asked)
    }

    /// The number of identifiers in the argument `ids`.
    fn ids_count(&self, field: &Field) -> Result<u64> {
        let rows = match field.get_argument("ids").map(|ids| &ids.node) {
            Some(Given::List(ids)) => ids.len(),
            Some(Given::Variable(name)) => match self.variable(name) {
                Some(ConstValue::List(ids)) => ids.len(),
                _ => 1,
            },
            _ => 1,
        };
        let rows = rows as u64;
        check_limit(rows, self.limits.list, Code::ListTooLong, "list", "rows of a list")?;
        Ok(rows)
    }

    /// Points for the condition of a list.
    fn filter_points(&mut self, field: &'a Field) -> Result<u64> {
        let Some(condition) = field.get_argument(FILTER_ARGUMENT) else { return Ok(0) };
        if self.is_no_condition(&condition.node) {
            return Ok(0);
        }
        let comparisons = self.comparisons(&condition.node);
        let unit = "comparisons of a list";
        check_limit(comparisons.number, MAX_COMPARISONS, Code::QueryTooComplex, "comparisons", unit)?;
        Ok(comparisons.points())
    }

    /// Points of what the statement computes for the arguments of a field.
    fn weight(&mut self, field: &'a Field, branch: &'a ObjectField) -> u64 {
        let weighted =
            branch.weighted.iter().filter_map(|(name, ty)| Some((&field.get_argument(name)?.node, ty)));
        weighted.fold(0, |sum: u64, (value, ty)| sum.saturating_add(self.weight_of(value, ty)))
    }

    /// Points of the weights in a value of this type. The value of each variable is examined once.
    fn weight_of(&mut self, value: &'a Given, ty: &'a str) -> u64 {
        let weights = &self.prices.weights;
        match value {
            Given::Variable(name) => {
                let known = self.weighed.get(&(name.as_str(), ty)).copied();
                known.unwrap_or_else(|| {
                    let found = self.variable(name).map_or(0, |value| weights.of(value, ty));
                    self.weighed.insert((name.as_str(), ty), found);
                    found
                })
            }
            Given::List(items) => {
                items.iter().fold(0, |sum: u64, item| sum.saturating_add(self.weight_of(item, ty)))
            }
            Given::Object(fields) => {
                let Some(parts) = weights.parts(ty) else { return 0 };
                fields.iter().fold(0, |sum, (name, value)| {
                    let Some(part) = parts.get(name.as_str()) else { return sum };
                    sum.saturating_add(part.points).saturating_add(self.weight_of(value, &part.ty))
                })
            }
            Given::Enum(word) => weights.word(ty, word),
            Given::String(word) => weights.word(ty, word),
            _ => 0,
        }
    }

    /// The comparisons of a condition, with the values of its variables. The value of each variable is examined
    /// once, however often it is used.
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
            Given::Object(fields) if !fields.is_empty() => {
                fields.values().map(|item| self.comparisons(item)).sum()
            }
            Given::List(items) if !items.is_empty() => {
                let values = items.iter().filter(|item| !self.is_composite(item)).count();
                let mut inner = |item| {
                    if self.is_composite(item) { self.comparisons(item) } else { Comparisons::default() }
                };
                items.iter().map(&mut inner).chain(list_comparison(values)).sum()
            }
            // Also what is empty: it becomes a part of the statement too.
            _ => Comparisons::with(1),
        }
    }

    /// Whether a whole condition is empty, so that the statement has none.
    fn is_no_condition(&self, condition: &Given) -> bool {
        match condition {
            Given::Variable(name) => self.variable(name).is_some_and(is_no_condition),
            Given::Object(fields) => fields.is_empty(),
            _ => false,
        }
    }

    /// Whether a value, or the value of a variable, is a list or an object.
    fn is_composite(&self, value: &Given) -> bool {
        match value {
            Given::Variable(name) => self.variable(name).is_some_and(is_composite),
            Given::List(_) | Given::Object(_) => true,
            _ => false,
        }
    }

    /// A whole number, literal or in a variable.
    fn number(&self, value: &Given) -> Option<u64> {
        let number = match value {
            Given::Number(number) => number,
            Given::Variable(name) => match self.variable(name)? {
                ConstValue::Number(number) => number,
                _ => return None,
            },
            _ => return None,
        };
        number.as_u64()
    }

    /// Bytes of the arguments of a field and of its directives.
    fn argument_bytes(&mut self, field: &'a Field) -> u64 {
        let directives = field.directives.iter().flat_map(|directive| &directive.node.arguments);
        let arguments = field.arguments.iter().chain(directives);
        arguments.fold(0, |sum: u64, (_, value)| sum.saturating_add(self.bytes(&value.node)))
    }

    /// Bytes of a value, with the values of its variables.
    fn bytes(&mut self, value: &'a Given) -> u64 {
        match value {
            Given::Variable(name) => match self.sizes.get(name.as_str()) {
                Some(&size) => size,
                None => {
                    let size = self.variable(name).map_or(VALUE_BYTES, bytes_of);
                    self.sizes.insert(name.as_str(), size);
                    size
                }
            },
            Given::String(text) => VALUE_BYTES + text.len() as u64,
            Given::List(items) => {
                items.iter().fold(VALUE_BYTES, |sum, item| sum.saturating_add(self.bytes(item)))
            }
            Given::Object(fields) => fields.iter().fold(VALUE_BYTES, |sum, (name, item)| {
                sum.saturating_add(name.len() as u64 + self.bytes(item))
            }),
            _ => VALUE_BYTES,
        }
    }

    /// The value of a variable, or its default.
    fn variable(&self, name: &Name) -> Option<&ConstValue> {
        self.variables.get(name).or_else(|| {
            let mut known = self.operation?.variable_definitions.iter();
            let definition = known.find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value.as_ref().map(|value| &value.node)
        })
    }
}

/// Points for a condition without variables.
pub fn condition_points(condition: &ConstValue) -> u32 {
    if is_no_condition(condition) {
        return 0;
    }
    u32::try_from(comparisons_of(condition).points()).unwrap_or(u32::MAX)
}

/// Whether a whole condition is empty.
fn is_no_condition(condition: &ConstValue) -> bool {
    matches!(condition, ConstValue::Object(fields) if fields.is_empty())
}

/// The comparisons of a condition. What is empty within it counts as one: it becomes a part of the statement too.
fn comparisons_of(condition: &ConstValue) -> Comparisons {
    match condition {
        ConstValue::Object(fields) if !fields.is_empty() => fields.values().map(comparisons_of).sum(),
        ConstValue::List(items) if !items.is_empty() => {
            let values = items.iter().filter(|item| !is_composite(item)).count();
            let inner = items.iter().filter(|item| is_composite(item)).map(comparisons_of);
            inner.chain(list_comparison(values)).sum()
        }
        _ => Comparisons::with(1),
    }
}

/// One comparison with this many values of a list; `None` where the list has no values, but other lists or objects.
fn list_comparison(values: usize) -> Option<Comparisons> {
    (values > 0).then(|| Comparisons::with(values))
}

/// Whether a value is a list or an object.
fn is_composite(value: &ConstValue) -> bool {
    matches!(value, ConstValue::List(_) | ConstValue::Object(_))
}

/// Bytes of a value.
fn bytes_of(value: &ConstValue) -> u64 {
    match value {
        ConstValue::String(text) => VALUE_BYTES + text.len() as u64,
        ConstValue::List(items) => items.iter().map(bytes_of).fold(VALUE_BYTES, u64::saturating_add),
        ConstValue::Object(fields) => {
            let sizes = fields.iter().map(|(name, item)| name.len() as u64 + bytes_of(item));
            sizes.fold(VALUE_BYTES, u64::saturating_add)
        }
        _ => VALUE_BYTES,
    }
}

/// How often what is selected on a field is found at most: the length of a list.
fn repetitions(branch: Option<&ObjectField>, rows: Option<u64>) -> u64 {
    match branch.map(|branch| branch.cardinality) {
        Some(Cardinality::List | Cardinality::ByIds) => rows.unwrap_or(DEFAULT_ROWS),
        Some(Cardinality::One | Cardinality::Page) | None => 1,
    }
}

/// Points for a field: one for each of its objects, and the points below, once for each object.
fn points(branch: Option<&ObjectField>, rows: Option<u64>, below: u64) -> u64 {
    if branch.is_none() {
        return below;
    }
    repetitions(branch, rows).saturating_mul(below.saturating_add(1))
}

fn check_limit(size: u64, max: u64, code: Code, limit: &'static str, unit: &str) -> Result<()> {
    if size <= max { Ok(()) } else { Err(NotRun::limit_exceeded(code, limit, max, unit)) }
}

fn circular(name: &Name) -> Error {
    NotRun::error(Code::GraphqlValidationFailed, format!("Fragment \"{name}\" spreads itself."))
}
