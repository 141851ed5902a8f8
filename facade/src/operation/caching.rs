//! `Cache-Control` of answers to `GET` requests: `max-age` is the shortest one of the fields in the answer.
//!
//! A field declares its time with `cache_control(max_age = …)` beside its guard. It applies to the field and its scalar
//! values; records related to a record have times of their own. If one field declares none, the whole answer has no
//! `max-age`, and clients revalidate it by its `ETag`. Only answers that need no key are `public`.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::registry::{MetaField, MetaType, Registry};
use async_graphql::{CacheControl, Name, Request};

use crate::guard::Public;
use crate::record::is_record;

/// No `max-age`: clients revalidate the answer each time.
pub const NO_CACHE: CacheControl = CacheControl { public: false, max_age: 0 };

/// `max-age` of introspection in seconds. The schema changes only with the program.
const SCHEMA_MAX_AGE: i32 = 300;
/// The introspection fields of the query root.
pub const INTROSPECTION_FIELDS: [&str; 3] = ["__schema", "__type", "__typename"];

/// The cache hints of a schema's fields.
#[derive(Debug)]
pub struct CacheHints {
    query: Box<str>,
    types: HashMap<Box<str>, HashMap<Box<str>, CacheHint>>,
}

#[derive(Debug)]
struct CacheHint {
    time: MaxAge,
    public: bool,
    /// Name of the field's type, without lists.
    ty: Box<str>,
}

/// How long clients may keep a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MaxAge {
    /// This many seconds.
    Seconds(i32),
    /// As long as its parent.
    Inherited,
    /// No time is declared: clients must revalidate it.
    Unknown,
}

impl CacheHints {
    /// Reads the schema.
    pub fn new(registry: &Registry) -> Self {
        let types = registry.types.iter().filter_map(|(name, ty)| {
            let root = *name == registry.query_type;
            let fields = ty.fields()?.iter();
            let fields =
                fields.map(|(name, field)| (name.as_str().into(), CacheHint::of(registry, root, ty, field)));
            let hints = fields
                .filter(|(_, hint): &(_, CacheHint)| hint.time != MaxAge::Inherited || hint.holds(registry));
            Some((name.as_str().into(), hints.collect::<HashMap<_, _>>()))
        });
        let types = types.filter(|(_, fields): &(_, HashMap<_, _>)| !fields.is_empty()).collect();
        Self { query: registry.query_type.as_str().into(), types }
    }

    /// The cache control of the answer to a request's operation.
    pub fn of(&self, request: &mut Request) -> CacheControl {
        let name = request.operation_name.clone();
        request.parsed_query().map_or(NO_CACHE, |document| self.of_document(document, name.as_deref()))
    }

    /// The cache control of the answer to an operation of a document.
    pub fn of_document(&self, document: &ExecutableDocument, name: Option<&str>) -> CacheControl {
        self.cache_control(document, name).unwrap_or(NO_CACHE)
    }

    fn cache_control(&self, document: &ExecutableDocument, name: Option<&str>) -> Option<CacheControl> {
        let mut operations = document.operations.iter();
        let (_, operation) = operations.find(|(own, _)| name.is_none() || own.map(Name::as_str) == name)?;
        let mut control = CacheControl { public: true, max_age: i32::MAX };
        self.set(document, &self.query, &operation.node.selection_set.node, &mut control)?;
        Some(control)
    }

    /// Shortens the time to that of a selection set; `None` where one of its fields has none.
    fn set(
        &self,
        document: &ExecutableDocument,
        ty: &str,
        set: &SelectionSet,
        control: &mut CacheControl,
    ) -> Option<()> {
        set.items.iter().try_for_each(|selection| match &selection.node {
            Selection::Field(field) => {
                let (name, below) = (field.node.name.node.as_str(), &field.node.selection_set.node);
                if *ty == *self.query && INTROSPECTION_FIELDS.contains(&name) {
                    control.max_age = control.max_age.min(SCHEMA_MAX_AGE);
                    return Some(());
                }
                let Some(hint) = self.types.get(ty).and_then(|fields| fields.get(name)) else {
                    return Some(());
                };
                control.public &= hint.public || *ty != *self.query;
                match hint.time {
                    MaxAge::Seconds(seconds) => control.max_age = control.max_age.min(seconds),
                    MaxAge::Inherited => {}
                    MaxAge::Unknown => return None,
                }
                self.set(document, &hint.ty, below, control)
            }
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref().map_or(ty, |on| on.node.on.node.as_str());
                self.set(document, on, &inline.node.selection_set.node, control)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &document.fragments.get(&spread.node.fragment_name.node)?.node;
                let on = fragment.type_condition.node.on.node.as_str();
                self.set(document, on, &fragment.selection_set.node, control)
            }
        })
    }
}

impl CacheHint {
    fn of(registry: &Registry, root: bool, parent: &MetaType, field: &MetaField) -> Self {
        let ty = registry.concrete_type_by_name(&field.ty);
        let seconds = field.cache_control.max_age;
        // The scalar fields of a record are as old as the record; related records are read from other tables.
        let is_related = is_record(parent) && ty.is_some_and(MetaType::is_composite);
        let time = match () {
            () if seconds > 0 => MaxAge::Seconds(seconds),
            () if root || is_related => MaxAge::Unknown,
            () => MaxAge::Inherited,
        };
        let ty = ty.map_or("", MetaType::name).into();
        Self { time, public: Public::marks(field) && field.cache_control.public, ty }
    }

    /// Whether the field's type has fields.
    fn holds(&self, registry: &Registry) -> bool {
        registry.types.get(&*self.ty).is_some_and(MetaType::is_composite)
    }
}
