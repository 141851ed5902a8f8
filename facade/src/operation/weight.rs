//! What conditions and orders cost beside their comparisons: the weights of `@cost` in the types of inputs.

use std::collections::{BTreeMap, HashMap};

use async_graphql::registry::{MetaField, MetaType, MetaTypeName, Registry};
use async_graphql_value::ConstValue;

use crate::filter::Costs;

/// The inputs that hold something that costs points, and what does.
#[derive(Debug, Default)]
pub(super) struct Weights {
    types: HashMap<Box<str>, WeightedParts>,
}

/// Parts of an input object or words of an enum, by name: only those that cost points themselves or hold some that do.
pub(super) type WeightedParts = BTreeMap<Box<str>, WeightedPart>;

/// A field of an input object, or a word of an enum.
#[derive(Debug)]
pub(super) struct WeightedPart {
    /// Points of each use.
    pub(super) points: u64,
    /// The type of the field's value; empty for a word.
    pub(super) ty: Box<str>,
}

impl Weights {
    /// Reads the weights of a schema.
    pub(super) fn new(registry: &Registry) -> Self {
        let mut types: HashMap<Box<str>, WeightedParts> = HashMap::new();
        // Types hold each other: what holds a type with weights is found once that type is known.
        loop {
            let known = types.values().map(WeightedParts::len).sum::<usize>();
            for (name, ty) in &registry.types {
                let parts = parts(ty, &types);
                if !parts.is_empty() {
                    types.insert(name.as_str().into(), parts);
                }
            }
            if types.values().map(WeightedParts::len).sum::<usize>() == known {
                return Self { types };
            }
        }
    }

    /// The parts with weights of a type; `None` where nothing in it costs points.
    pub(super) fn parts(&self, ty: &str) -> Option<&WeightedParts> {
        self.types.get(ty)
    }

    /// The points of a word of an enum.
    pub(super) fn word(&self, ty: &str, word: &str) -> u64 {
        self.parts(ty).and_then(|words| words.get(word)).map_or(0, |word| word.points)
    }

    /// The points of what a value of this type holds.
    pub(super) fn of(&self, value: &ConstValue, ty: &str) -> u64 {
        match value {
            ConstValue::List(items) => {
                items.iter().fold(0, |sum: u64, item| sum.saturating_add(self.of(item, ty)))
            }
            ConstValue::Object(fields) => {
                let Some(parts) = self.parts(ty) else { return 0 };
                fields.iter().fold(0, |sum: u64, (name, value)| {
                    let Some(part) = parts.get(name.as_str()) else { return sum };
                    sum.saturating_add(part.points).saturating_add(self.of(value, &part.ty))
                })
            }
            ConstValue::Enum(word) => self.word(ty, word),
            ConstValue::String(word) => self.word(ty, word),
            _ => 0,
        }
    }

    /// The arguments of a field whose values may cost points, with the names of their types.
    pub(super) fn arguments(&self, field: &MetaField) -> Box<[(Box<str>, Box<str>)]> {
        let types = field.args.values().map(|argument| (argument.name.as_str(), named(&argument.ty)));
        types
            .filter(|(_, ty)| self.types.contains_key(*ty))
            .map(|(name, ty)| (name.into(), ty.into()))
            .collect()
    }

    /// All parts that cost points themselves: `Type.part` and the points, by name.
    pub(super) fn listed(&self) -> BTreeMap<String, u64> {
        let each = self.types.iter().flat_map(|(ty, parts)| {
            parts.iter().map(move |(name, part)| (format!("{ty}.{name}"), part.points))
        });
        each.filter(|(_, points)| *points > 0).collect()
    }
}

fn parts(ty: &MetaType, known: &HashMap<Box<str>, WeightedParts>) -> WeightedParts {
    let parts: Vec<(&str, WeightedPart)> = match ty {
        MetaType::InputObject { input_fields, .. } => {
            let part = |ty: &str, points| WeightedPart { points, ty: named(ty).into() };
            let fields = input_fields.values();
            fields
                .map(|field| {
                    (field.name.as_str(), part(&field.ty, Costs::points(&field.directive_invocations)))
                })
                .collect()
        }
        MetaType::Enum { enum_values, .. } => {
            let word = |points| WeightedPart { points, ty: "".into() };
            let words = enum_values.values();
            words
                .map(|value| (value.name.as_str(), word(Costs::points(&value.directive_invocations))))
                .collect()
        }
        _ => Vec::new(),
    };
    let weighs = |part: &WeightedPart| part.points > 0 || known.contains_key(&part.ty);
    parts.into_iter().filter(|(_, part)| weighs(part)).map(|(name, part)| (name.into(), part)).collect()
}

/// The name of a type without `!` and `[]`.
fn named(ty: &str) -> &str {
    MetaTypeName::concrete_typename(ty)
}
