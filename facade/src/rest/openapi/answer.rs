//! Schemas of answers. Each object is a component, so that generated clients have a name for every type: a fragment has its
//! own, other objects have those of the operation and of the keys that lead to them.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaField, MetaType, MetaTypeName};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayItems};
use utoipa::openapi::{AllOfBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type};

use super::schema::{MAX_TEXT, anything, described, integer_from, leaf, list, nullable, text, typed, words};
use super::{ContractBuilder, first_root_field, root_field};
use crate::guard::description_without_need;
use crate::record::{ColumnTag, JsonType, MAX_ROWS, PIVOT, RestForm, has_directive, pivot_columns};
use crate::rest::document::{Answer, Checked, Document, Fragments, camel, capitalised, rest_key};

/// Most links to other pages: the one before, the next one, and those that Laravel shows around a page.
const MAX_LINKS: usize = 15;
/// Length of a day, as in `2026-11-23`.
const DAY_LENGTH: usize = 10;
/// Verbs that are no part of the name of an operation's answer.
const VERBS: [&str; 3] = ["list", "get", "find"];

/// What the schema of a selection depends on beside its type.
#[derive(Clone, Copy)]
struct SelectionContext<'a> {
    fragments: &'a Fragments,
    /// The name of the component that the selection is, if it has no fragment, and the beginning of those within it.
    name: &'a str,
    /// The fragment whose component is being made. A field that spreads it again is not required, because unrolling
    /// ends at some depth.
    component: Option<&'a str>,
    /// Whether a directive around the selection may leave it out.
    may_be_absent: bool,
    /// Whether fields of fragments are listed in place of references to their components, because there are several.
    inlines_fragments: bool,
}

/// The schema of one selection while its fields are collected.
#[derive(Default)]
struct SelectionSchema {
    /// The fragment whose component it extends.
    extended: Option<String>,
    /// For each key, the schema of its value and whether the key is required.
    properties: Properties,
}

/// For each key, the schema of its value and whether the key is required.
type Properties = IndexMap<String, (RefOr<Schema>, bool)>;

/// Fields that selections have beside a fragment, by the name of its component: they are optional there.
pub(super) type Extensions = BTreeMap<String, IndexMap<String, RefOr<Schema>>>;

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

    fn object(self) -> ObjectBuilder {
        self.properties.into_iter().fold(typed(Type::Object), |object, (key, (schema, required))| {
            let object = if required { object.required(&key) } else { object };
            object.property(key, schema)
        })
    }
}

/// The name of an operation's answer, if it has no fragment: that of the operation without its verb.
fn answer_name(document: &Document<Checked>) -> String {
    let noun = VERBS.iter().find_map(|verb| document.name.strip_prefix(verb)).filter(|noun| !noun.is_empty());
    noun.map_or_else(|| format!("{}Answer", capitalised(&document.name)), str::to_owned)
}

/// The name of the component that a schema refers to.
fn component_name(schema: &RefOr<Schema>) -> Option<&str> {
    match schema {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next(),
        RefOr::T(_) => None,
    }
}

impl ContractBuilder<'_> {
    /// Adds the component of the body of an answer, and returns its name.
    pub(super) fn answer(&mut self, document: &Document<Checked>) -> String {
        if document.message.is_some() {
            let text = text(MAX_TEXT).description(Some("What was done."));
            let message = typed(Type::Object).property("message", text).required("message");
            return self.named("Message", message.into());
        }
        let name = answer_name(document);
        let Some(field) = first_root_field(document, self.registry) else {
            return self.named(&name, anything().into());
        };
        let context = SelectionContext {
            fragments: document.fragments(),
            name: &name,
            component: None,
            may_be_absent: false,
            inlines_fragments: false,
        };
        let ty = field.ty.trim_end_matches('!').to_owned();
        let schema = match document.answer {
            Answer::Value | Answer::File => self.non_null_value(&ty, &document.root, field, context),
            Answer::Data => {
                let value = self.non_null_value(&ty, &document.root, field, context);
                let object = typed(Type::Object).property("data", value).required("data");
                return self.named(&format!("{name}Data"), with_fixed_members(object, document).into());
            }
            Answer::Object => self.roots_object(document, context),
            Answer::Page | Answer::WrappedPage | Answer::DataPage => {
                return self.page(document, &ty, context);
            }
        };
        match component_name(&schema) {
            Some(known) => known.to_owned(),
            None => self.named(&name, schema),
        }
    }

    /// Adds a component, unless an equal one is there, and returns its name.
    fn named(&mut self, name: &str, schema: RefOr<Schema>) -> String {
        let mut name = name.to_owned();
        while self.schemas.get(&name).is_some_and(|known| *known != schema) {
            name.push_str("Answer");
        }
        self.schemas.insert(name.clone(), schema);
        name
    }

    /// The schema of an [`Answer::Object`].
    fn roots_object(&mut self, document: &Document<Checked>, context: SelectionContext<'_>) -> RefOr<Schema> {
        let mut object = typed(Type::Object);
        for root in document.roots() {
            let Some(meta) = root_field(document, self.registry, &root.name.node) else { continue };
            let key = rest_key(root);
            let name = format!("{}{}", context.name, capitalised(&camel(key)));
            let schema = self.value(&meta.ty, root, meta, SelectionContext { name: &name, ..context });
            object = object.property(key, described(schema, &description_without_need(meta))).required(key);
        }
        with_fixed_members(object, document).into()
    }

    /// Adds the component of a page: that of its envelope, and its rows.
    fn page(&mut self, document: &Document<Checked>, ty: &str, context: SelectionContext<'_>) -> String {
        let nodes =
            document.root.selection_set.node.items.iter().find_map(|selection| match &selection.node {
                Selection::Field(field) if field.node.name.node == "nodes" => Some(&field.node),
                _ => None,
            });
        let registry = self.registry;
        let meta =
            registry.concrete_type_by_name(ty).and_then(|connection| connection.field_by_name("nodes"));
        let row = match (meta, nodes) {
            (Some(meta), Some(nodes)) => {
                self.non_null_value(MetaTypeName::concrete_typename(&meta.ty), nodes, meta, context)
            }
            _ => anything().into(),
        };
        let (envelope, schema): (_, fn() -> ObjectBuilder) = match document.answer {
            Answer::WrappedPage => ("WrappedPage", wrapped_page),
            Answer::DataPage => ("DataPage", data_page),
            _ => ("Page", flat_page),
        };
        if document.answer != Answer::DataPage {
            self.schemas.entry("PageLink".to_owned()).or_insert_with(|| page_link().into());
        }
        self.schemas.entry(envelope.to_owned()).or_insert_with(|| schema().into());
        let name = component_name(&row).filter(|_| document.beside.is_empty()).unwrap_or(context.name);
        let name = format!("{name}{envelope}");
        let rows = list(row, self.info.max_rows).description(Some("The rows of the page."));
        let data = with_fixed_members(typed(Type::Object).property("data", rows).required("data"), document);
        let page = AllOfBuilder::new().item(Ref::from_schema_name(envelope)).item(data);
        self.named(&name, page.into())
    }

    /// The schema of a value of the GraphQL type `ty`, the type of the field `meta` or of its items.
    fn value(
        &mut self,
        ty: &str,
        field: &Field,
        meta: &MetaField,
        context: SelectionContext<'_>,
    ) -> RefOr<Schema> {
        match MetaTypeName::create(ty) {
            MetaTypeName::NonNull(ty) => self.non_null_value(ty, field, meta, context),
            _ => nullable(self.non_null_value(ty, field, meta, context)),
        }
    }

    /// The schema of a value that is not null. `ty` has no `!` at its end.
    fn non_null_value(
        &mut self,
        ty: &str,
        field: &Field,
        meta: &MetaField,
        context: SelectionContext<'_>,
    ) -> RefOr<Schema> {
        if let MetaTypeName::List(item) = MetaTypeName::create(ty) {
            return list(self.value(item, field, meta, context), MAX_ROWS as usize).into();
        }
        let json_type = RestForm::read(meta).json_type;
        let column = ColumnTag::read(&meta.tags);
        let length = column.and_then(|column| (self.info.text_length)(column.table, column.column));
        match self.registry.types.get(ty) {
            None => anything().into(),
            Some(MetaType::Enum { name, .. }) if json_type == JsonType::AsTyped => self.word(name),
            // A day of a column is written as the moment at which it begins; a computed one is written as it is.
            Some(MetaType::Scalar { name, .. }) if name == "Date" && column.is_none() => {
                text(DAY_LENGTH).format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).into()
            }
            Some(ty) => match leaf(ty, json_type, length) {
                Some(leaf) => leaf.into(),
                None => self.selection(&field.selection_set.node, ty, context),
            },
        }
    }

    /// The component of an enum.
    pub(super) fn word(&mut self, name: &str) -> RefOr<Schema> {
        if let Some(MetaType::Enum { enum_values, description, .. }) = self.registry.types.get(name) {
            let schema = || words(enum_values).description(description.clone()).into();
            self.schemas.entry(name.to_owned()).or_insert_with(schema);
        }
        Ref::from_schema_name(name).into()
    }

    fn selection(
        &mut self,
        set: &SelectionSet,
        ty: &MetaType,
        context: SelectionContext<'_>,
    ) -> RefOr<Schema> {
        let spreads = set.items.iter().filter_map(|item| match &item.node {
            Selection::FragmentSpread(spread) if spread.node.directives.is_empty() => {
                Some(spread.node.fragment_name.node.as_str())
            }
            _ => None,
        });
        let spreads: Vec<&str> = spreads.collect();
        let (name, inlines_fragments) = match spreads.as_slice() {
            [single] => (*single, false),
            spreads => (context.name, !spreads.is_empty()),
        };
        let mut collected = SelectionSchema::default();
        let inner = SelectionContext { name, may_be_absent: false, inlines_fragments, ..context };
        self.collect(set, ty, inner, &mut collected);
        match collected.extended.take() {
            Some(fragment) => {
                let extension = self.extensions.entry(fragment.clone()).or_default();
                for (key, (schema, _)) in collected.properties {
                    add_alternative(extension, key, schema);
                }
                Ref::from_schema_name(fragment).into()
            }
            // The component of a fragment, whose name is taken by itself.
            None if context.component == Some(context.name) => collected.object().into(),
            None => Ref::from_schema_name(self.named(context.name, collected.object().into())).into(),
        }
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
                        collected.extended = Some(name.to_owned());
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
        let key = rest_key(field);
        // A key that is left out if its value is null never has the value null.
        let is_sparse = rest.sparse || is_optional(field);
        let is_never_null = is_sparse || rest.json_type == JsonType::Text;
        let ty = if is_never_null { meta.ty.trim_end_matches('!').to_owned() + "!" } else { meta.ty.clone() };
        let name = format!("{}{}", context.name, capitalised(&camel(key)));
        let schema = self.value(&ty, field, meta, SelectionContext { name: &name, ..context });
        let is_unrolled = context.component.is_some_and(|name| {
            reaches(&field.selection_set.node, name, context.fragments, &mut BTreeSet::new())
        });
        let schema =
            if has_directive(field, PIVOT) { self.with_pivot(schema, meta, context.name) } else { schema };
        let schema = described(schema, &description_without_need(meta));
        collected.add(key.to_owned(), schema, !context.may_be_absent && !is_sparse && !is_unrolled);
    }

    /// The schema of a list of related rows, each with the columns of the join table.
    fn with_pivot(&mut self, rows: RefOr<Schema>, meta: &MetaField, parent: &str) -> RefOr<Schema> {
        let RefOr::T(Schema::Array(rows)) = rows else { return rows };
        let ArrayItems::RefOrSchema(row) = rows.items else { return RefOr::T(Schema::Array(rows)) };
        let column = |ty: &str, json_type| {
            let scalar = self.registry.concrete_type_by_name(ty);
            let schema = scalar.and_then(|ty| leaf(ty, json_type, None)).unwrap_or_else(anything).into();
            if ty.ends_with('!') { schema } else { nullable(schema) }
        };
        let pivot = pivot_columns(&meta.tags).fold(typed(Type::Object), |pivot, (name, ty, json_type)| {
            pivot.property(name, column(ty, json_type)).required(name)
        });
        let pivot = pivot.description(Some("What the table between says of the two."));
        let name = format!("{parent}{}", component_name(&row).unwrap_or_default());
        let pivot = Ref::from_schema_name(self.named(&format!("{name}Pivot"), pivot.into()));
        let addition = typed(Type::Object).property(PIVOT, pivot).required(PIVOT);
        let row = self.named(&name, AllOfBuilder::new().item(*row).item(addition).into());
        list(Ref::from_schema_name(row), MAX_ROWS as usize).into()
    }

    /// Adds the component of a fragment, unless it is there already.
    fn add_fragment(&mut self, name: &str, ty: &MetaType, fragments: &Fragments) {
        let Some(fragment) = fragments.get(name).filter(|_| !self.schemas.contains_key(name)) else { return };
        // Inserted before its schema is made, because the fragment may spread itself.
        self.schemas.insert(name.to_owned(), anything().into());
        let context = SelectionContext {
            fragments,
            name,
            component: Some(name),
            may_be_absent: false,
            inlines_fragments: false,
        };
        let schema = self.selection(&fragment.node.selection_set.node, ty, context);
        let description = match ty {
            MetaType::Object { description, .. } => description.as_deref().unwrap_or_default(),
            _ => "",
        };
        self.schemas.insert(name.to_owned(), described(schema, description));
    }

    /// Adds what selections have beside their fragments to the components of these, as optional keys. A key that is there
    /// already has either schema.
    pub(super) fn extend_fragments(&mut self) {
        for (name, properties) in std::mem::take(&mut self.extensions) {
            let Some(RefOr::T(Schema::Object(object))) = self.schemas.get_mut(&name) else { continue };
            for (key, schema) in properties {
                add_alternative(&mut object.properties, key, schema);
            }
        }
    }
}

/// Adds a key. If it is there already with another schema, its value has either.
fn add_alternative(properties: &mut IndexMap<String, RefOr<Schema>>, key: String, schema: RefOr<Schema>) {
    let schema = match properties.shift_remove(&key) {
        Some(known) if known == schema => known,
        Some(known) => AnyOfBuilder::new().item(known).item(schema).into(),
        None => schema,
    };
    properties.insert(key, schema);
}

/// Whether a field is left out of the answer where it is null.
fn is_optional(field: &Field) -> bool {
    field.directives.iter().any(|directive| directive.node.name.node == "optional")
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
    described(text(MAX_TEXT).into(), description)
}

fn page_link() -> ObjectBuilder {
    typed(Type::Object)
        .description(Some("A link of a page's navigation."))
        .property("url", nullable(address("Where it leads; null where there is nothing.")))
        .property("label", text(MAX_TEXT).description(Some("Its text, in the shop's language.")))
        .property("page", nullable(described(integer_from(1).into(), "Its page; gaps have none.")))
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
    let number = |description: &str| described(integer_from(0).into(), description);
    let links = list(Ref::from_schema_name("PageLink"), MAX_LINKS);
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
