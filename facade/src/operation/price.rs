//! The price of an operation in points.
//!
//! A root field costs one point, and ten more if it is a mutation. A row or another object costs one point; its
//! scalar fields and amounts of money are free. A list costs its length times the points of one element. Before an operation runs, the
//! length of a list is the size of its page or the number of its identifiers, or [`DEFAULT_ROWS`] where it has
//! neither; afterwards the rows that were found count. A condition costs one point for each comparison and a tenth
//! of a point for each further value of a comparison, whatever it finds; inside records, that for each record around
//! it. What has `@cost` in the schema (a condition, an order, a field) costs these points more. A REST request has the
//! same price, except that related records are counted afterwards only: REST nests relations without pages, and a request must not be
//! refused for records that do not exist.

use std::collections::HashMap;
use std::iter::Sum;

use async_graphql::Value;
use async_graphql::parser::types::OperationType;
use async_graphql::registry::{MetaField, MetaType, Registry};

use super::schema_size::SchemaSize;
use super::weight::Weights;
use crate::filter::Costs;
use crate::record::{TaxedMoney, count_objects, is_record, is_value};

/// Assumed length of a list without pages.
pub(super) const DEFAULT_ROWS: u64 = 10;
/// Points for a root field.
pub(super) const ROOT_FIELD_POINTS: u64 = 1;
/// Additional points for a root field of the mutation type.
pub(super) const MUTATION_POINTS: u64 = 10;
/// The number of further values of comparisons that cost one point.
pub(super) const VALUES_PER_POINT: u64 = 10;

/// The fields of the schema that prices depend on: those that hold objects.
#[derive(Debug, Default)]
pub(super) struct Prices {
    types: HashMap<Box<str>, ObjectFields>,
    pub(super) schema_size: SchemaSize,
    pub(super) weights: Weights,
    query: Box<str>,
    mutation: Box<str>,
}

/// Fields of a type that hold objects, by name.
pub(super) type ObjectFields = HashMap<Box<str>, ObjectField>;

/// A field whose type is an object or a list of objects.
#[derive(Debug)]
pub(super) struct ObjectField {
    /// Name of the objects' type.
    pub(super) ty: Box<str>,
    /// How many objects there are.
    pub(super) cardinality: Cardinality,
    /// Points of each use.
    pub(super) cost: u64,
    /// Arguments whose values may cost points, and their types.
    pub(super) weighted: Box<[(Box<str>, Box<str>)]>,
}

/// How many objects a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cardinality {
    /// One.
    One,
    /// One object that is a page: its lists are as long as the requested size of the page.
    Page,
    /// A list: the rows of a page, or as many as there are.
    List,
    /// A list of the objects whose identifiers are in the argument `ids`.
    ByIds,
}

impl Prices {
    /// Reads the schema.
    pub(super) fn new(registry: &Registry) -> Self {
        let weights = Weights::new(registry);
        let types = registry.types.iter().filter_map(|(name, ty)| {
            let fields: ObjectFields = ty
                .fields()?
                .iter()
                .filter_map(|(name, field)| {
                    Some((name.as_str().into(), branch(registry, &weights, ty, field)?))
                })
                .collect();
            (!fields.is_empty()).then(|| (name.as_str().into(), fields))
        });
        Self {
            types: types.collect(),
            schema_size: SchemaSize::new(registry),
            weights,
            query: registry.query_type.as_str().into(),
            mutation: registry.mutation_type.as_deref().unwrap_or_default().into(),
        }
    }

    /// All types with fields that hold objects.
    pub(super) fn types(&self) -> impl Iterator<Item = (&str, &ObjectFields)> {
        self.types.iter().map(|(name, fields)| (name.as_ref(), fields))
    }

    /// Fields of a type that hold objects.
    pub(super) fn fields(&self, ty: &str) -> Option<&ObjectFields> {
        self.types.get(ty)
    }

    /// Fields of the root type of an operation that hold objects.
    pub(super) fn root(&self, kind: OperationType) -> Option<&ObjectFields> {
        self.fields(if kind == OperationType::Mutation { &self.mutation } else { &self.query })
    }
}

fn branch(
    registry: &Registry,
    weights: &Weights,
    parent: &MetaType,
    field: &MetaField,
) -> Option<ObjectField> {
    let ty = registry.concrete_type_by_name(&field.ty)?;
    let is_part = is_value(ty) && (is_record(parent) || is_value(parent) || ty.name() == TaxedMoney::NAME);
    let cardinality = match () {
        () if field.args.contains_key("ids") => Cardinality::ByIds,
        () if field.ty.starts_with('[') => Cardinality::List,
        () if field.args.contains_key("first") => Cardinality::Page,
        () => Cardinality::One,
    };
    let weighted = weights.arguments(field);
    (ty.is_composite() && !is_part).then(|| ObjectField {
        ty: ty.name().into(),
        cardinality,
        cost: Costs::points(&field.directive_invocations),
        weighted,
    })
}

/// The comparisons of a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparisons {
    pub(super) number: u64,
    /// Values beyond the first one of each comparison.
    further: u64,
}

impl Comparisons {
    /// One comparison with this many values.
    pub(super) fn with(values: usize) -> Self {
        Self { number: 1, further: (values as u64).saturating_sub(1) }
    }

    pub(super) fn points(self) -> u64 {
        self.number.saturating_add(self.further.div_ceil(VALUES_PER_POINT))
    }
}

impl Sum for Comparisons {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            number: sum.number.saturating_add(one.number),
            further: sum.further.saturating_add(one.further),
        })
    }
}

/// Points for an answer. `written` is the number of objects in the parts of it that are JSON already.
pub fn points_of_answer(kind: OperationType, data: &Value, written: u32) -> u64 {
    let Value::Object(root) = data else { return 1 };
    let each =
        if kind == OperationType::Mutation { ROOT_FIELD_POINTS + MUTATION_POINTS } else { ROOT_FIELD_POINTS };
    let objects = root.values().map(|value| each + u64::from(count_objects(value)));
    objects.sum::<u64>() + u64::from(written)
}

/// Points for a REST request that asks for this many rows, or has read them.
pub fn points_of_rows(is_mutation: bool, rows: u32) -> u32 {
    let root = if is_mutation { ROOT_FIELD_POINTS + MUTATION_POINTS } else { ROOT_FIELD_POINTS };
    rows.saturating_add(u32::try_from(root).unwrap_or(u32::MAX))
}
