//! Everything in the contract has a description. That the files are current is tested with the command line
//! (`tests/cli.rs`).

use async_graphql::registry::{MetaInputValue, MetaType, Registry};
use guichet::server::schema;

/// Scalars that every GraphQL schema has: the specification describes them.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

#[test]
fn everything_in_the_schema_is_described() {
    let registry: Registry = schema::internal_registry();
    let mut silent = Vec::new();
    let ours = |name: &&String| !name.starts_with("__") && !BUILT_IN.contains(&name.as_str());
    for (name, ty) in registry.types.iter().filter(|(name, _)| ours(name)) {
        undescribed_type(name, ty, &mut silent);
    }
    for directive in registry.directives.values() {
        note(&format!("@{}", directive.name), directive.description.as_deref(), &mut silent);
        inputs(&format!("@{}", directive.name), directive.args.values(), &mut silent);
    }
    assert!(silent.is_empty(), "without description: {}", silent.join(", "));
}

fn undescribed_type(name: &str, ty: &MetaType, silent: &mut Vec<String>) {
    let about = match ty {
        MetaType::Object { description, fields, .. } => {
            for field in fields.values() {
                let path = format!("{name}.{}", field.name);
                note(&path, field.description.as_deref(), silent);
                inputs(&path, field.args.values(), silent);
            }
            description
        }
        MetaType::InputObject { description, input_fields, .. } => {
            inputs(name, input_fields.values(), silent);
            description
        }
        MetaType::Enum { description, enum_values, .. } => {
            for value in enum_values.values() {
                note(&format!("{name}.{}", value.name), value.description.as_deref(), silent);
            }
            description
        }
        MetaType::Scalar { description, .. }
        | MetaType::Interface { description, .. }
        | MetaType::Union { description, .. } => description,
    };
    note(name, about.as_deref(), silent);
}

fn inputs<'a>(of: &str, inputs: impl Iterator<Item = &'a MetaInputValue>, silent: &mut Vec<String>) {
    inputs.for_each(|input| note(&format!("{of}({})", input.name), input.description.as_deref(), silent));
}

fn note(path: &str, description: Option<&str>, silent: &mut Vec<String>) {
    if description.is_none_or(|text| text.trim().is_empty()) {
        silent.push(path.to_owned());
    }
}
