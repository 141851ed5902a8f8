//! REST operations: the `.graphql` documents of the resources, read and checked at start-up.
//!
//! A document is an ordinary operation with an `@rest` directive. Loading completes it: response
//! keys become snake case, every include brings its `Count` and `Exists` forms, a fragment that
//! spreads itself is unrolled. A field with `@optional` is left out of the answer where it is null;
//! that works in computed objects, not in records. A document that doesn't agree with the schema stops the start.

mod assembly;
mod completion;
mod directive;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType,
    Selection, SelectionSet, Type,
};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as InputValue;

use self::assembly::assemble;
use self::completion::{complete_page, snake_keys, take_optional};
use self::directive::{Directive, read_variable};
use super::expected::Expected;
use crate::guard::Can;
pub use crate::name::{camel, capitalised, filter_field, include_variable, snake};
use crate::operation::{PreparedDocument, Variant};
use crate::{Abilities, Ability};

/// Combinations of includes that are remembered for a document; further ones are worked out each time.
const MAX_VARIANTS: usize = 32;

/// The fragments of all documents, by name.
pub type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// A document that cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("REST document `{operation}`: {problem}")]
pub struct DocumentError {
    operation: String,
    problem: String,
}

/// The shape of an operation's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The value of the root field.
    Value,
    /// A page with its numbers beside the rows (docs/contract/wire.md#4.1, flat).
    Page,
    /// A page with its numbers under `links` and `meta` (wrapped).
    WrappedPage,
}

/// One way to reach an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path below `/api`, with `{parameters}`.
    pub path: String,
    /// A way that the original doesn't have (`PUT` as the softer update, a path that only its
    /// documents show): it works, and is not told in `Allow`.
    pub added: bool,
}

/// An operation as it was read, not yet compared with the schema.
pub struct Unchecked {
    document: ExecutableDocument,
}

/// An operation that agrees with the schema.
pub struct Checked {
    /// Whether it changes something.
    mutates: bool,
    prepared: PreparedDocument,
    expected: Expected,
    /// Abilities of which the caller needs one.
    pub needs: Vec<Ability>,
    /// What the root field itself needs: lent to an operation that its own abilities opened.
    root_needs: Abilities,
    /// The same, and what the operation lends.
    lent: Abilities,
}

/// A REST operation.
pub struct Document<State> {
    /// Name of the operation.
    pub name: String,
    /// Section of the documentation.
    pub tag: String,
    /// What it does, in a line.
    pub summary: String,
    /// Ways to reach it.
    pub routes: Vec<Route>,
    /// Status of its answer.
    pub status: u16,
    /// Shape of its answer.
    pub answer: Answer,
    /// Names that `filter` takes, in the order of the error text.
    pub filters: Vec<String>,
    /// Names that `sort` takes.
    pub sorts: Vec<String>,
    /// Relations that `include` takes.
    pub includes: Vec<String>,
    /// Relations that it takes too, but that its error text doesn't tell: names of older documents.
    pub also: Vec<String>,
    /// Abilities that it lends for what its answer includes.
    pub lends: Vec<Ability>,
    /// The inputs it declares.
    pub variables: Vec<Variable>,
    /// Its root field, as it was written.
    pub root: Field,
    /// Values of its path and fields of its body, as an example in its documentation.
    pub example: Option<Value>,
    /// Places in the answer whose nulls are left out (`@optional`), by response keys from the root.
    pub optional: Vec<Vec<String>>,
    can: Option<Vec<Ability>>,
    fragments: Arc<Fragments>,
    state: State,
}

/// An input that an operation declares.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Name, without the `$`.
    pub name: String,
    /// GraphQL type.
    pub ty: Type,
    /// Value when nothing is sent.
    pub default: Option<Value>,
    /// `inputs: {x: {exactly: "1"}}`: true for this text only.
    pub exactly: Option<String>,
    /// `inputs: {x: {sent: [a, b]}}`: true when one of these parameters was sent.
    pub sent: Vec<String>,
    /// `inputs: {x: {unless: a}}`: not read when that parameter was sent.
    pub unless: Option<String>,
}

impl Document<Checked> {
    /// What is executed for these variables.
    pub fn prepared(&self, variables: &Variables) -> Arc<Variant> {
        self.state.prepared.variant(variables)
    }

    /// What the body of a request for it may hold.
    pub fn expected(&self) -> &Expected {
        &self.state.expected
    }

    /// Abilities of which the caller needs one.
    pub fn needs(&self) -> &[Ability] {
        &self.state.needs
    }

    /// Abilities that its execution has beside the caller's: what its root field needs, and with `includes` what it
    /// lends.
    pub fn lent(&self, includes: bool) -> &Abilities {
        if includes { &self.state.lent } else { &self.state.root_needs }
    }

    /// The fragments that it may spread, not yet unrolled.
    pub fn fragments(&self) -> &Fragments {
        &self.fragments
    }

    /// Whether it changes something.
    pub fn is_mutation(&self) -> bool {
        self.state.mutates
    }

    /// The fields of its example; none without one.
    pub fn example_fields(&self) -> impl Iterator<Item = (&Name, &Value)> {
        let fields = if let Some(Value::Object(fields)) = &self.example { Some(fields) } else { None };
        fields.into_iter().flatten()
    }

    /// What stands for a parameter of its path in examples: the first record where nothing is said.
    pub fn path_example(&self, name: &str) -> String {
        let given = self.example_fields().find(|(field, _)| field.as_str() == name);
        given.map_or_else(|| "1".to_owned(), |(_, value)| super::bag::text(value))
    }

    /// Whether it is reached by `GET`.
    pub fn has_get(&self) -> bool {
        self.routes.iter().any(|route| route.method == "GET")
    }
}

/// Reads the operations of all documents together: they share their fragments.
///
/// # Errors
/// When a text is no GraphQL or an `@rest` makes no sense.
pub fn read(sources: &[&str], abilities: &Abilities) -> Result<Vec<Document<Unchecked>>, DocumentError> {
    let parsed = parse_query(sources.join("\n")).map_err(|error| fail("(all)", error.to_string()))?;
    let mut fragments = parsed.fragments;
    let mut operations: Vec<_> = match parsed.operations {
        DocumentOperations::Single(_) => return Err(fail("(unnamed)", "an operation has no name")),
        DocumentOperations::Multiple(named) => named.into_iter().collect(),
    };
    fragments.values_mut().for_each(|fragment| snake_keys(&mut fragment.node.selection_set.node));
    let fragments = Arc::new(fragments);
    operations.sort_by(|(a, _), (b, _)| a.cmp(b));
    operations
        .into_iter()
        .map(|(name, operation)| Document::read(&name, operation, &fragments, abilities))
        .collect()
}

fn fail(operation: impl ToString, problem: impl Into<String>) -> DocumentError {
    DocumentError { operation: operation.to_string(), problem: problem.into() }
}

impl Document<Unchecked> {
    fn read(
        name: &Name,
        mut operation: Positioned<OperationDefinition>,
        fragments: &Arc<Fragments>,
        abilities: &Abilities,
    ) -> Result<Self, DocumentError> {
        let rest = Directive::take(name, &mut operation.node)?;
        let variables = operation
            .node
            .variable_definitions
            .iter()
            .map(|variable| read_variable(&variable.node, &rest))
            .collect();
        snake_keys(&mut operation.node.selection_set.node);
        let answer = rest.answer()?;
        let includes = rest.names("includes")?;
        let also = rest.names("also")?;
        if answer != Answer::Value {
            complete_page(name, &mut operation.node, includes.iter().chain(&also))?;
        }
        let root = root_field(&operation.node)
            .cloned()
            .ok_or_else(|| fail(name, "it needs exactly one root field"))?;
        let mut optional = Vec::new();
        take_optional(&mut operation.node.selection_set.node, &[], &mut optional);
        let document = assemble(operation, fragments).map_err(|problem| fail(name, problem))?;
        Ok(Self {
            name: name.to_string(),
            tag: rest.text("tag")?.unwrap_or_else(|| "Core".to_owned()),
            summary: rest.text("summary")?.ok_or_else(|| fail(name, "@rest needs a summary"))?,
            routes: rest.routes()?,
            status: rest.status()?,
            answer,
            filters: rest.names("filters")?,
            sorts: rest.names("sorts")?,
            includes,
            also,
            lends: rest.abilities("lends", abilities)?.unwrap_or_default(),
            variables,
            root,
            example: rest.arguments.get("example").cloned(),
            optional,
            can: rest.abilities("can", abilities)?,
            fragments: Arc::clone(fragments),
            state: Unchecked { document },
        })
    }

    /// Compares the operation with the schema, beyond what GraphQL's own validation compares:
    /// types of variables, declared filters, sorts and includes, what it lends.
    ///
    /// # Errors
    /// When they don't agree.
    pub fn check(
        self,
        registry: &Registry,
        abilities: &Abilities,
    ) -> Result<Document<Checked>, DocumentError> {
        let declared = self.root_needs(registry, abilities)?;
        self.check_arguments(registry)?;
        self.check_names(registry)?;
        self.check_paging()?;
        self.check_lends(registry, &declared)?;
        let needs = self.can.clone().unwrap_or_else(|| declared.clone());
        let (_, operation) =
            self.state.document.operations.iter().next().ok_or_else(|| self.fail("it has no operation"))?;
        let prepared = PreparedDocument::new(&self.state.document, operation, registry, MAX_VARIANTS);
        let prepared = prepared.map_err(|problem| self.fail(problem))?;
        let mutates = operation.node.ty == OperationType::Mutation;
        let expected = Expected::new(&self.variables, registry);
        let root_needs: Abilities = declared.into_iter().collect();
        let lent = self.lends.iter().copied().chain(root_needs.iter()).collect();
        let state = Checked { mutates, prepared, expected, needs, root_needs, lent };
        Ok(Document {
            name: self.name,
            tag: self.tag,
            summary: self.summary,
            routes: self.routes,
            status: self.status,
            answer: self.answer,
            filters: self.filters,
            sorts: self.sorts,
            includes: self.includes,
            also: self.also,
            lends: self.lends,
            variables: self.variables,
            root: self.root,
            example: self.example,
            optional: self.optional,
            can: self.can,
            fragments: self.fragments,
            state,
        })
    }

    /// The document for GraphQL's own validation.
    pub fn document(&self) -> &ExecutableDocument {
        &self.state.document
    }

    fn fail(&self, problem: impl Into<String>) -> DocumentError {
        fail(&self.name, problem)
    }

    fn root_type<'r>(&self, registry: &'r Registry) -> Option<&'r MetaType> {
        let operation = single(&self.state.document)?;
        let name = match operation.ty {
            async_graphql::parser::types::OperationType::Query => registry.query_type.as_str(),
            _ => registry.mutation_type.as_deref()?,
        };
        registry.types.get(name)
    }

    fn root_needs(&self, registry: &Registry, abilities: &Abilities) -> Result<Vec<Ability>, DocumentError> {
        let field = self.root_type(registry).and_then(|root| root.field_by_name(&self.root.name.node));
        let field = field.ok_or_else(|| self.fail(format!("no root field `{}`", self.root.name.node)))?;
        let needs = Can::read(field);
        let needs = needs.ok_or_else(|| self.fail(format!("root field `{}` has no guard", field.name)))?;
        let known = |name| abilities.iter().find(|ability| ability.name() == name);
        needs
            .into_iter()
            .map(|name| known(name).ok_or_else(|| self.fail(format!("no ability `{name}`"))))
            .collect()
    }

    fn check_arguments(&self, registry: &Registry) -> Result<(), DocumentError> {
        let field = self.root_type(registry).and_then(|root| root.field_by_name(&self.root.name.node));
        for (argument, value) in &self.root.arguments {
            let InputValue::Variable(name) = &value.node else { continue };
            let given = self.variables.iter().find(|variable| variable.name == name.as_str());
            let given = given.ok_or_else(|| self.fail(format!("variable `${name}` is not declared")))?;
            let wanted = field
                .and_then(|field| field.args.get(argument.node.as_str()))
                .map(|argument| argument.ty.as_str());
            let plain = |ty: &str| ty.trim_end_matches('!').to_owned();
            if wanted.map(plain) != Some(plain(&given.ty.to_string())) {
                let wanted = wanted.unwrap_or("nothing");
                return Err(self.fail(format!(
                    "variable `${name}` is {}, argument `{}` wants {wanted}",
                    given.ty, argument.node
                )));
            }
        }
        Ok(())
    }

    fn check_names(&self, registry: &Registry) -> Result<(), DocumentError> {
        let has = |variable: &str, wanted: &str| -> Result<(), DocumentError> {
            let Some(variable) = self.variables.iter().find(|declared| declared.name == variable) else {
                return Err(self.fail(format!("`${variable}` is not declared, but names for it are")));
            };
            let base = variable.ty.to_string().replace(['[', ']', '!'], "");
            let known = match registry.types.get(&base) {
                Some(MetaType::InputObject { input_fields, .. }) => match input_fields.get("field") {
                    Some(field) => enum_has(registry, field.ty.trim_end_matches('!'), wanted),
                    None => input_fields.contains_key(wanted),
                },
                _ => false,
            };
            if known { Ok(()) } else { Err(self.fail(format!("{base} has no `{wanted}`"))) }
        };
        self.filters.iter().try_for_each(|name| has("filter", &filter_field(name)))?;
        self.sorts.iter().try_for_each(|name| has("sort", &name.to_uppercase()))
    }

    /// A page of rows has a number and a size: without them, its envelope would tell of others than it holds.
    fn check_paging(&self) -> Result<(), DocumentError> {
        let has = |name: &str| self.variables.iter().any(|variable| variable.name == name);
        if self.answer == Answer::Value || has("page") && has("perPage") {
            return Ok(());
        }
        Err(self.fail("a page needs the variables `$page` and `$perPage`"))
    }

    /// Something lent must be needed somewhere in the operation.
    fn check_lends(&self, registry: &Registry, root: &[Ability]) -> Result<(), DocumentError> {
        let mut needed: BTreeSet<&str> = root.iter().map(|ability| ability.name()).collect();
        let document = &self.state.document;
        if let (Some(operation), Some(root)) = (single(document), self.root_type(registry)) {
            collect_needs(registry, document, root, &operation.selection_set.node, &mut needed);
        }
        match self.lends.iter().find(|ability| !needed.contains(ability.name())) {
            Some(ability) => Err(self.fail(format!("it lends `{ability}`, which nothing in it needs"))),
            None => Ok(()),
        }
    }
}

fn enum_has(registry: &Registry, name: &str, item: &str) -> bool {
    matches!(registry.types.get(name), Some(MetaType::Enum { enum_values, .. }) if enum_values.contains_key(item))
}

fn root_field(operation: &OperationDefinition) -> Option<&Field> {
    match operation.selection_set.node.items.as_slice() {
        [Positioned { node: Selection::Field(field), .. }] => Some(&field.node),
        _ => None,
    }
}

fn single(document: &ExecutableDocument) -> Option<&OperationDefinition> {
    document.operations.iter().next().map(|(_, operation)| &operation.node)
}

fn collect_needs<'r>(
    registry: &'r Registry,
    document: &ExecutableDocument,
    ty: &'r MetaType,
    set: &SelectionSet,
    needed: &mut BTreeSet<&'r str>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let Some(meta) = ty.field_by_name(&field.node.name.node) else { continue };
                needed.extend(Can::read(meta).into_iter().flatten());
                if let Some(below) = registry.concrete_type_by_name(&meta.ty) {
                    collect_needs(registry, document, below, &field.node.selection_set.node, needed);
                }
            }
            Selection::InlineFragment(fragment) => {
                collect_needs(registry, document, ty, &fragment.node.selection_set.node, needed);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect_needs(registry, document, ty, &fragment.node.selection_set.node, needed);
                }
            }
        }
    }
}
