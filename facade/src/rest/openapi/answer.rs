//! Schemas of answers: each selection is an object, each fragment a component.

use std::collections::BTreeSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaField, MetaType, MetaTypeName};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ArrayItems};
use utoipa::openapi::{AllOfBuilder, ObjectBuilder, Ref, RefOr, Schema, Type};

use super::schema::{anything, described, leaf, nullable, typed};
use super::{ContractBuilder, first_root_field, root_field};
use crate::guard::description_without_need;
use crate::record::{JsonType, PIVOT, RestForm, has_directive, pivot_columns};
use crate::rest::document::{Answer, Checked, Document, Fragments, keys, rest_key};

/// What the schema of a selection depends on beside its type.
#[derive(Clone, Copy)]
struct SelectionContext<'a> {
    fragments: &'a Fragments,
    /// The fragment whose component is being made. A field that spreads it again is not required, because unrolling
    /// ends at some depth.
    component: Option<&'a str>,
    /// Whether a directive around the selection may leave it out.
    may_be_absent: bool,
    /// Whether fields of fragments are listed in place of references to their components, because one of their keys is
    /// selected again.
    inlines_fragments: bool,
}

impl<'a> SelectionContext<'a> {
    fn new(fragments: &'a Fragments, component: Option<&'a str>) -> Self {
        Self { fragments, component, may_be_absent: false, inlines_fragments: false }
    }
}

/// The schema of one selection while its fields are collected.
#[derive(Default)]
struct SelectionSchema {
    /// Names of the fragments whose components it includes.
    spreads: Vec<String>,
    /// For each key, the schema of its value and whether the key is required.
    properties: IndexMap<String, (RefOr<Schema>, bool)>,
}

impl SelectionSchema {
    /// Adds a key. If the key is already there, its value has either schema.
    fn add(&mut self, key: String, schema: RefOr<Schema>, required: bool) {
        let entry = match self.properties.shift_remove(&key) {
            Some((known, was_required)) if known == schema => (schema, was_required || required),
            Some((known, was_required)) => {
                (AnyOfBuilder::new().item(known).item(schema).into(), was_required || required)
            }
            None => (schema, required),
        };
        self.properties.insert(key, entry);
    }

    fn build(self) -> RefOr<Schema> {
        let mut parts: Vec<RefOr<Schema>> =
            self.spreads.iter().map(|name| Ref::from_schema_name(name).into()).collect();
        if !self.properties.is_empty() || parts.is_empty() {
            let object =
                self.properties.into_iter().fold(typed(Type::Object), |object, (key, (schema, required))| {
                    let object = if required { object.required(&key) } else { object };
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

impl ContractBuilder<'_> {
    /// The schema of the body of an answer.
    pub(super) fn answer(&mut self, document: &Document<Checked>) -> RefOr<Schema> {
        if document.message.is_some() {
            let text = described(typed(Type::String).into(), "What was done.");
            return typed(Type::Object).property("message", text).required("message").into();
        }
        let context = SelectionContext::new(document.fragments(), None);
        let Some(field) = first_root_field(document, self.registry) else { return anything().into() };
        let ty = field.ty.trim_end_matches('!').to_owned();
        match document.answer {
            Answer::Value | Answer::File => {
                return self.non_null_value(&ty, &document.root, RestForm::read(field).json_type, context);
            }
            Answer::Data => {
                let value =
                    self.non_null_value(&ty, &document.root, RestForm::read(field).json_type, context);
                return with_fixed_members(
                    typed(Type::Object).property("data", value).required("data"),
                    document,
                )
                .into();
            }
            Answer::Object => return self.roots_object(document, context),
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
                self.non_null_value(meta.ty.trim_end_matches('!'), nodes, JsonType::AsTyped, context)
            }
            _ => anything().into(),
        };
        self.page(document, rows)
    }

    /// The schema of an [`Answer::Object`].
    fn roots_object(&mut self, document: &Document<Checked>, context: SelectionContext<'_>) -> RefOr<Schema> {
        let mut object = typed(Type::Object);
        for root in document.roots() {
            let Some(meta) = root_field(document, self.registry, &root.name.node) else { continue };
            let schema = self.value(&meta.ty, root, RestForm::read(meta).json_type, context);
            let key = rest_key(root);
            object = object.property(key, described(schema, &description_without_need(meta))).required(key);
        }
        with_fixed_members(object, document).into()
    }

    /// The schema of a page: the component of its envelope, and its rows.
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
        let data = with_fixed_members(data, document);
        AllOfBuilder::new().item(Ref::from_schema_name(envelope)).item(data).into()
    }

    /// The schema of a value of the GraphQL type `ty`.
    fn value(
        &mut self,
        ty: &str,
        field: &Field,
        json_type: JsonType,
        context: SelectionContext<'_>,
    ) -> RefOr<Schema> {
        match MetaTypeName::create(ty) {
            MetaTypeName::NonNull(ty) => self.non_null_value(ty, field, json_type, context),
            _ => nullable(self.non_null_value(ty, field, json_type, context)),
        }
    }

    /// The schema of a value that is not null. `ty` has no `!` at its end.
    fn non_null_value(
        &mut self,
        ty: &str,
        field: &Field,
        json_type: JsonType,
        context: SelectionContext<'_>,
    ) -> RefOr<Schema> {
        if let MetaTypeName::List(item) = MetaTypeName::create(ty) {
            return ArrayBuilder::new().items(self.value(item, field, json_type, context)).into();
        }
        let Some(meta) = self.registry.types.get(ty) else { return anything().into() };
        match leaf(meta, json_type) {
            Some(leaf) => leaf.into(),
            None => self.selection(&field.selection_set.node, meta, context),
        }
    }

    fn selection(
        &mut self,
        set: &SelectionSet,
        ty: &MetaType,
        context: SelectionContext<'_>,
    ) -> RefOr<Schema> {
        let mut collected = SelectionSchema::default();
        let inlines_fragments = repeats_keys(set, context.fragments);
        let context = SelectionContext { may_be_absent: false, inlines_fragments, ..context };
        self.collect(set, ty, context, &mut collected);
        collected.build()
    }

    fn collect(
        &mut self,
        set: &SelectionSet,
        ty: &MetaType,
        context: SelectionContext<'_>,
        collected: &mut SelectionSchema,
    ) {
        for selection in &set.items {
            let may_be_absent = context.may_be_absent || !selection.node.directives().is_empty();
            let context = SelectionContext { may_be_absent, ..context };
            match &selection.node {
                Selection::Field(field) => self.property(&field.node, ty, context, collected),
                Selection::InlineFragment(inline) => {
                    self.collect(&inline.node.selection_set.node, ty, context, collected);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = context.fragments.get(name) else { continue };
                    if may_be_absent || context.inlines_fragments {
                        self.collect(&fragment.node.selection_set.node, ty, context, collected);
                    } else {
                        self.add_fragment(name, ty, context.fragments);
                        collected.spreads.push(name.to_owned());
                    }
                }
            }
        }
    }

    fn property(
        &mut self,
        field: &Field,
        ty: &MetaType,
        context: SelectionContext<'_>,
        collected: &mut SelectionSchema,
    ) {
        let Some(meta) = ty.field_by_name(&field.name.node) else { return };
        let rest = RestForm::read(meta);
        // A key that is left out if its value is null never has the value null.
        let is_sparse = rest.sparse || is_optional(field);
        let is_never_null = is_sparse || rest.json_type == JsonType::Text;
        let ty = if is_never_null { meta.ty.trim_end_matches('!').to_owned() + "!" } else { meta.ty.clone() };
        let schema = self.value(&ty, field, rest.json_type, context);
        let is_unrolled = context.component.is_some_and(|name| {
            reaches(&field.selection_set.node, name, context.fragments, &mut BTreeSet::new())
        });
        let schema = if has_directive(field, PIVOT) { self.with_pivot(schema, meta) } else { schema };
        let schema = described(schema, &description_without_need(meta));
        collected.add(
            rest_key(field).to_owned(),
            schema,
            !context.may_be_absent && !is_sparse && !is_unrolled,
        );
    }

    /// The schema of a list of related rows, each with the columns of the join table.
    fn with_pivot(&self, rows: RefOr<Schema>, meta: &MetaField) -> RefOr<Schema> {
        let RefOr::T(Schema::Array(list)) = rows else { return rows };
        let ArrayItems::RefOrSchema(item) = list.items else { return RefOr::T(Schema::Array(list)) };
        let column = |ty: &str, json_type| {
            let scalar = self.registry.concrete_type_by_name(ty);
            let schema = scalar.and_then(|ty| leaf(ty, json_type)).unwrap_or_else(anything).into();
            if ty.ends_with('!') { schema } else { nullable(schema) }
        };
        let pivot = pivot_columns(&meta.tags).fold(typed(Type::Object), |pivot, (name, ty, json_type)| {
            pivot.property(name, column(ty, json_type)).required(name)
        });
        let pivot = pivot.description(Some("What the table between says of the two."));
        let addition = typed(Type::Object).property(PIVOT, pivot).required(PIVOT);
        ArrayBuilder::new().items(AllOfBuilder::new().item(*item).item(addition)).into()
    }

    /// Adds the component of a fragment, unless it is there already.
    fn add_fragment(&mut self, name: &str, ty: &MetaType, fragments: &Fragments) {
        let Some(fragment) = fragments.get(name).filter(|_| !self.schemas.contains_key(name)) else { return };
        // Inserted before its schema is made, because the fragment may spread itself.
        self.schemas.insert(name.to_owned(), anything().into());
        let context = SelectionContext::new(fragments, Some(name));
        let schema = self.selection(&fragment.node.selection_set.node, ty, context);
        let description = match ty {
            MetaType::Object { description, .. } => description.as_deref().unwrap_or_default(),
            _ => "",
        };
        self.schemas.insert(name.to_owned(), described(schema, description));
    }
}

/// Whether a field is left out of the answer where it is null.
fn is_optional(field: &Field) -> bool {
    field.directives.iter().any(|directive| directive.node.name.node == "optional")
}

/// Whether two fragments of a selection, or a fragment and a field beside it, have a key in common.
fn repeats_keys(set: &SelectionSet, fragments: &Fragments) -> bool {
    let mut spread = BTreeSet::new();
    let mut own = BTreeSet::new();
    for selection in &set.items {
        let single = SelectionSet { items: vec![selection.clone()] };
        let is_spread = matches!(selection.node, Selection::FragmentSpread(_));
        let repeated = keys(&single, fragments, rest_key).into_iter().filter(|key| {
            let is_spread_again = if is_spread {
                !spread.insert(key.clone())
            } else {
                own.insert(key.clone());
                false
            };
            is_spread_again || spread.contains(key) && own.contains(key)
        });
        if repeated.count() > 0 {
            return true;
        }
    }
    false
}

/// Whether a selection spreads the fragment `wanted` at any depth. `seen` holds the fragments that were searched.
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

/// Adds the fixed members of the answer to its schema.
fn with_fixed_members(object: ObjectBuilder, document: &Document<Checked>) -> ObjectBuilder {
    document.beside.iter().fold(object, |object, (key, value)| {
        let schema = anything().examples(value.clone().into_json().ok());
        object.property(key.as_str(), schema).required(key.as_str())
    })
}

fn object_of<'a>(members: impl IntoIterator<Item = (&'a str, RefOr<Schema>)>) -> ObjectBuilder {
    let members = members.into_iter();
    members.fold(typed(Type::Object), |object, (key, schema)| object.property(key, schema).required(key))
}

fn address(description: &str) -> RefOr<Schema> {
    described(typed(Type::String).into(), description)
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
    let addresses = [
        ("first_page_url", address("The first page.")),
        ("last_page_url", address("The last page.")),
        ("next_page_url", nullable(address("The next page."))),
        ("prev_page_url", nullable(address("The page before."))),
    ];
    let page = object_of(page_members().into_iter().chain(addresses));
    page.description(Some("A page of a list, its numbers beside the rows."))
}

/// The members of a page beside its rows that flat and wrapped pages have.
fn page_members() -> [(&'static str, RefOr<Schema>); 8] {
    let number = |description: &str| described(typed(Type::Integer).into(), description);
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
}

fn data_page() -> ObjectBuilder {
    let is_listed = |key: &str| matches!(key, "current_page" | "last_page" | "per_page" | "total");
    let meta = object_of(page_members().into_iter().filter(|(key, _)| is_listed(key)));
    typed(Type::Object)
        .description(Some("A page of a list, four numbers under `meta`."))
        .property("meta", meta.description(Some("Where the page stands.")))
        .required("meta")
}

fn wrapped_page() -> ObjectBuilder {
    let links = object_of([
        ("first", address("The first page.")),
        ("last", address("The last page.")),
        ("prev", nullable(address("The page before."))),
        ("next", nullable(address("The next page."))),
    ]);
    typed(Type::Object)
        .description(Some("A page of a list, its numbers under `links` and `meta`."))
        .property("links", links.description(Some("Addresses of other pages.")))
        .property("meta", object_of(page_members()).description(Some("Where the page stands.")))
        .required("links")
        .required("meta")
}
