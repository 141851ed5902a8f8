//! The operations of REST: `.graphql` documents of the resources, read and checked at start-up.
//!
//! A document is a GraphQL operation with the directive `@rest`. Reading completes it: response keys become snake
//! case, each include gets its forms `Count` and `Exists`, and a fragment that spreads itself is unrolled. A document
//! that does not agree with the schema stops the start. docs/reference.md describes all that a document may declare.
//!
//! Directives on fields:
//!
//! - `@optional` leaves a field of a computed object out of the answer if it is null.
//! - `@replaces(key: "usages")` on a field of a record answers it in place of the field with that key.
//! - `@pivot` adds the columns of the join table to each related row.

mod assembly;
mod completion;
mod directive;
mod field_directives;
mod file;
mod show;

use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
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
pub(super) use self::field_directives::rest_key;
pub(super) use self::file::check_files;
use super::expected_body::ExpectedBody;
use super::fields::Fields;
use crate::error::{Error, Refusal};
use crate::guard::{Can, Public};
pub use crate::name::{camel, capitalised, filter_field, include_variable, snake};
use crate::operation::{PreparedDocument, Variant};
use crate::{Abilities, Ability, Dialect};

/// The status of an answer without a body.
const NO_CONTENT: u16 = 204;
/// Maximum number of combinations of includes whose document is kept; others are made for each request.
const MAX_VARIANTS: usize = 32;

/// The fragments of all documents, by name.
pub type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// What is wrong with a document.
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
    /// A flat page: its numbers are beside the rows (docs/contract/wire.md#4.1).
    Page,
    /// A wrapped page: its numbers are under `links` and `meta`.
    WrappedPage,
    /// A page with four numbers under `meta` (docs/contract/client.md#2.7).
    DataPage,
    /// The value of the root field under `data`.
    Data,
    /// The values of all root fields, each under its key.
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
    /// Whether it replaces the usual limit of requests; otherwise both count.
    pub alone: bool,
}

/// A method and path of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path below `/api`, with `{parameters}`.
    pub path: String,
    /// Whether the original does not have it, such as `PUT` for a partial update. `Allow` does not list it.
    pub added: bool,
    /// Whether it is an older path of the operation, kept for clients that still use it.
    pub older: bool,
}

/// The state of a document that is not compared with the schema yet.
pub struct Unchecked {
    document: ExecutableDocument,
}

/// The state of a document that agrees with the schema.
pub struct Checked {
    is_mutation: bool,
    /// Whether it can be requested without a key.
    is_keyless: bool,
    prepared: PreparedDocument,
    expected_body: ExpectedBody,
    /// Abilities of which the caller needs one.
    needs: Vec<Ability>,
    /// Abilities that the first root field needs. The execution has them, because `can` may replace them as needs of
    /// the caller.
    root_abilities: Abilities,
    /// `root_abilities`, and those that the document lends.
    root_and_lent_abilities: Abilities,
}

/// A REST operation. `State` is [`Unchecked`] or [`Checked`]. Its declaration is read by dereferencing.
pub struct Document<State> {
    declaration: DocumentDeclaration,
    state: State,
}

/// What a document declares: its operation and the arguments of `@rest`.
pub struct DocumentDeclaration {
    /// Name of the operation.
    pub name: String,
    /// Section of the OpenAPI document.
    pub tag: String,
    /// What it does, in one line.
    pub summary: String,
    /// Its routes. All but the first are added ones.
    pub routes: Vec<Route>,
    /// Status of an answer without an error.
    pub status: u16,
    /// Shape of the answer.
    pub answer: Answer,
    /// The limiter that counts its requests, if it has one of its own.
    pub limiter: Option<Limiter>,
    /// Maximum number of bytes of a body. Without it, and above it, the operator's limits hold.
    pub max_body: Option<usize>,
    /// Whether it answers 409 where the state of its record forbids it.
    pub conflicts: bool,
    /// How the answer spells values.
    pub dialect: Dialect,
    /// Media types or ranges (`image/*`) of the file that it answers; empty if it answers no file.
    pub types: Vec<String>,
    /// Fixed members of the answer, after the others.
    pub beside: Fields,
    /// The answer is `{"message": text}` with this text in place of the value.
    pub message: Option<String>,
    /// The text of the 404 if the first root field is null. `{name}` in it is the parameter of the path.
    missing: Option<String>,
    /// Names that `filter` takes, in the order in which the 400 for an unknown name lists them.
    pub filters: Vec<String>,
    /// Names that `sort` takes.
    pub sorts: Vec<String>,
    /// Relations that `include` takes.
    pub includes: Vec<String>,
    /// Relations that `include` takes too, but that the 400 for an unknown name does not list.
    pub also: Vec<String>,
    /// Abilities that an execution has beside the caller's, for what the answer includes.
    pub lends: Vec<Ability>,
    /// The variables of the operation.
    pub variables: Vec<Variable>,
    /// The first root field, completed, but with its fragments and `@optional` as they are written in the document.
    pub root: Field,
    /// The other root fields of an [`Answer::Object`].
    pub other_roots: Vec<Field>,
    /// Values of the path and fields of the body, as example in the OpenAPI document.
    pub example: Option<Value>,
    /// Paths of response keys whose value is left out of the answer if it is null (`@optional`).
    pub optional: Vec<Vec<String>>,
    /// Abilities of which the caller needs one, in place of those of the root field.
    can: Option<Vec<Ability>>,
    fragments: Arc<Fragments>,
}

impl<State> Deref for Document<State> {
    type Target = DocumentDeclaration;

    fn deref(&self) -> &DocumentDeclaration {
        &self.declaration
    }
}

impl DocumentDeclaration {
    /// The root fields, in the order of the operation.
    pub fn roots(&self) -> impl Iterator<Item = &Field> {
        std::iter::once(&self.root).chain(&self.other_roots)
    }

    /// The error if the first root field is null: the 404 of `missing`, with the parameters of the path; `None` if the
    /// document has no `missing`.
    pub(super) fn missing_error(&self, path: &HashMap<String, String>) -> Option<Error> {
        let text = path
            .iter()
            .fold(self.missing.clone()?, |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
        Some(Refusal::message(404, text))
    }

    /// Whether the answer has no body: `status: 204`.
    pub fn has_no_body(&self) -> bool {
        self.status == NO_CONTENT
    }

    /// Whether it has a route with `GET`.
    pub fn has_get(&self) -> bool {
        self.routes.iter().any(|route| route.method == "GET")
    }

    /// The fields of its example; none without an example.
    pub fn example_fields(&self) -> impl Iterator<Item = (&Name, &Value)> {
        let fields = if let Some(Value::Object(fields)) = &self.example { Some(fields) } else { None };
        fields.into_iter().flatten()
    }

    /// The example value of a parameter of the path: `1` if the example does not have it.
    pub fn path_example(&self, name: &str) -> String {
        let given = self.example_fields().find(|(field, _)| field.as_str() == name);
        given.map_or_else(|| "1".to_owned(), |(_, value)| super::fields::text(value))
    }

    fn fail(&self, problem: impl Into<String>) -> DocumentError {
        fail(&self.name, problem)
    }
}

/// A variable of an operation.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Name, without the `$`.
    pub name: String,
    /// GraphQL type.
    pub ty: Type,
    /// Its value if the request gives none.
    pub default: Option<Value>,
    /// `inputs: {x: {exactly: "1"}}`: true for this text only.
    pub exactly: Option<String>,
    /// `inputs: {x: {sent: [a, b]}}`: true when one of these parameters was sent.
    pub sent: Vec<String>,
    /// `inputs: {x: {unless: a}}`: not read when that parameter was sent.
    pub unless: Option<String>,
}

impl Document<Checked> {
    /// The document that is executed with these variables.
    pub fn prepared(&self, variables: &Variables) -> Arc<Variant> {
        self.state.prepared.variant(variables)
    }

    /// The body that a request for it may have.
    pub fn expected_body(&self) -> &ExpectedBody {
        &self.state.expected_body
    }

    /// Abilities of which the caller needs one; empty if no ability is needed.
    pub fn needs(&self) -> &[Ability] {
        &self.state.needs
    }

    /// Abilities that an execution has beside the caller's: those that the first root field needs, and with
    /// `includes` those that the document lends.
    pub fn extra_abilities(&self, includes: bool) -> &Abilities {
        if includes { &self.state.root_and_lent_abilities } else { &self.state.root_abilities }
    }

    /// The fragments of all documents, as they are written.
    pub fn fragments(&self) -> &Fragments {
        &self.fragments
    }

    /// Whether it is a mutation.
    pub fn is_mutation(&self) -> bool {
        self.state.is_mutation
    }

    /// Whether it can be requested without a key.
    pub fn is_keyless(&self) -> bool {
        self.state.is_keyless
    }

    /// Checks that the host has its limiter.
    ///
    /// # Errors
    /// When the limiter is not in `known`.
    pub(super) fn check_limiter(&self, known: &[&str]) -> Result<(), DocumentError> {
        match &self.limiter {
            Some(limiter) if !known.contains(&limiter.name.as_str()) => {
                Err(self.fail(format!("there is no limiter `{}`", limiter.name)))
            }
            _ => Ok(()),
        }
    }
}

/// Reads the operations of all documents; the documents share their fragments. `dialects` lists beginnings of paths
/// below `/api` with their dialects: the longest beginning of a path counts, and other paths have the usual dialect.
///
/// # Errors
/// When a text is not GraphQL, or an `@rest` is malformed.
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

/// The dialect of the first route.
fn dialect_of(dialects: &[(&str, Dialect)], routes: &[Route]) -> Dialect {
    let path = routes.first().map_or("", |route| route.path.as_str());
    let is_below =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let matching = dialects.iter().filter(|(prefix, _)| is_below(prefix));
    matching.max_by_key(|(prefix, _)| prefix.len()).map_or(Dialect::USUAL, |(_, dialect)| *dialect)
}

fn fail(operation: impl ToString, problem: impl Into<String>) -> DocumentError {
    DocumentError { operation: operation.to_string(), problem: problem.into() }
}

impl Document<Unchecked> {
    /// Reads one operation and completes it.
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
        let (root, other_roots) =
            root_fields(&operation.node, answer).map_err(|problem| fail(name, problem))?;
        let mut optional = Vec::new();
        take_optional(&mut operation.node.selection_set.node, &[], &mut optional);
        let document = assemble(operation, fragments).map_err(|problem| fail(name, problem))?;
        let declaration = DocumentDeclaration {
            name: name.to_string(),
            tag: rest.text("tag")?.unwrap_or_else(|| "Core".to_owned()),
            summary: rest.text("summary")?.ok_or_else(|| fail(name, "@rest needs a summary"))?,
            routes,
            status: rest.status()?,
            answer,
            limiter: rest.limiter()?,
            max_body: rest.bytes("maxBody")?,
            conflicts: rest.switch("conflicts")?,
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
            other_roots,
            example: rest.arguments.get("example").cloned(),
            optional,
            can: rest.abilities("can", abilities)?,
            fragments: Arc::clone(fragments),
        };
        Ok(Self { declaration, state: Unchecked { document } })
    }

    /// Compares the operation with the schema, beyond what GraphQL's own validation compares: types of variables, names
    /// of filters and sorts, lent abilities, files, directives on fields.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(
        self,
        registry: &Registry,
        abilities: &Abilities,
    ) -> Result<Document<Checked>, DocumentError> {
        let root_needs = self.root_needs(&self.root, registry, abilities)?;
        let mut needs_of_all_roots = root_needs.clone();
        for root in &self.other_roots {
            needs_of_all_roots.extend(self.root_needs(root, registry, abilities)?);
        }
        self.roots().try_for_each(|root| self.check_arguments(root, registry))?;
        self.check_names(registry)?;
        self.check_paging()?;
        self.check_file(registry)?;
        self.check_lends(registry, &needs_of_all_roots)?;
        self.check_field_directives(registry)?;
        let needs = self.can.clone().unwrap_or_else(|| root_needs.clone());
        let (_, operation) =
            self.state.document.operations.iter().next().ok_or_else(|| self.fail("it has no operation"))?;
        let prepared = PreparedDocument::new(&self.state.document, operation, registry, MAX_VARIANTS);
        // Who may run the operation may read its first root field; the other root fields check the caller themselves.
        let root_abilities: Abilities = root_needs.into_iter().collect();
        let state = Checked {
            is_mutation: operation.node.ty == OperationType::Mutation,
            is_keyless: self.is_public(registry),
            prepared: prepared.map_err(|problem| self.fail(problem))?,
            expected_body: ExpectedBody::new(&self.variables, self.max_body, registry),
            needs,
            root_and_lent_abilities: self.lends.iter().copied().chain(root_abilities.iter()).collect(),
            root_abilities,
        };
        Ok(Document { declaration: self.declaration, state })
    }

    /// The document for GraphQL's own validation: without the directives that GraphQL does not know.
    pub fn standard_document(&self) -> ExecutableDocument {
        field_directives::without(&self.state.document)
    }

    fn root_type<'r>(&self, registry: &'r Registry) -> Option<&'r MetaType> {
        let operation = single(&self.state.document)?;
        let name = match operation.ty {
            async_graphql::parser::types::OperationType::Query => registry.query_type.as_str(),
            _ => registry.mutation_type.as_deref()?,
        };
        registry.types.get(name)
    }

    /// Whether all root fields can be read without a key.
    fn is_public(&self, registry: &Registry) -> bool {
        let ty = self.root_type(registry);
        let field = |root: &Field| ty.and_then(|ty| ty.field_by_name(&root.name.node));
        self.roots().all(|root| field(root).is_some_and(Public::marks))
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

    /// A page must have the variables of its number and size: otherwise the numbers in its envelope would be wrong.
    fn check_paging(&self) -> Result<(), DocumentError> {
        let has = |name: &str| self.variables.iter().any(|variable| variable.name == name);
        if !self.answer.is_page() || has("page") && has("perPage") {
            return Ok(());
        }
        Err(self.fail("a page needs the variables `$page` and `$perPage`"))
    }

    /// Some field of the operation must need each lent ability. `root_needs` are those that the root fields need.
    fn check_lends(&self, registry: &Registry, root_needs: &[Ability]) -> Result<(), DocumentError> {
        let mut needed: BTreeSet<&str> = root_needs.iter().map(|ability| ability.name()).collect();
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

/// The first root field and the others. Only an [`Answer::Object`] may have others.
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

/// The only operation of a document.
fn single(document: &ExecutableDocument) -> Option<&OperationDefinition> {
    document.operations.iter().next().map(|(_, operation)| &operation.node)
}

/// Adds the abilities that the selected fields need.
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
