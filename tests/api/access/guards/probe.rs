//! What is tried: every field, change and condition of the schema, packed into few operations, and
//! every operation of `openapi.json`.

use std::collections::BTreeSet;

use async_graphql::registry::{MetaField, MetaInputValue, MetaType, Registry};
use facade::Ability;
use facade::guard::Public;
use serde_json::Value as Json;

use super::caller::Caller;
use crate::harness::shop::Shop;
use crate::harness::walk::{Ways, ability, arguments, composite, fields, input_needs, needs_of};

/// An identifier that no row has: what is allowed to change something finds nothing to change.
pub(super) const NO_ROW: &str = "999999";

/// Things that are asked for at once: an answer tells of so many errors, and no more than fifty.
const MOST: usize = 40;

/// What ends sessions, and so is nothing for a key that was lent to somebody.
const FOR_SESSIONS: [&str; 1] = ["sessionRevokeAll"];

/// The parts of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Fields,
    Changes,
    Conditions,
    Operations,
}

/// Whether something is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    Unauthenticated,
    /// One of these abilities is missing.
    Forbidden(Vec<String>),
}

/// One thing that can be asked for.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) part: Part,
    /// `Product.pricing`, `customers(filter: services)`, `GET /customer/me`.
    pub(super) label: String,
    /// Where the answer has it.
    path: Vec<String>,
    /// What everything on the way to it needs, itself last: one ability of each list.
    pub(super) chain: Vec<Vec<Ability>>,
    /// What it needs by itself.
    pub(super) own: Option<Vec<Ability>>,
    /// Whether it needs no key.
    public: bool,
}

impl Cell {
    /// What decides about it when everything around it is open.
    pub(super) fn guard(&self) -> &[Ability] {
        self.chain.last().map_or(&[], Vec::as_slice)
    }

    /// The least that opens it: one ability of each guard on the way.
    pub(super) fn opened_by(&self, ability: Ability) -> Vec<Ability> {
        let around = self.chain.iter().rev().skip(1).filter_map(|any| any.first().copied());
        let mut least: Vec<Ability> = around.chain([ability]).collect();
        least.sort_unstable();
        least.dedup();
        least
    }

    fn is_for_sessions(&self) -> bool {
        self.path.first().is_some_and(|root| FOR_SESSIONS.contains(&root.as_str()))
    }

    /// What the caller is to find.
    pub(super) fn expected(&self, caller: &Caller) -> Outcome {
        let Some(has) = &caller.abilities else {
            return if self.public { Outcome::Answered } else { Outcome::Unauthenticated };
        };
        let closed =
            self.chain.iter().find(|any| !any.is_empty() && !any.iter().any(|&ability| has.has(ability)));
        match closed {
            Some(any) => Outcome::Forbidden(any.iter().map(ToString::to_string).collect()),
            None if self.is_for_sessions() && !caller.is_session => Outcome::Forbidden(Vec::new()),
            None => Outcome::Answered,
        }
    }
}

/// A GraphQL operation that asks for many things.
pub(super) struct Probe {
    /// How it begins.
    open: String,
    /// Its fields at the root.
    asked: Vec<Asked>,
}

/// A field at the root, and what it asks for.
#[derive(Clone)]
struct Asked {
    text: String,
    cells: Vec<Cell>,
}

impl Probe {
    pub(super) fn query(&self) -> String {
        let asked: Vec<&str> = self.asked.iter().map(|asked| asked.text.as_str()).collect();
        format!("{} {{ {} }}", self.open, asked.join(" "))
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.asked.iter().flat_map(|asked| &asked.cells)
    }

    /// Just what asks for something that is guarded so.
    pub(super) fn guarded_by(&self, chain: &[Vec<Ability>]) -> Self {
        let is = |asked: &&Asked| asked.cells.iter().any(|cell| cell.chain == chain);
        Self { open: self.open.clone(), asked: self.asked.iter().filter(is).cloned().collect() }
    }
}

/// The whole schema, an operation for each field of the query root, for some of the conditions and orders of each list,
/// and for some of the changes.
pub(super) fn probes(registry: &Registry) -> Vec<Probe> {
    let ways = Ways::new(registry);
    let read = fields(registry, "Query").map(|field| reading(registry, &ways, field));
    let lists = fields(registry, "Query").flat_map(|field| conditions(registry, field));
    read.chain(lists).chain(changes(registry, &ways)).collect()
}

fn root_cell(part: Part, root: &str, field: &MetaField) -> Cell {
    let public = Public::marks(field);
    let needs = needs_of(field);
    assert!(needs.is_some() != public, "{root}.{} says neither @can nor @public, or both", field.name);
    Cell {
        part,
        label: format!("{root}.{}", field.name),
        path: vec![field.name.clone()],
        chain: needs.clone().into_iter().collect(),
        own: needs,
        public,
    }
}

/// A field of the query root, with every type to which the way leads through it.
fn reading(registry: &Registry, ways: &Ways<'_>, field: &MetaField) -> Probe {
    let root = root_cell(Part::Fields, "Query", field);
    let mut cells = vec![root.clone()];
    let below = selection(registry, ways, "Query", field, &root, &mut cells);
    let text = format!("{}{}{below}", field.name, arguments(registry, field));
    Probe { open: "query".to_owned(), asked: vec![Asked { text, cells }] }
}

/// What is selected of a field's objects: everything, where the way to them leads through it, or where only mutations
/// answer them.
fn selection(
    registry: &Registry,
    ways: &Ways<'_>,
    from: &str,
    field: &MetaField,
    cell: &Cell,
    cells: &mut Vec<Cell>,
) -> String {
    match composite(registry, &field.ty) {
        None => String::new(),
        Some(ty) if ways.lead(from, field, ty) || ways.only_mutations_lead(ty) => {
            everything(registry, ways, ty, cell, cells)
        }
        Some(_) => " { __typename }".to_owned(),
    }
}

fn everything(
    registry: &Registry,
    ways: &Ways<'_>,
    ty: &str,
    around: &Cell,
    cells: &mut Vec<Cell>,
) -> String {
    let mut text = " { __typename".to_owned();
    for field in fields(registry, ty) {
        let own = needs_of(field);
        let cell = Cell {
            label: format!("{ty}.{}", field.name),
            path: around.path.iter().chain([&field.name]).cloned().collect(),
            chain: around.chain.iter().cloned().chain(own.clone()).collect(),
            own,
            ..around.clone()
        };
        cells.push(cell.clone());
        let below = selection(registry, ways, ty, field, &cell, cells);
        text += &format!(" {}{}{below}", field.name, arguments(registry, field));
    }
    text + " }"
}

/// All changes, those of the caller's session last; what only they answer is asked for too.
fn changes(registry: &Registry, ways: &Ways<'_>) -> Vec<Probe> {
    let mut known = BTreeSet::new();
    let (of_session, others): (Vec<_>, Vec<_>) =
        fields(registry, "Mutation").partition(|field| field.name.starts_with("session"));
    let asked = others.into_iter().chain(of_session).map(|field| {
        let cell = root_cell(Part::Changes, "Mutation", field);
        let mut cells = vec![cell.clone()];
        let selected = match composite(registry, &field.ty) {
            Some(ty) if !ways.reach(ty) => everything(registry, ways, ty, &cell, &mut cells),
            Some(_) => " { __typename }".to_owned(),
            None => String::new(),
        };
        // Of a type that several changes answer, once is enough.
        cells.retain(|cell| known.insert(cell.label.clone()));
        let arguments = arguments(registry, field).replace("\"1\"", &format!("\"{NO_ROW}\""));
        Asked { text: format!("{}{arguments}{selected}", field.name), cells }
    });
    let asked: Vec<Asked> = asked.collect();
    let probe = |asked: &[Asked]| Probe { open: "mutation".to_owned(), asked: asked.to_vec() };
    asked.chunks(MOST).map(probe).collect()
}

/// The conditions and orders of a list, each under an alias of its own.
fn conditions(registry: &Registry, field: &MetaField) -> Vec<Probe> {
    let list = root_cell(Part::Conditions, "Query", field);
    let probe = |conditions: &[Condition]| {
        let asked = conditions.iter().enumerate().map(|(at, Condition { label, argument, needs })| {
            let cell = Cell {
                label: format!("{}({label})", field.name),
                path: vec![format!("c{at}")],
                own: needs.last().cloned(),
                chain: list.chain.iter().chain(needs).cloned().collect(),
                ..list.clone()
            };
            let text = format!("c{at}: {}(first: 1, {argument}) {{ __typename }}", field.name);
            Asked { text, cells: vec![cell] }
        });
        Probe { open: "query".to_owned(), asked: asked.collect() }
    };
    all_conditions(registry, field).chunks(MOST).map(probe).collect()
}

fn all_conditions(registry: &Registry, field: &MetaField) -> Vec<Condition> {
    let Some(row) = row_type(registry, field) else { return Vec::new() };
    let mut asked = Vec::new();
    if let Some(filter) = field.args.get("filter") {
        condition(registry, row, base(&filter.ty), &mut asked);
    }
    let sort = field.args.get("sort").map(|sort| base(&sort.ty));
    let by = sort.and_then(|sort| inputs(registry, sort).find(|input| input.name == "field"));
    let by = by.and_then(|by| registry.types.get(base(&by.ty)));
    if let Some(MetaType::Enum { enum_values, .. }) = by {
        let filter = field.args.get("filter").map_or("", |filter| base(&filter.ty));
        // What no column holds is guarded by its condition.
        let computed = |value: &str| {
            let mut conditions = own_conditions(registry, filter);
            input_needs(conditions.find(|input| input.name == value.to_lowercase())?)
        };
        asked.extend(enum_values.keys().map(|value| Condition {
            label: format!("sort: {value}"),
            argument: format!("sort: [{{field: {value}}}]"),
            needs: column_needs(registry, row, value).or_else(|| computed(value)).into_iter().collect(),
        }));
    }
    asked
}

/// A condition or an order as an argument, with what it needs beside the list itself.
struct Condition {
    label: String,
    argument: String,
    needs: Vec<Vec<Ability>>,
}

/// Each field of an input of conditions on rows of a type.
fn condition(registry: &Registry, row: &str, filter: &str, asked: &mut Vec<Condition>) {
    for input in own_conditions(registry, filter) {
        let name = &input.name;
        if !is_relation(registry, input) {
            asked.push(Condition {
                label: format!("filter: {name}"),
                argument: format!("filter: {{{name}: {}}}", comparison(registry, input)),
                needs: column_needs(registry, row, name).or_else(|| input_needs(input)).into_iter().collect(),
            });
            continue;
        }
        let needs = relation_needs(registry, row, filter, input);
        for below in own_conditions(registry, base(&input.ty)) {
            let inner = if is_relation(registry, below) { "{}" } else { comparison(registry, below) };
            asked.push(Condition {
                label: format!("filter: {name}.{}", below.name),
                argument: format!("filter: {{{name}: {{{}: {inner}}}}}", below.name),
                needs: [needs.clone()].into_iter().chain(input_needs(below)).collect(),
            });
        }
        for around in ["…", "and: [{…}]", "or: [{…}]", "not: {…}", "not: {or: [{and: [{…}]}]}"] {
            asked.push(Condition {
                label: format!("filter: {}", around.replace('…', name)),
                argument: format!("filter: {{{}}}", around.replace('…', &format!("{name}: {{}}"))),
                needs: vec![needs.clone()],
            });
        }
    }
}

/// A comparison that a condition on a column takes, whatever its type.
fn comparison(registry: &Registry, column: &MetaInputValue) -> &'static str {
    let has_null = inputs(registry, base(&column.ty)).any(|operator| operator.name == "isNull");
    if has_null { "{isNull: false}" } else { "{eq: true}" }
}

/// The fields of an input of conditions without those that join conditions.
fn own_conditions<'r>(
    registry: &'r Registry,
    filter: &str,
) -> impl Iterator<Item = &'r MetaInputValue> + use<'r> {
    inputs(registry, filter).filter(|input| !["and", "or", "not"].contains(&input.name.as_str()))
}

/// What a condition on related rows needs: no less than reading these rows does.
fn relation_needs(registry: &Registry, row: &str, filter: &str, input: &MetaInputValue) -> Vec<Ability> {
    let name = &input.name;
    let needs = input_needs(input).unwrap_or_else(|| panic!("{filter}.{name} has no guard"));
    let shown = fields(registry, row).find(|field| field.name == *name).and_then(needs_of);
    let shown = shown.unwrap_or_else(|| panic!("{filter}.{name} looks at what {row} doesn't show"));
    assert!(needs.iter().all(|need| shown.contains(need)), "{filter}.{name} tells what {row}.{name} hides");
    needs
}

/// What the field needs that shows a column: a condition or an order tells as much.
fn column_needs(registry: &Registry, row: &str, column: &str) -> Option<Vec<Ability>> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    fields(registry, row).find(|field| plain(&field.name) == plain(column)).and_then(needs_of)
}

/// Whether an input holds conditions on other rows.
fn is_relation(registry: &Registry, input: &MetaInputValue) -> bool {
    inputs(registry, base(&input.ty)).any(|input| input.name == "and")
}

fn inputs<'r>(registry: &'r Registry, ty: &str) -> impl Iterator<Item = &'r MetaInputValue> + use<'r> {
    let fields = match registry.types.get(ty) {
        Some(MetaType::InputObject { input_fields, .. }) => Some(input_fields.values()),
        _ => None,
    };
    fields.into_iter().flatten()
}

/// A type without lists and nulls.
fn base(ty: &str) -> &str {
    ty.trim_matches(['[', ']', '!'])
}

/// Type of the rows of a list.
fn row_type<'r>(registry: &'r Registry, field: &MetaField) -> Option<&'r str> {
    let connection = composite(registry, &field.ty)?;
    let nodes = fields(registry, connection).find(|field| field.name == "nodes")?;
    composite(registry, &nodes.ty)
}

/// What a caller finds in an answer, cell by cell.
pub(super) struct Found<'a> {
    answer: &'a Json,
    errors: &'a [Json],
}

impl<'a> Found<'a> {
    pub(super) fn new(answer: &'a Json) -> Self {
        let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(errors.len() < 50, "more errors than an answer tells of");
        Self { answer, errors }
    }

    /// The error of a cell, or of what is around it.
    pub(super) fn error(&self, cell: &Cell) -> Option<&'a Json> {
        self.errors.iter().find(|error| {
            let path = error["path"].as_array().map_or(&[][..], Vec::as_slice);
            let path: Vec<&str> = path.iter().filter_map(Json::as_str).collect();
            path.len() <= cell.path.len() && path.iter().zip(&cell.path).all(|(a, b)| a == b)
        })
    }

    pub(super) fn outcome(&self, cell: &Cell) -> Outcome {
        let extensions = self.error(cell).map(|error| &error["extensions"]);
        match extensions.and_then(|extensions| extensions["code"].as_str()) {
            Some("UNAUTHENTICATED") if !cell.public => Outcome::Unauthenticated,
            Some("FORBIDDEN") => {
                let names = extensions.and_then(|extensions| extensions["abilities"].as_array());
                let names = names.into_iter().flatten().filter_map(Json::as_str);
                Outcome::Forbidden(names.map(str::to_owned).collect())
            }
            _ => Outcome::Answered,
        }
    }

    /// Every value that the answer has at the place of a cell.
    pub(super) fn values(&self, cell: &Cell) -> Vec<&'a Json> {
        at(&self.answer["data"], &cell.path)
    }
}

/// Every value at a path, whatever lists are on the way; absent keys are no values.
fn at<'a>(value: &'a Json, path: &[String]) -> Vec<&'a Json> {
    match (value, path) {
        (value, []) => vec![value],
        (Json::Array(items), _) => items.iter().flat_map(|item| at(item, path)).collect(),
        (Json::Object(fields), [first, rest @ ..]) => {
            fields.get(first).map_or_else(Vec::new, |value| at(value, rest))
        }
        _ => Vec::new(),
    }
}

/// An operation of the REST face.
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    /// The example of its body in JSON.
    pub(super) example: Option<Json>,
    pub(super) cell: Cell,
}

/// The operations of `openapi.json`; their abilities are read from its texts.
pub(super) fn operations() -> Vec<Operation> {
    let contract: Json = serde_json::from_str(include_str!("../../../../openapi.json")).unwrap();
    let paths = contract["paths"].as_object().unwrap().iter();
    let contract = &contract;
    let all = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, operation)| {
            let method = method.to_uppercase();
            let description = operation["description"].as_str().unwrap_or_default();
            let needs = needs(description);
            let label = format!("{method} {path}");
            let public = needs.is_none() && description.ends_with("Needs no key.");
            let needs = needs.or_else(|| public.then(Vec::new));
            let needs = needs.unwrap_or_else(|| panic!("{label} doesn't say what it needs"));
            let cell = Cell {
                part: Part::Operations,
                label,
                path: Vec::new(),
                chain: vec![needs.clone()],
                own: (!public).then_some(needs),
                public,
            };
            Operation { method, path: path.clone(), example: example(contract, operation), cell }
        })
    });
    all.collect()
}

/// The example of an operation's body, which may be one of the components.
fn example(contract: &Json, operation: &Json) -> Option<Json> {
    let body = operation.get("requestBody")?;
    let name = body["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let body = name.map_or(body, |name| &contract["components"]["requestBodies"][name]);
    body["content"]["application/json"].get("example").cloned()
}

/// The abilities in `Needs …` at the end of a description.
fn needs(description: &str) -> Option<Vec<Ability>> {
    let (_, text) =
        format!("\n\n{description}").rsplit_once("\n\nNeeds ").map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    let text = text.split(" Lends ").next().unwrap_or_default();
    if text == "a valid key." {
        return Some(Vec::new());
    }
    let names: Vec<Ability> = text.split('`').skip(1).step_by(2).filter_map(ability).collect();
    (!names.is_empty()).then_some(names)
}

impl Operation {
    /// The address with this in the place of every parameter.
    pub(super) fn address(&self, parameter: &str) -> String {
        let parts = self.path.split('/').map(|part| if part.starts_with('{') { parameter } else { part });
        format!("/api{}", parts.collect::<Vec<_>>().join("/"))
    }

    /// Whether it only reads.
    pub(super) fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// What the caller finds: reading the first row, changing none.
    pub(super) async fn outcome(&self, shop: &Shop, caller: &Caller) -> Outcome {
        let body = (!self.reads()).then(|| serde_json::json!({}));
        let address = self.address(if self.reads() { "1" } else { NO_ROW });
        let (status, _, body) = shop.ask(&self.method, &address, &caller.bearer, body.as_ref()).await;
        match status {
            401 => Outcome::Unauthenticated,
            403 => {
                let text = "Invalid ability provided.";
                assert_eq!(body, serde_json::json!({"message": text}), "{}", self.cell.label);
                Outcome::Forbidden(self.cell.guard().iter().map(ToString::to_string).collect())
            }
            405 | 500.. => panic!("{} answers {status} to {}: {body}", self.cell.label, caller.name),
            _ => Outcome::Answered,
        }
    }
}
