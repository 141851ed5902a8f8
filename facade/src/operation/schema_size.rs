//! The size of the schema, which bounds the answers to introspection queries.

use async_graphql::registry::{MetaType, Registry};

/// The numbers of parts of the schema.
#[derive(Debug, Default)]
pub(super) struct SchemaSize {
    /// All parts together.
    pub(super) parts: u64,
    types: u64,
    directives: u64,
    fields: PartCounts,
    input_fields: PartCounts,
    enum_values: PartCounts,
    possible_types: PartCounts,
    interfaces: PartCounts,
    args: PartCounts,
}

/// The number of parts of one kind (such as fields) in the elements that hold them (such as types).
#[derive(Clone, Copy, Debug, Default)]
struct PartCounts {
    /// The mean over all elements, rounded up.
    mean: u64,
    /// The maximum of one element.
    most: u64,
    /// The sum over all elements.
    all: u64,
}

impl PartCounts {
    fn of(numbers: impl Iterator<Item = usize>) -> Self {
        let (mut holders, mut all, mut most) = (0_u64, 0_u64, 0_u64);
        for number in numbers.map(|number| number as u64) {
            (holders, all, most) = (holders + 1, all + number, most.max(number));
        }
        Self { mean: all.div_ceil(holders.max(1)), most, all }
    }

    fn pick(self, all_types: bool) -> u64 {
        if all_types { self.mean } else { self.most }
    }
}

impl SchemaSize {
    /// Counts the parts of a schema.
    pub(super) fn new(registry: &Registry) -> Self {
        let types = || registry.types.values();
        let fields = || types().filter_map(MetaType::fields).flat_map(|fields| fields.values());
        let mut schema_size = Self {
            parts: 0,
            types: registry.types.len() as u64,
            directives: registry.directives.len() as u64,
            fields: PartCounts::of(types().map(|ty| ty.fields().map_or(0, |fields| fields.len()))),
            input_fields: PartCounts::of(types().map(|ty| match ty {
                MetaType::InputObject { input_fields, .. } => input_fields.len(),
                _ => 0,
            })),
            enum_values: PartCounts::of(types().map(|ty| match ty {
                MetaType::Enum { enum_values, .. } => enum_values.len(),
                _ => 0,
            })),
            possible_types: PartCounts::of(types().map(|ty| match ty {
                MetaType::Interface { possible_types, .. } | MetaType::Union { possible_types, .. } => {
                    possible_types.len()
                }
                _ => 0,
            })),
            interfaces: PartCounts::of(
                types().map(|ty| registry.implements.get(ty.name()).map_or(0, |interfaces| interfaces.len())),
            ),
            args: PartCounts::of(fields().map(|field| field.args.len())),
        };
        let kinds = [schema_size.fields, schema_size.input_fields, schema_size.enum_values, schema_size.args];
        schema_size.parts = schema_size.types + kinds.iter().map(|kind| kind.all).sum::<u64>();
        schema_size
    }

    /// The number of parts in the answer to an introspection field: the mean where all types are asked for it,
    /// otherwise the maximum. One for a field that holds no list.
    pub(super) fn of(&self, field: &str, all_types: bool) -> u64 {
        match field {
            "types" => self.types,
            "directives" => self.directives,
            "fields" => self.fields.pick(all_types),
            "inputFields" => self.input_fields.pick(all_types),
            "enumValues" => self.enum_values.pick(all_types),
            "possibleTypes" => self.possible_types.pick(all_types),
            "interfaces" => self.interfaces.pick(all_types),
            "args" => self.args.pick(all_types),
            _ => 1,
        }
    }
}
