//! How long a client may keep an answer without asking again: the shortest time of the fields that it
//! holds.
//!
//! A field tells its time with `cache_control(max_age = …)` beside its guard; it holds for the field and
//! the values in it. What hangs on a record has a time of its own. One field that tells none makes
//! the whole answer one that is asked for each time, by its tag. Only what needs no key may be kept by
//! caches that several callers share.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::registry::{MetaField, MetaType, Registry};
use async_graphql::{CacheControl, Name, Request};

use crate::guard::Public;
use crate::record::is_record;

/// How answers are kept that no field's hint says it of: not at all.
pub const NO_CACHE: CacheControl = CacheControl { public: false, max_age: 0 };

/// Seconds for which what the schema tells of itself may be kept: it changes with the program.
const SCHEMA_MAX_AGE: i32 = 300;
/// Fields of the root that tell of the schema.
pub const INTROSPECTION_FIELDS: [&str; 3] = ["__schema", "__type", "__typename"];

/// Times of the schema's fields.
#[derive(Debug)]
pub struct CacheHints {
    query: Box<str>,
    types: HashMap<Box<str>, HashMap<Box<str>, CacheHint>>,
}

#[derive(Debug)]
struct CacheHint {
    time: MaxAge,
    public: bool,
    /// The type of what the field holds.
    ty: Box<str>,
}

/// How long a field may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MaxAge {
    /// So many seconds.
    Seconds(i32),
    /// As long as the field around it.
    Inherited,
    /// It must be asked for each time.
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
            let told = fields
                .filter(|(_, hint): &(_, CacheHint)| hint.time != MaxAge::Inherited || hint.holds(registry));
            Some((name.as_str().into(), told.collect::<HashMap<_, _>>()))
        });
        let types = types.filter(|(_, fields): &(_, HashMap<_, _>)| !fields.is_empty()).collect();
        Self { query: registry.query_type.as_str().into(), types }
    }

    /// How the answer to a query may be kept; without a time where it must be asked for each time.
    pub fn of(&self, request: &mut Request) -> CacheControl {
        let name = request.operation_name.clone();
        request.parsed_query().map_or(NO_CACHE, |document| self.of_document(document, name.as_deref()))
    }

    /// The same for an operation of a document.
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

    /// Shortens the time to that of a selection; nothing where one of its fields has none.
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
        // Of a record, its own values are as old as itself; what hangs on it is read elsewhere.
        let is_related = is_record(parent) && ty.is_some_and(MetaType::is_composite);
        let time = match () {
            () if seconds > 0 => MaxAge::Seconds(seconds),
            () if root || is_related => MaxAge::Unknown,
            () => MaxAge::Inherited,
        };
        let ty = ty.map_or("", MetaType::name).into();
        Self { time, public: Public::marks(field) && field.cache_control.public, ty }
    }

    /// Whether the field holds objects.
    fn holds(&self, registry: &Registry) -> bool {
        registry.types.get(&*self.ty).is_some_and(MetaType::is_composite)
    }
}
