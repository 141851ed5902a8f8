//! Paths through the schema, found in the schema itself, so that no test has to list them.

use std::collections::HashMap;

use async_graphql::registry::{MetaField, MetaInputValue, MetaType, Registry};
use facade::guard::Can;
use facade::{Abilities, Ability};

/// Arguments that a field cannot be asked without, with values that mean nothing: identifiers are
/// `"1"`, texts are empty.
pub(crate) fn arguments(registry: &Registry, field: &MetaField) -> String {
    let required =
        field.args.values().filter(|argument| argument.ty.ends_with('!') && argument.default_value.is_none());
    let given: Vec<String> =
        required.map(|argument| format!("{}: {}", argument.name, literal(registry, &argument.ty))).collect();
    if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) }
}

/// Some value of an input type.
fn literal(registry: &Registry, ty: &str) -> String {
    let ty = ty.trim_end_matches('!');
    if ty.starts_with('[') {
        return "[]".to_owned();
    }
    match (ty, registry.types.get(ty)) {
        ("ID", _) => "\"1\"".to_owned(),
        ("Int", _) => "1".to_owned(),
        ("Float" | "Decimal", _) => "1.0".to_owned(),
        ("Boolean", _) => "false".to_owned(),
        ("JSON", _) => "{}".to_owned(),
        (_, Some(MetaType::Enum { enum_values, .. })) => enum_values.keys().next().unwrap().clone(),
        (_, Some(MetaType::InputObject { input_fields, .. })) => {
            let required = input_fields
                .values()
                .filter(|field| field.ty.ends_with('!') && field.default_value.is_none());
            let fields: Vec<String> =
                required.map(|field| format!("{}: {}", field.name, literal(registry, &field.ty))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        _ => "\"\"".to_owned(),
    }
}

/// Name of the object type of a field; nothing for a field of a scalar or an enum.
pub(crate) fn composite<'r>(registry: &'r Registry, ty: &str) -> Option<&'r str> {
    registry.concrete_type_by_name(ty).filter(|ty| ty.is_composite()).map(MetaType::name)
}

/// For every type that can be read, the field that leads to it on the shortest way; ways that need no
/// argument go first, because lists have rows where an identifier may name nothing.
pub(crate) struct Ways<'r> {
    registry: &'r Registry,
    steps: HashMap<&'r str, (&'r str, &'r MetaField)>,
}

impl<'r> Ways<'r> {
    pub(crate) fn new(registry: &'r Registry) -> Self {
        let mut ways = Self { registry, steps: HashMap::new() };
        let mut reached = vec!["Query"];
        while let Some((ty, step)) = ways.next(&reached, false).or_else(|| ways.next(&reached, true)) {
            ways.steps.insert(ty, step);
            reached.push(ty);
        }
        ways
    }

    /// The first type that the reached ones lead to, in the order in which they were reached.
    fn next(&self, reached: &[&'r str], with_arguments: bool) -> Option<(&'r str, (&'r str, &'r MetaField))> {
        let fields =
            reached.iter().flat_map(|&from| fields(self.registry, from).map(move |field| (from, field)));
        let mut new = fields.filter_map(|(from, field)| {
            let ty = composite(self.registry, &field.ty)?;
            let fits = with_arguments || arguments(self.registry, field).is_empty();
            // The types of an interface have paths of their own.
            let is_object = matches!(self.registry.types.get(ty), Some(MetaType::Object { .. }));
            (fits && is_object && !reached.contains(&ty)).then_some((ty, (from, field)))
        });
        new.next()
    }

    /// Whether the way to a type leads through this field.
    pub(crate) fn lead(&self, from: &str, field: &MetaField, to: &str) -> bool {
        self.steps.get(to).is_some_and(|step| step.0 == from && step.1.name == field.name)
    }

    /// Whether a type can be read at all.
    pub(crate) fn reach(&self, ty: &str) -> bool {
        ty == "Query" || self.steps.contains_key(ty)
    }

    /// Whether an object type is only in the answers of mutations.
    pub(crate) fn only_mutations_lead(&self, ty: &str) -> bool {
        matches!(self.registry.types.get(ty), Some(MetaType::Object { .. })) && !self.reach(ty)
    }

    /// The needs of the fields on the path to a type, from the root.
    pub(crate) fn needs(&self, ty: &str) -> Vec<Vec<Ability>> {
        let Some((from, field)) = self.steps.get(ty) else { return Vec::new() };
        self.needs(from).into_iter().chain(needs_of(field)).collect()
    }
}

/// The fields of a type.
pub(crate) fn fields<'r>(registry: &'r Registry, ty: &str) -> impl Iterator<Item = &'r MetaField> + use<'r> {
    registry.types.get(ty).and_then(MetaType::fields).into_iter().flat_map(|fields| fields.values())
}

/// The ability of a name.
pub(crate) fn ability(name: &str) -> Option<Ability> {
    guichet::resource::abilities().find(name)
}

/// Every ability there is.
pub(crate) fn all_abilities() -> &'static Abilities {
    guichet::resource::abilities().all()
}

/// The need of a field; none if it declares none.
pub(crate) fn needs_of(field: &MetaField) -> Option<Vec<Ability>> {
    known(Can::read(field))
}

/// The need of an input field.
pub(crate) fn input_needs(field: &MetaInputValue) -> Option<Vec<Ability>> {
    known(Can::read_input(field))
}

fn known(names: Option<Vec<&str>>) -> Option<Vec<Ability>> {
    names.map(|names| names.into_iter().map(|name| ability(name).unwrap()).collect())
}
