//! What operations answer: their selections as schemas, a component for each fragment.

use std::collections::BTreeSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaField, MetaType, MetaTypeName};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ArrayItems};
use utoipa::openapi::{AllOfBuilder, ObjectBuilder, Ref, RefOr, Schema, Type};

use super::schema::{anything, described, leaf, nullable, typed};
use super::{Maker, root, root_named};
use crate::guard::description_without_need;
use crate::record::{JsonType, PIVOT, RestForm, has_directive, pivot_columns};
use crate::rest::document::{Answer, Checked, Document, Fragments, keys, rest_key};

/// Where a selection stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    fragments: &'a Fragments,
    /// The fragment that is told: what spreads it again is unrolled so deep and then left out.
    inside: Option<&'a str>,
    /// Whether something around it may leave it out.
    optional: bool,
    /// Whether fragments are told in place, because one of their keys is selected again.
    flat: bool,
}

/// What is selected on one level.
#[derive(Default)]
struct Level {
    spreads: Vec<String>,
    properties: IndexMap<String, (RefOr<Schema>, bool)>,
}

impl Level {
    /// Adds a key; a key that is there already holds either.
    fn add(&mut self, key: String, schema: RefOr<Schema>, required: bool) {
        let entry = match self.properties.shift_remove(&key) {
            Some((known, always)) if known == schema => (schema, always || required),
            Some((known, always)) => {
                (AnyOfBuilder::new().item(known).item(schema).into(), always || required)
            }
            None => (schema, required),
        };
        self.properties.insert(key, entry);
    }

    fn schema(self) -> RefOr<Schema> {
        let mut parts: Vec<RefOr<Schema>> =
            self.spreads.iter().map(|name| Ref::from_schema_name(name).into()).collect();
        if !self.properties.is_empty() || parts.is_empty() {
            let object =
                self.properties.into_iter().fold(typed(Type::Object), |object, (key, (schema, always))| {
                    let object = if always { object.required(&key) } else { object };
                    object.property(key, schema)
                });
            parts.push(object.into());
        }
        match <[_; 1]>::try_from(parts) {
            Ok([single]) => single,
            Err(parts) => parts.into_iter().fold(AllOfBuilder::new(), AllOfBuilder::item).into(),
        }
    }
}

impl Maker<'_> {
    /// Schema of a whole answer.
    pub(super) fn answer(&mut self, document: &Document<Checked>) -> RefOr<Schema> {
        if document.message.is_some() {
            let text = described(typed(Type::String).into(), "What was done.");
            return typed(Type::Object).property("message", text).required("message").into();
        }
        let place = Place { fragments: document.fragments(), inside: None, optional: false, flat: false };
        let Some(field) = root(document, self.registry) else { return anything().into() };
        let ty = field.ty.trim_end_matches('!').to_owned();
        match document.answer {
            Answer::Value | Answer::File => {
                return self.present(&ty, &document.root, RestForm::read(field).json_type, place);
            }
            Answer::Data => {
                let value = self.present(&ty, &document.root, RestForm::read(field).json_type, place);
                return beside(typed(Type::Object).property("data", value).required("data"), document).into();
            }
            Answer::Object => return self.roots(document, place),
            Answer::Page | Answer::WrappedPage | Answer::DataPage => {}
        }
        let nodes =
            document.root.selection_set.node.items.iter().find_map(|selection| match &selection.node {
                Selection::Field(field) if field.node.name.node == "nodes" => Some(&field.node),
                _ => None,
            });
        let connection = self.registry.concrete_type_by_name(&ty);
        let meta = connection.and_then(|connection| connection.field_by_name("nodes"));
        let rows = match (meta, nodes) {
            (Some(meta), Some(nodes)) => {
                self.present(meta.ty.trim_end_matches('!'), nodes, JsonType::AsTyped, place)
            }
            _ => anything().into(),
        };
        self.page(document, rows)
    }

    /// An object of several root fields.
    fn roots(&mut self, document: &Document<Checked>, place: Place<'_>) -> RefOr<Schema> {
        let mut object = typed(Type::Object);
        for root in std::iter::once(&document.root).chain(&document.more) {
            let Some(meta) = root_named(document, self.registry, &root.name.node) else { continue };
            let schema = self.value(&meta.ty, root, RestForm::read(meta).json_type, place);
            let key = rest_key(root);
            object = object.property(key, described(schema, &description_without_need(meta))).required(key);
        }
        beside(object, document).into()
    }

    /// A page: its envelope and its rows.
    fn page(&mut self, document: &Document<Checked>, rows: RefOr<Schema>) -> RefOr<Schema> {
        let (envelope, schema): (_, fn() -> ObjectBuilder) = match document.answer {
            Answer::WrappedPage => ("WrappedPage", wrapped_page),
            Answer::DataPage => ("DataPage", data_page),
            _ => ("Page", flat_page),
        };
        if document.answer != Answer::DataPage {
            self.schemas.entry("PageLink".to_owned()).or_insert_with(|| page_link().into());
        }
        self.schemas.entry(envelope.to_owned()).or_insert_with(|| schema().into());
        let data =
            typed(Type::Object).property("data", described(rows, "The rows of the page.")).required("data");
        let data = beside(data, document);
        AllOfBuilder::new().item(Ref::from_schema_name(envelope)).item(data).into()
    }

    fn value(&mut self, ty: &str, field: &Field, json_type: JsonType, place: Place<'_>) -> RefOr<Schema> {
        match MetaTypeName::create(ty) {
            MetaTypeName::NonNull(ty) => self.present(ty, field, json_type, place),
            _ => nullable(self.present(ty, field, json_type, place)),
        }
    }

    /// Schema of a value that is not null.
    fn present(&mut self, ty: &str, field: &Field, json_type: JsonType, place: Place<'_>) -> RefOr<Schema> {
        if let MetaTypeName::List(item) = MetaTypeName::create(ty) {
            return ArrayBuilder::new().items(self.value(item, field, json_type, place)).into();
        }
        let Some(meta) = self.registry.types.get(ty) else { return anything().into() };
        match leaf(meta, json_type) {
            Some(leaf) => leaf.into(),
            None => self.selection(&field.selection_set.node, meta, place),
        }
    }

    fn selection(&mut self, set: &SelectionSet, ty: &MetaType, place: Place<'_>) -> RefOr<Schema> {
        let mut level = Level::default();
        let place = Place { optional: false, flat: repeats(set, place.fragments), ..place };
        self.collect(set, ty, place, &mut level);
        level.schema()
    }

    fn collect(&mut self, set: &SelectionSet, ty: &MetaType, place: Place<'_>, level: &mut Level) {
        for selection in &set.items {
            let optional = place.optional || !selection.node.directives().is_empty();
            let place = Place { optional, ..place };
            match &selection.node {
                Selection::Field(field) => self.property(&field.node, ty, place, level),
                Selection::InlineFragment(inline) => {
                    self.collect(&inline.node.selection_set.node, ty, place, level);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = place.fragments.get(name) else { continue };
                    if optional || place.flat {
                        self.collect(&fragment.node.selection_set.node, ty, place, level);
                    } else {
                        self.fragment(name, ty, place.fragments);
                        level.spreads.push(name.to_owned());
                    }
                }
            }
        }
    }

    fn property(&mut self, field: &Field, ty: &MetaType, place: Place<'_>, level: &mut Level) {
        let Some(meta) = ty.field_by_name(&field.name.node) else { return };
        let rest = RestForm::read(meta);
        // What is left out where it is null is never null.
        let sparse = rest.sparse || is_optional(field);
        let ty = if sparse { meta.ty.trim_end_matches('!').to_owned() + "!" } else { meta.ty.clone() };
        let schema = self.value(&ty, field, rest.json_type, place);
        let again = place.inside.is_some_and(|name| {
            reaches(&field.selection_set.node, name, place.fragments, &mut BTreeSet::new())
        });
        let schema = if has_directive(field, PIVOT) { self.with_pivot(schema, meta) } else { schema };
        let schema = described(schema, &description_without_need(meta));
        level.add(rest_key(field).to_owned(), schema, !place.optional && !sparse && !again);
    }

    /// A list of rows, each with the columns of the table between.
    fn with_pivot(&self, rows: RefOr<Schema>, meta: &MetaField) -> RefOr<Schema> {
        let RefOr::T(Schema::Array(list)) = rows else { return rows };
        let ArrayItems::RefOrSchema(item) = list.items else { return RefOr::T(Schema::Array(list)) };
        let column = |ty: &str, json_type| {
            let plain = self.registry.concrete_type_by_name(ty);
            let schema = plain.and_then(|ty| leaf(ty, json_type)).unwrap_or_else(anything).into();
            if ty.ends_with('!') { schema } else { nullable(schema) }
        };
        let pivot = pivot_columns(&meta.tags).fold(typed(Type::Object), |pivot, (name, ty, json_type)| {
            pivot.property(name, column(ty, json_type)).required(name)
        });
        let pivot = pivot.description(Some("What the table between says of the two."));
        let own = typed(Type::Object).property(PIVOT, pivot).required(PIVOT);
        ArrayBuilder::new().items(AllOfBuilder::new().item(*item).item(own)).into()
    }

    /// The component of a fragment.
    fn fragment(&mut self, name: &str, ty: &MetaType, fragments: &Fragments) {
        let Some(fragment) = fragments.get(name).filter(|_| !self.schemas.contains_key(name)) else { return };
        // Known from here on: the fragment may hold itself.
        self.schemas.insert(name.to_owned(), anything().into());
        let place = Place { fragments, inside: Some(name), optional: false, flat: false };
        let schema = self.selection(&fragment.node.selection_set.node, ty, place);
        let about = match ty {
            MetaType::Object { description, .. } => description.as_deref().unwrap_or_default(),
            _ => "",
        };
        self.schemas.insert(name.to_owned(), described(schema, about));
    }
}

/// Whether a field is left out of the answer where it is null.
fn is_optional(field: &Field) -> bool {
    field.directives.iter().any(|directive| directive.node.name.node == "optional")
}

/// Whether a key of a fragment is selected again beside it.
fn repeats(set: &SelectionSet, fragments: &Fragments) -> bool {
    let mut spread = BTreeSet::new();
    let mut own = BTreeSet::new();
    for selection in &set.items {
        let one = SelectionSet { items: vec![selection.clone()] };
        let is_spread = matches!(selection.node, Selection::FragmentSpread(_));
        let again = keys(&one, fragments, rest_key).into_iter().filter(|key| {
            let known = if is_spread {
                !spread.insert(key.clone())
            } else {
                own.insert(key.clone());
                false
            };
            known || spread.contains(key) && own.contains(key)
        });
        if again.count() > 0 {
            return true;
        }
    }
    false
}

/// Whether a selection spreads a fragment, however deep.
fn reaches(set: &SelectionSet, wanted: &str, fragments: &Fragments, seen: &mut BTreeSet<String>) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => reaches(&field.node.selection_set.node, wanted, fragments, seen),
        Selection::InlineFragment(inline) => {
            reaches(&inline.node.selection_set.node, wanted, fragments, seen)
        }
        Selection::FragmentSpread(spread) => {
            let name = &spread.node.fragment_name.node;
            name == wanted
                || seen.insert(name.to_string())
                    && fragments.get(name).is_some_and(|fragment| {
                        reaches(&fragment.node.selection_set.node, wanted, fragments, seen)
                    })
        }
    })
}

/// An object with the fixed members of an operation's answer.
fn beside(object: ObjectBuilder, document: &Document<Checked>) -> ObjectBuilder {
    document.beside.iter().fold(object, |object, (key, value)| {
        let schema = anything().examples(value.clone().into_json().ok());
        object.property(key.as_str(), schema).required(key.as_str())
    })
}

fn address(about: &str) -> RefOr<Schema> {
    described(typed(Type::String).into(), about)
}

fn page_link() -> ObjectBuilder {
    typed(Type::Object)
        .description(Some("A link of a page's navigation."))
        .property("url", nullable(address("Where it leads; null where there is nothing.")))
        .property("label", typed(Type::String).description(Some("Its text, in the shop's language.")))
        .property("page", nullable(described(typed(Type::Integer).into(), "Its page; gaps have none.")))
        .property("active", typed(Type::Boolean).description(Some("Whether it is the page itself.")))
        .required("url")
        .required("label")
        .required("active")
}

fn flat_page() -> ObjectBuilder {
    let page =
        numbers(typed(Type::Object).description(Some("A page of a list, its numbers beside the rows.")));
    [
        ("first_page_url", address("The first page.")),
        ("last_page_url", address("The last page.")),
        ("next_page_url", nullable(address("The next page."))),
        ("prev_page_url", nullable(address("The page before."))),
    ]
    .into_iter()
    .fold(page, |page, (key, schema)| page.property(key, schema).required(key))
}

/// What both envelopes tell about a page.
fn numbers(object: ObjectBuilder) -> ObjectBuilder {
    let number = |about: &str| described(typed(Type::Integer).into(), about);
    let links = ArrayBuilder::new().items(Ref::from_schema_name("PageLink"));
    [
        ("current_page", number("The page, from 1.")),
        ("from", nullable(number("Number of its first row; null when it is empty."))),
        ("last_page", number("The last page.")),
        ("links", described(links.into(), "Links to pages around it.")),
        ("path", address("Address of the list.")),
        ("per_page", number("Rows a page.")),
        ("to", nullable(number("Number of its last row; null when it is empty."))),
        ("total", number("Rows in all.")),
    ]
    .into_iter()
    .fold(object, |object, (key, schema)| object.property(key, schema).required(key))
}

fn data_page() -> ObjectBuilder {
    let meta = [
        ("current_page", "The page, from 1."),
        ("last_page", "The last page."),
        ("per_page", "Rows a page."),
        ("total", "Rows in all."),
    ]
    .into_iter()
    .fold(typed(Type::Object), |object, (key, about)| {
        object.property(key, described(typed(Type::Integer).into(), about)).required(key)
    });
    typed(Type::Object)
        .description(Some("A page of a list, four numbers under `meta`."))
        .property("meta", meta.description(Some("Where the page stands.")))
        .required("meta")
}

fn wrapped_page() -> ObjectBuilder {
    let ends = [
        ("first", address("The first page.")),
        ("last", address("The last page.")),
        ("prev", nullable(address("The page before."))),
        ("next", nullable(address("The next page."))),
    ]
    .into_iter()
    .fold(typed(Type::Object), |object, (key, schema)| object.property(key, schema).required(key));
    typed(Type::Object)
        .description(Some("A page of a list, its numbers under `links` and `meta`."))
        .property("links", ends.description(Some("Addresses of other pages.")))
        .property("meta", numbers(typed(Type::Object)).description(Some("Where the page stands.")))
        .required("links")
        .required("meta")
}
