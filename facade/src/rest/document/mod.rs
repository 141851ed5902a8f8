//! REST operations: the `.graphql` documents of the resources, read and checked at start-up.
//!
//! A document is an ordinary operation with an `@rest` directive. Loading completes it: response
//! keys become snake case, every include brings its `Count` and `Exists` forms, a fragment that
//! spreads itself is unrolled. A field with `@optional` is left out of the answer where it is null;
//! that works in computed objects, not in records. A field of a record with `@replaces(key: "usages")` takes the
//! place of the field with that key, where it is included; one with `@pivot` shows each related row with the
//! columns of the table between. A document that doesn't agree with the schema stops the start.
//!
//! `answer: FILE` answers the file that the root field returns ([`FileResponse`](crate::rest::FileResponse)). `type` names
//! its media type, or several media types and ranges:
//! `type: "application/pdf"`, `type: ["text/csv", "image/*"]`.

mod assembly;
mod completion;
mod directive;
mod field_directives;
mod file;
mod show;

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
pub(super) use self::field_directives::{keys, rest_key};
pub(super) use self::file::check_files;
use super::bag::Fields;
use super::expected::Expected;
use crate::error::{Error, Refusal};
use crate::guard::{Can, Public};
pub use crate::name::{camel, capitalised, filter_field, include_variable, snake};
use crate::operation::{PreparedDocument, Variant};
use crate::{Abilities, Ability, Dialect};

/// The status of an answer without a body.
const NO_CONTENT: u16 = 204;
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
    /// A page with four numbers under `meta` (docs/contract/client.md#2.7).
    DataPage,
    /// The value of the root field under `data`.
    Data,
    /// The values of several root fields, each under its key.
    Object,
    /// The file that the root field returns. `Accept` does not change it.
    File,
}

impl Answer {
    /// Whether it is a page of rows.
    pub const fn is_page(self) -> bool {
        matches!(self, Self::Page | Self::WrappedPage | Self::DataPage)
    }
}

/// A limiter of an operation's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limiter {
    /// Its name, as the host knows it.
    pub name: String,
    /// Whether it counts in place of the usual limit of requests, not beside it.
    pub alone: bool,
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
    /// Whether it is an older spelling of another route, kept for who still uses it.
    pub older: bool,
}

/// An operation as it was read, not yet compared with the schema.
pub struct Unchecked {
    document: ExecutableDocument,
}

/// An operation that agrees with the schema.
pub struct Checked {
    /// Whether it changes something.
    mutates: bool,
    /// Whether it needs no key.
    keyless: bool,
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
    /// The limiter that counts its requests, if it has one of its own.
    pub limiter: Option<Limiter>,
    /// Bytes of a body at most; the operator's bounds count where nothing is said, and where they are smaller.
    pub max_body: Option<usize>,
    /// How its answers spell values.
    pub dialect: Dialect,
    /// Media types or ranges (`image/*`) of its file; empty if it answers no file.
    pub types: Vec<String>,
    /// Fixed members of its answer, beside the others.
    pub beside: Fields,
    /// A text that is answered in place of the value: `{"message": text}`.
    pub message: Option<String>,
    /// The text of the 404 where its root field is null; a parameter of the path stands in it in braces.
    missing: Option<String>,
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
    /// Its root field, as it was written; the first, where it answers several.
    pub root: Field,
    /// The other root fields, of an answer that is an [`Answer::Object`].
    pub more: Vec<Field>,
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

    /// Whether its answer has no body: `status: 204`.
    pub fn has_no_body(&self) -> bool {
        self.status == NO_CONTENT
    }

    /// The error where nothing is there of what a path names, if the operation has one.
    pub(super) fn missing(&self, path: &HashMap<String, String>) -> Option<Error> {
        let text = path
            .iter()
            .fold(self.missing.clone()?, |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
        Some(Refusal::message(404, text))
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

    /// Refuses a limiter that the host does not have.
    pub(super) fn check_limiter(&self, known: &[&str]) -> Result<(), DocumentError> {
        match &self.limiter {
            Some(limiter) if !known.contains(&limiter.name.as_str()) => {
                Err(fail(&self.name, format!("there is no limiter `{}`", limiter.name)))
            }
            _ => Ok(()),
        }
    }

    /// Whether it needs no key.
    pub fn is_keyless(&self) -> bool {
        self.state.keyless
    }

    /// Whether it is reached by `GET`.
    pub fn has_get(&self) -> bool {
        self.routes.iter().any(|route| route.method == "GET")
    }
}

/// Reads the operations of all documents together: they share their fragments. `dialects` are those of paths below
/// `/api` by what the paths begin with; the longest beginning counts, and the usual dialect where there is none.
///
/// # Errors
/// When a text is no GraphQL or an `@rest` makes no sense.
pub fn read(
    sources: &[&str],
    abilities: &Abilities,
    dialects: &[(&str, Dialect)],
) -> Result<Vec<Document<Unchecked>>, DocumentError> {
    let parsed = parse_query(sources.join("\n")).map_err(|error| fail("(all)", error.to_string()))?;
    let mut fragments = parsed.fragments;
    let operations: Vec<_> = match parsed.operations {
        DocumentOperations::Single(_) => return Err(fail("(unnamed)", "an operation has no name")),
        DocumentOperations::Multiple(named) => named.into_iter().collect(),
    };
    fragments.values_mut().for_each(|fragment| snake_keys(&mut fragment.node.selection_set.node));
    let fragments = Arc::new(fragments);
    let mut documents = Vec::new();
    for (name, mut operation) in operations {
        let rest = Directive::take(&name, &mut operation.node)?;
        let shown = show::of_list(&operation, &rest)?;
        let known = (&fragments, abilities, dialects);
        documents.push(Document::read(&name, operation, &rest, known)?);
        if let Some((name, operation, rest)) = shown {
            documents.push(Document::read(&name, operation, &rest, known)?);
        }
    }
    documents.sort_by(|a, b| a.name.cmp(&b.name));
    match documents.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(fail(&pair[0].name, "two operations have this name")),
        None => Ok(documents),
    }
}

/// The dialect of an operation, by its first path.
fn dialect_of(dialects: &[(&str, Dialect)], routes: &[Route]) -> Dialect {
    let path = routes.first().map_or("", |route| route.path.as_str());
    let begins =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let fitting = dialects.iter().filter(|(prefix, _)| begins(prefix));
    fitting.max_by_key(|(prefix, _)| prefix.len()).map_or(Dialect::USUAL, |(_, dialect)| *dialect)
}

fn fail(operation: impl ToString, problem: impl Into<String>) -> DocumentError {
    DocumentError { operation: operation.to_string(), problem: problem.into() }
}

impl Document<Unchecked> {
    fn read(
        name: &Name,
        mut operation: Positioned<OperationDefinition>,
        rest: &Directive,
        (fragments, abilities, dialects): (&Arc<Fragments>, &Abilities, &[(&str, Dialect)]),
    ) -> Result<Self, DocumentError> {
        let declared = operation.node.variable_definitions.iter();
        let variables: Vec<_> = declared.map(|variable| read_variable(&variable.node, rest)).collect();
        let has = |input: &str| variables.iter().any(|variable| variable.name == input);
        if let Some(unknown) = rest.object("inputs")?.keys().find(|input| !has(input.as_str())) {
            return Err(fail(name, format!("`inputs` names `${unknown}`, which is not declared")));
        }
        snake_keys(&mut operation.node.selection_set.node);
        let (answer, routes) = (rest.answer()?, rest.routes()?);
        let dialect = dialect_of(dialects, &routes);
        let includes = rest.names("includes")?;
        let also = rest.names("also")?;
        if answer.is_page() {
            complete_page(name, &mut operation.node, includes.iter().chain(&also))?;
        } else if !includes.is_empty() || !also.is_empty() {
            return Err(fail(name, "`includes` and `also` are for pages"));
        }
        let (root, more) = root_fields(&operation.node, answer).map_err(|problem| fail(name, problem))?;
        let mut optional = Vec::new();
        take_optional(&mut operation.node.selection_set.node, &[], &mut optional);
        let document = assemble(operation, fragments).map_err(|problem| fail(name, problem))?;
        Ok(Self {
            name: name.to_string(),
            tag: rest.text("tag")?.unwrap_or_else(|| "Core".to_owned()),
            summary: rest.text("summary")?.ok_or_else(|| fail(name, "@rest needs a summary"))?,
            routes,
            status: rest.status()?,
            answer,
            limiter: rest.limiter()?,
            max_body: rest.bytes("maxBody")?,
            dialect,
            types: rest.media_types()?,
            beside: rest.object("beside")?,
            message: rest.text("message")?,
            missing: rest.text("missing")?,
            filters: rest.names("filters")?,
            sorts: rest.names("sorts")?,
            includes,
            also,
            lends: rest.abilities("lends", abilities)?.unwrap_or_default(),
            variables,
            root,
            more,
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
        let declared = self.root_needs(&self.root, registry, abilities)?;
        let mut all_roots = declared.clone();
        for root in &self.more {
            all_roots.extend(self.root_needs(root, registry, abilities)?);
        }
        self.roots().try_for_each(|root| self.check_arguments(root, registry))?;
        self.check_names(registry)?;
        self.check_paging()?;
        self.check_file(registry)?;
        self.check_lends(registry, &all_roots)?;
        self.check_field_directives(registry)?;
        let needs = self.can.clone().unwrap_or_else(|| declared.clone());
        let (_, operation) =
            self.state.document.operations.iter().next().ok_or_else(|| self.fail("it has no operation"))?;
        let prepared = PreparedDocument::new(&self.state.document, operation, registry, MAX_VARIANTS);
        let prepared = prepared.map_err(|problem| self.fail(problem))?;
        let mutates = operation.node.ty == OperationType::Mutation;
        let expected = Expected::new(&self.variables, self.max_body, registry);
        // What opens the operation opens its first root field; the others hold the caller to what they need.
        let root_needs: Abilities = declared.into_iter().collect();
        let lent = self.lends.iter().copied().chain(root_needs.iter()).collect();
        let keyless = self.is_public(registry);
        let state = Checked { mutates, keyless, prepared, expected, needs, root_needs, lent };
        Ok(Document {
            name: self.name,
            tag: self.tag,
            summary: self.summary,
            routes: self.routes,
            status: self.status,
            answer: self.answer,
            limiter: self.limiter,
            max_body: self.max_body,
            dialect: self.dialect,
            types: self.types,
            beside: self.beside,
            message: self.message,
            missing: self.missing,
            filters: self.filters,
            sorts: self.sorts,
            includes: self.includes,
            also: self.also,
            lends: self.lends,
            variables: self.variables,
            root: self.root,
            more: self.more,
            example: self.example,
            optional: self.optional,
            can: self.can,
            fragments: self.fragments,
            state,
        })
    }

    /// The document for GraphQL's own validation, without the directives that it does not know.
    pub fn standard_document(&self) -> ExecutableDocument {
        field_directives::without(&self.state.document)
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

    /// Whether every root field is open to those without a key.
    fn is_public(&self, registry: &Registry) -> bool {
        let ty = self.root_type(registry);
        let field = |root: &Field| ty.and_then(|ty| ty.field_by_name(&root.name.node));
        self.roots().all(|root| field(root).is_some_and(Public::marks))
    }

    /// The root fields.
    fn roots(&self) -> impl Iterator<Item = &Field> {
        std::iter::once(&self.root).chain(&self.more)
    }

    fn root_needs(
        &self,
        root: &Field,
        registry: &Registry,
        abilities: &Abilities,
    ) -> Result<Vec<Ability>, DocumentError> {
        let field = self.root_type(registry).and_then(|ty| ty.field_by_name(&root.name.node));
        let field = field.ok_or_else(|| self.fail(format!("no root field `{}`", root.name.node)))?;
        let needs = Can::read(field).or_else(|| Public::marks(field).then(Vec::new));
        let needs = needs.ok_or_else(|| self.fail(format!("root field `{}` has no guard", field.name)))?;
        let known = |name| abilities.iter().find(|ability| ability.name() == name);
        needs
            .into_iter()
            .map(|name| known(name).ok_or_else(|| self.fail(format!("no ability `{name}`"))))
            .collect()
    }

    fn check_arguments(&self, root: &Field, registry: &Registry) -> Result<(), DocumentError> {
        let field = self.root_type(registry).and_then(|ty| ty.field_by_name(&root.name.node));
        for (argument, value) in &root.arguments {
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

    fn check_field_directives(&self, registry: &Registry) -> Result<(), DocumentError> {
        let root = self.root_type(registry);
        let fragments = &self.state.document.fragments;
        let of_fragments = fragments.values().map(|fragment| {
            let ty = registry.types.get(fragment.node.type_condition.node.on.node.as_str());
            (ty, &fragment.node.selection_set.node)
        });
        let operation = single(&self.state.document);
        let own = operation.map(|operation| (root, &operation.selection_set.node));
        for (ty, set) in own.into_iter().chain(of_fragments) {
            let Some(ty) = ty else { continue };
            field_directives::check(registry, &self.fragments, ty, set)
                .map_err(|problem| self.fail(problem))?;
        }
        Ok(())
    }

    /// A page of rows has a number and a size: without them, its envelope would tell of others than it holds.
    fn check_paging(&self) -> Result<(), DocumentError> {
        let has = |name: &str| self.variables.iter().any(|variable| variable.name == name);
        if !self.answer.is_page() || has("page") && has("perPage") {
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

/// The root field, and the others where the answer is an object of several.
fn root_fields(operation: &OperationDefinition, answer: Answer) -> Result<(Field, Vec<Field>), &'static str> {
    let fields = operation.selection_set.node.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => Ok(field.node.clone()),
        _ => Err("its root fields stand in no fragment"),
    });
    let mut fields = fields.collect::<Result<Vec<_>, _>>()?.into_iter();
    match (fields.next(), fields.len(), answer) {
        (Some(root), 0, _) | (Some(root), _, Answer::Object) => Ok((root, fields.collect())),
        _ => Err("it needs exactly one root field"),
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
