//! REST operations: the `.graphql` documents of the resources, read and checked at start-up.
//!
//! A document is an ordinary operation with an `@rest` directive. Loading completes it: response
//! keys become snake case, every include brings its `Count` and `Exists` forms, a fragment that
//! spreads itself is unrolled. A field with `@optional` is left out of the answer where it is null;
//! that works in computed objects, not in records. A document that doesn't agree with the schema stops the start.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType,
    Selection, SelectionSet, VariableDefinition,
};
use async_graphql::parser::{parse_query, types::Type};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Name, Pos, Positioned, Value, Variables};
use async_graphql_value::Value as InputValue;

use super::prepared::{Prepared, Variant};
use crate::auth::{Abilities, Ability, Can};

/// How deep a fragment that spreads itself is unrolled.
const MAX_LEVELS: usize = 16;

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
    /// A page with its numbers beside the rows (spec: `wire.md` 4.1, flat).
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
    /// The whole operation.
    pub executable: ExecutableDocument,
    prepared: Prepared,
    /// Abilities of which the caller needs one.
    pub needs: Vec<Ability>,
    /// What the root field itself needs: lent to an operation that its own abilities opened.
    pub root_needs: Vec<Ability>,
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
    /// Abilities that its execution has beside the caller's.
    pub lends: Abilities,
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
    /// The whole operation.
    pub fn executable(&self) -> &ExecutableDocument {
        &self.state.executable
    }

    /// What is executed for these variables.
    pub fn prepared(&self, variables: &Variables) -> Arc<Variant> {
        self.state.prepared.variant(variables)
    }

    /// Abilities of which the caller needs one.
    pub fn needs(&self) -> &[Ability] {
        &self.state.needs
    }

    /// What the root field itself needs.
    pub fn root_needs(&self) -> &[Ability] {
        &self.state.root_needs
    }

    /// The fragments that it may spread, not yet unrolled.
    pub fn fragments(&self) -> &Fragments {
        &self.fragments
    }

    /// Whether it changes something.
    pub fn is_mutation(&self) -> bool {
        single(&self.state.executable).is_some_and(|operation| operation.ty == OperationType::Mutation)
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

    /// Whether it only reads.
    pub fn is_query(&self) -> bool {
        self.routes.iter().any(|route| route.method == "GET")
    }
}

/// Reads the operations of all documents together: they share their fragments.
///
/// # Errors
/// When a text is no GraphQL or an `@rest` makes no sense.
pub fn read(sources: &[&str]) -> Result<Vec<Document<Unchecked>>, DocumentError> {
    let parsed = parse_query(sources.join("\n")).map_err(|error| fail("(all)", error.to_string()))?;
    let mut fragments = parsed.fragments;
    let mut operations: Vec<_> = match parsed.operations {
        DocumentOperations::Single(_) => return Err(fail("(unnamed)", "an operation has no name")),
        DocumentOperations::Multiple(named) => named.into_iter().collect(),
    };
    fragments.values_mut().for_each(|fragment| snake_keys(&mut fragment.node.selection_set.node));
    let fragments = Arc::new(fragments);
    operations.sort_by(|(a, _), (b, _)| a.cmp(b));
    operations.into_iter().map(|(name, operation)| Document::read(&name, operation, &fragments)).collect()
}

fn fail(operation: impl ToString, problem: impl Into<String>) -> DocumentError {
    DocumentError { operation: operation.to_string(), problem: problem.into() }
}

impl Document<Unchecked> {
    fn read(
        name: &Name,
        mut operation: Positioned<OperationDefinition>,
        fragments: &Arc<Fragments>,
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
            lends: rest.abilities("lends")?.unwrap_or_default().into_iter().collect(),
            variables,
            root,
            example: rest.arguments.get("example").cloned(),
            optional,
            can: rest.abilities("can")?,
            fragments: Arc::clone(fragments),
            state: Unchecked { document },
        })
    }

    /// Compares the operation with the schema, beyond what GraphQL's own validation compares:
    /// types of variables, declared filters, sorts and includes, what it lends.
    ///
    /// # Errors
    /// When they don't agree.
    pub fn check(self, registry: &Registry) -> Result<Document<Checked>, DocumentError> {
        let declared = self.root_needs(registry)?;
        self.check_arguments(registry)?;
        self.check_names(registry)?;
        self.check_lends(registry, &declared)?;
        let needs = self.can.clone().unwrap_or_else(|| declared.clone());
        let prepared = Prepared::new(&self.state.document, registry).map_err(|problem| self.fail(problem))?;
        let state = Checked { executable: self.state.document, prepared, needs, root_needs: declared };
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

    fn root_needs(&self, registry: &Registry) -> Result<Vec<Ability>, DocumentError> {
        let field = self.root_type(registry).and_then(|root| root.field_by_name(&self.root.name.node));
        let field = field.ok_or_else(|| self.fail(format!("no root field `{}`", self.root.name.node)))?;
        Can::read(field).ok_or_else(|| self.fail(format!("root field `{}` has no guard", field.name)))
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

    /// Something lent must be needed somewhere below, and must not be the root's own guard.
    fn check_lends(&self, registry: &Registry, root: &[Ability]) -> Result<(), DocumentError> {
        let mut needed: BTreeSet<Ability> = root.iter().copied().collect();
        let document = &self.state.document;
        if let (Some(operation), Some(root)) = (single(document), self.root_type(registry)) {
            collect_needs(registry, document, root, &operation.selection_set.node, &mut needed);
        }
        let unused: Vec<_> = Ability::ALL
            .iter()
            .filter(|&&ability| self.lends.has(ability) && !needed.contains(&ability))
            .collect();
        match unused.first() {
            Some(ability) => Err(self.fail(format!("it lends `{ability}`, which nothing in it needs"))),
            None => Ok(()),
        }
    }
}

fn enum_has(registry: &Registry, name: &str, item: &str) -> bool {
    matches!(registry.types.get(name), Some(MetaType::Enum { enum_values, .. }) if enum_values.contains_key(item))
}

/// The field of a filter type that a REST name means: `id` is the primary key.
pub fn filter_field(name: &str) -> String {
    if name == "id" { "databaseId".to_owned() } else { camel(name) }
}

/// snake_case → camelCase
pub fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                out.extend(letter.to_uppercase());
                upper = false;
            }
            letter => out.push(letter),
        }
    }
    out
}

/// camelCase → snake_case
pub fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// snake_case → CamelCase
pub fn capitalised(name: &str) -> String {
    let camel = camel(name);
    let mut letters = camel.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The variable that says whether a relation is included, in one of its three forms.
pub fn include_variable(relation: &str, form: &str) -> String {
    format!("include{}{form}", capitalised(relation))
}

fn snake_keys(set: &mut SelectionSet) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                let key = snake(&field.node.name.node);
                if field.node.alias.is_none() && key != field.node.name.node.as_str() {
                    field.node.alias = Some(Positioned::new(Name::new(key), field.pos));
                }
                snake_keys(&mut field.node.selection_set.node);
            }
            Selection::InlineFragment(fragment) => snake_keys(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Takes `@optional` off the fields of the operation itself, and notes where they stand.
fn take_optional(set: &mut SelectionSet, above: &[String], found: &mut Vec<Vec<String>>) {
    for selection in &mut set.items {
        let Selection::Field(field) = &mut selection.node else { continue };
        let field = &mut field.node;
        let path: Vec<String> =
            above.iter().cloned().chain([field.response_key().node.to_string()]).collect();
        let directives = field.directives.len();
        field.directives.retain(|directive| directive.node.name.node != "optional");
        if field.directives.len() < directives {
            found.push(path.clone());
        }
        take_optional(&mut field.selection_set.node, &path, found);
    }
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

/// A page also answers how many rows there are, and every include in its three forms.
fn complete_page<'a>(
    name: &Name,
    operation: &mut OperationDefinition,
    includes: impl Iterator<Item = &'a String>,
) -> Result<(), DocumentError> {
    let missing = || fail(name, "a page needs one root field with `nodes`");
    let [Positioned { node: Selection::Field(root), .. }] = operation.selection_set.node.items.as_mut_slice()
    else {
        return Err(missing());
    };
    let mut additions = String::new();
    for relation in includes {
        let field = included_by(&root.node.selection_set.node, &include_variable(relation, ""));
        let name = field.map_or_else(|| camel(relation), Name::to_string);
        for form in ["Count", "Exists"] {
            let key = format!("{}_{}", snake(relation), form.to_lowercase());
            let variable = include_variable(relation, form);
            additions.push_str(&format!("{key}: {name}{form} @include(if: ${variable}) "));
        }
        for form in ["", "Count", "Exists"].iter().skip(usize::from(field.is_none())) {
            operation.variable_definitions.push(flag_variable(&include_variable(relation, form)));
        }
    }
    let nodes =
        root.node.selection_set.node.items.iter_mut().find_map(|selection| match &mut selection.node {
            Selection::Field(field) if field.node.name.node == "nodes" => {
                Some(&mut field.node.selection_set.node)
            }
            _ => None,
        });
    nodes.ok_or_else(missing)?.items.extend(selections(name, &additions)?);
    root.node.selection_set.node.items.extend(selections(name, "total: totalCount")?);
    Ok(())
}

/// The field that a variable includes: what a relation's name means. A relation that every row
/// carries anyway has none; asking for it changes nothing.
fn included_by<'a>(set: &'a SelectionSet, variable: &str) -> Option<&'a Name> {
    set.items.iter().find_map(|selection| {
        let named = |value: &InputValue| matches!(value, InputValue::Variable(name) if name == variable);
        let mut conditions =
            selection.node.directives().iter().filter_map(|directive| directive.node.get_argument("if"));
        let included = conditions.any(|value| named(&value.node));
        match &selection.node {
            Selection::Field(field) if included => Some(&field.node.name.node),
            Selection::Field(field) => included_by(&field.node.selection_set.node, variable),
            Selection::InlineFragment(fragment) => included_by(&fragment.node.selection_set.node, variable),
            Selection::FragmentSpread(_) => None,
        }
    })
}

fn selections(name: &Name, text: &str) -> Result<Vec<Positioned<Selection>>, DocumentError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parsed = parse_query(format!("{{ {text} }}")).map_err(|error| fail(name, error.to_string()))?;
    Ok(single(&parsed).map(|operation| operation.selection_set.node.items.clone()).unwrap_or_default())
}

fn flag_variable(name: &str) -> Positioned<VariableDefinition> {
    let at = Pos::default();
    Positioned::new(
        VariableDefinition {
            name: Positioned::new(Name::new(name), at),
            var_type: Positioned::new(
                Type {
                    base: async_graphql::parser::types::BaseType::Named(Name::new("Boolean")),
                    nullable: false,
                },
                at,
            ),
            directives: Vec::new(),
            default_value: Some(Positioned::new(Value::Boolean(false), at)),
        },
        at,
    )
}

fn read_variable(variable: &VariableDefinition, rest: &Directive) -> Variable {
    let name = variable.name.node.as_str();
    let rules = match rest.arguments.get("inputs") {
        Some(Value::Object(inputs)) => inputs.get(name).cloned(),
        _ => None,
    };
    let rule = |rule: &str| match &rules {
        Some(Value::Object(rules)) => rules.get(rule).cloned(),
        _ => None,
    };
    Variable {
        name: name.to_owned(),
        ty: variable.var_type.node.clone(),
        default: variable.default_value.as_ref().map(|value| value.node.clone()),
        exactly: rule("exactly").map(|value| word(&value)),
        sent: names_in(rule("sent")),
        unless: rule("unless").map(|value| word(&value)),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Enum(name) => name.to_string(),
        other => super::bag::text(other),
    }
}

fn names_in(value: Option<Value>) -> Vec<String> {
    match value {
        Some(Value::List(items)) => items.iter().map(word).collect(),
        _ => Vec::new(),
    }
}

/// The operation with the fragments it reaches. A selection that a variable includes which the
/// operation doesn't declare is left out of it; a fragment that spreads itself is unrolled.
fn assemble(
    mut operation: Positioned<OperationDefinition>,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
) -> Result<ExecutableDocument, String> {
    let declared = operation
        .node
        .variable_definitions
        .iter()
        .map(|variable| variable.node.name.node.to_string())
        .collect();
    let mut assembly = Assembly { fragments, declared, done: HashMap::new() };
    assembly.resolve(&mut operation.node.selection_set.node, &[])?;
    Ok(ExecutableDocument { operations: DocumentOperations::Single(operation), fragments: assembly.done })
}

struct Assembly<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    declared: BTreeSet<String>,
    done: HashMap<Name, Positioned<FragmentDefinition>>,
}

impl Assembly<'_> {
    fn resolve(&mut self, set: &mut SelectionSet, inside: &[Name]) -> Result<(), String> {
        set.items.retain(|selection| self.can_be_included(&selection.node));
        let mut at = 0;
        while at < set.items.len() {
            let keep = match &mut set.items[at].node {
                Selection::Field(field) => {
                    let had = !field.node.selection_set.node.items.is_empty();
                    self.resolve(&mut field.node.selection_set.node, inside)?;
                    !had || !field.node.selection_set.node.items.is_empty()
                }
                Selection::InlineFragment(fragment) => {
                    self.resolve(&mut fragment.node.selection_set.node, inside)?;
                    true
                }
                Selection::FragmentSpread(spread) => {
                    match self.spread(&spread.node.fragment_name.node, inside)? {
                        Some(name) => {
                            spread.node.fragment_name.node = name;
                            true
                        }
                        None => false,
                    }
                }
            };
            if keep {
                at += 1;
            } else {
                set.items.remove(at);
            }
        }
        Ok(())
    }

    fn can_be_included(&self, selection: &Selection) -> bool {
        selection.directives().iter().all(|directive| {
            match directive.node.get_argument("if").map(|value| &value.node) {
                Some(InputValue::Variable(name)) => self.declared.contains(name.as_str()),
                _ => true,
            }
        })
    }

    /// The name under which a fragment stands at this level, or nothing where it is cut.
    fn spread(&mut self, name: &Name, inside: &[Name]) -> Result<Option<Name>, String> {
        let level = inside.iter().filter(|outer| *outer == name).count();
        if level >= MAX_LEVELS {
            return Ok(None);
        }
        let levelled = if level == 0 { name.clone() } else { Name::new(format!("{name}_{level}")) };
        if self.done.contains_key(&levelled) {
            return Ok(Some(levelled));
        }
        let mut fragment =
            self.fragments.get(name).ok_or_else(|| format!("unknown fragment `{name}`"))?.clone();
        let deeper: Vec<Name> = inside.iter().cloned().chain([name.clone()]).collect();
        self.resolve(&mut fragment.node.selection_set.node, &deeper)?;
        self.done.insert(levelled.clone(), fragment);
        Ok(Some(levelled))
    }
}

fn collect_needs(
    registry: &Registry,
    document: &ExecutableDocument,
    ty: &MetaType,
    set: &SelectionSet,
    needed: &mut BTreeSet<Ability>,
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

/// The arguments of `@rest`.
struct Directive {
    operation: String,
    arguments: HashMap<String, Value>,
}

impl Directive {
    const KNOWN: [&str; 17] = [
        "get", "post", "put", "delete", "status", "answer", "filters", "sorts", "includes", "lends", "can",
        "inputs", "added", "also", "tag", "summary", "example",
    ];

    fn take(name: &Name, operation: &mut OperationDefinition) -> Result<Self, DocumentError> {
        let at = operation.directives.iter().position(|directive| directive.node.name.node == "rest");
        let directive = operation.directives.remove(at.ok_or_else(|| fail(name, "it has no @rest"))?);
        let mut arguments = HashMap::new();
        for (argument, value) in directive.node.arguments {
            if !Self::KNOWN.contains(&argument.node.as_str()) {
                return Err(fail(name, format!("@rest has no argument `{}`", argument.node)));
            }
            let value = value.node.into_const().ok_or_else(|| fail(name, "@rest takes no variables"))?;
            arguments.insert(argument.node.to_string(), value);
        }
        Ok(Self { operation: name.to_string(), arguments })
    }

    fn text(&self, name: &str) -> Result<Option<String>, DocumentError> {
        match self.arguments.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Enum(word)) => Ok(Some(word.to_string())),
            Some(_) => Err(fail(&self.operation, format!("`{name}` is no text"))),
        }
    }

    fn names(&self, name: &str) -> Result<Vec<String>, DocumentError> {
        match self.arguments.get(name) {
            None => Ok(Vec::new()),
            Some(list @ Value::List(_)) => Ok(names_in(Some(list.clone()))),
            Some(_) => Err(fail(&self.operation, format!("`{name}` is no list"))),
        }
    }

    fn abilities(&self, name: &str) -> Result<Option<Vec<Ability>>, DocumentError> {
        if !self.arguments.contains_key(name) {
            return Ok(None);
        }
        let named = |name: String| {
            Ability::named(&name).ok_or_else(|| fail(&self.operation, format!("no ability `{name}`")))
        };
        self.names(name)?.into_iter().map(named).collect::<Result<_, _>>().map(Some)
    }

    fn routes(&self) -> Result<Vec<Route>, DocumentError> {
        let mut routes = Vec::new();
        for (argument, method) in [("get", "GET"), ("post", "POST"), ("put", "PUT"), ("delete", "DELETE")] {
            if let Some(path) = self.text(argument)? {
                let added = !routes.is_empty() || self.arguments.get("added") == Some(&Value::Boolean(true));
                routes.push(Route { method, path, added });
            }
        }
        if routes.is_empty() { Err(fail(&self.operation, "@rest names no path")) } else { Ok(routes) }
    }

    fn status(&self) -> Result<u16, DocumentError> {
        match self.arguments.get("status") {
            None => Ok(200),
            Some(Value::Number(number)) => number
                .as_u64()
                .and_then(|number| u16::try_from(number).ok())
                .ok_or_else(|| fail(&self.operation, "`status` is no HTTP status")),
            Some(_) => Err(fail(&self.operation, "`status` is no number")),
        }
    }

    fn answer(&self) -> Result<Answer, DocumentError> {
        match self.text("answer")?.as_deref() {
            None | Some("VALUE") => Ok(Answer::Value),
            Some("PAGE") => Ok(Answer::Page),
            Some("WRAPPED_PAGE") => Ok(Answer::WrappedPage),
            Some(other) => Err(fail(&self.operation, format!("no answer `{other}`"))),
        }
    }
}
