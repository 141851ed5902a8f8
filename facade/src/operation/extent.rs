//! How large the schema is: what a question about it can be answered with.

use async_graphql::registry::{MetaType, Registry};

/// Numbers of the schema's parts.
#[derive(Debug, Default)]
pub(super) struct Extent {
    /// All parts together.
    pub(super) parts: u64,
    types: u64,
    directives: u64,
    fields: Parts,
    input_fields: Parts,
    enum_values: Parts,
    possible_types: Parts,
    interfaces: Parts,
    args: Parts,
}

/// How many parts of a kind there are in one that holds them.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    /// In the mean of all, rounded up.
    mean: u64,
    /// In the one with the most.
    most: u64,
    /// In all of them together.
    all: u64,
}

impl Parts {
    fn of(numbers: impl Iterator<Item = usize>) -> Self {
        let (mut holders, mut all, mut most) = (0_u64, 0_u64, 0_u64);
        for number in numbers.map(|number| number as u64) {
            (holders, all, most) = (holders + 1, all + number, most.max(number));
        }
        Self { mean: all.div_ceil(holders.max(1)), most, all }
    }

    fn within(self, all_types: bool) -> u64 {
        if all_types { self.mean } else { self.most }
    }
}

impl Extent {
    /// Counts the parts of a schema.
    pub(super) fn new(registry: &Registry) -> Self {
        let types = || registry.types.values();
        let fields = || types().filter_map(MetaType::fields).flat_map(|fields| fields.values());
        let mut extent = Self {
            parts: 0,
            types: registry.types.len() as u64,
            directives: registry.directives.len() as u64,
            fields: Parts::of(types().map(|ty| ty.fields().map_or(0, |fields| fields.len()))),
            input_fields: Parts::of(types().map(|ty| match ty {
                MetaType::InputObject { input_fields, .. } => input_fields.len(),
                _ => 0,
            })),
            enum_values: Parts::of(types().map(|ty| match ty {
                MetaType::Enum { enum_values, .. } => enum_values.len(),
                _ => 0,
            })),
            possible_types: Parts::of(types().map(|ty| match ty {
                MetaType::Interface { possible_types, .. } | MetaType::Union { possible_types, .. } => {
                    possible_types.len()
                }
                _ => 0,
            })),
            interfaces: Parts::of(
                types().map(|ty| registry.implements.get(ty.name()).map_or(0, |interfaces| interfaces.len())),
            ),
            args: Parts::of(fields().map(|field| field.args.len())),
        };
        let kinds = [extent.fields, extent.input_fields, extent.enum_values, extent.args];
        extent.parts = extent.types + kinds.iter().map(|kind| kind.all).sum::<u64>();
        extent
    }

    /// How many parts a field of the introspection holds: in the mean where it is asked of all types, at most
    /// where it is asked of some. One for a field that holds no list.
    pub(super) fn of(&self, field: &str, all_types: bool) -> u64 {
        match field {
            "types" => self.types,
            "directives" => self.directives,
            "fields" => self.fields.within(all_types),
            "inputFields" => self.input_fields.within(all_types),
            "enumValues" => self.enum_values.within(all_types),
            "possibleTypes" => self.possible_types.within(all_types),
            "interfaces" => self.interfaces.within(all_types),
            "args" => self.args.within(all_types),
            _ => 1,
        }
    }
}
