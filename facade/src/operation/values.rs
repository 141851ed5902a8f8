//! Checks that the values of variables have their declared types (GraphQL, 6.1.2), by the same rules as async-graphql.

use async_graphql::parser::types::OperationDefinition;
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql::{Name, Value, Variables};

/// Whether every variable has a value of its type, or none where its type is nullable.
pub(super) fn conform(operation: &OperationDefinition, variables: &Variables, registry: &Registry) -> bool {
    operation.variable_definitions.iter().all(|definition| {
        let ty = &definition.node.var_type.node;
        match variables.get(&definition.node.name.node) {
            Some(value) => is_of(value, &ty.to_string(), registry),
            None => ty.nullable,
        }
    })
}

/// Whether a value has a type. The recursion is bounded, since the nesting of variables is.
fn is_of(value: &Value, ty: &str, registry: &Registry) -> bool {
    match (MetaTypeName::create(ty), value) {
        (MetaTypeName::NonNull(ty), value) => *value != Value::Null && is_of(value, ty, registry),
        (_, Value::Null) => true,
        (MetaTypeName::List(ty), Value::List(items)) => items.iter().all(|item| is_of(item, ty, registry)),
        // A single value is accepted as a list of one.
        (MetaTypeName::List(ty), value) => is_of(value, ty, registry),
        (MetaTypeName::Named(ty), value) => is_named(value, ty, registry),
    }
}

fn is_named(value: &Value, ty: &str, registry: &Registry) -> bool {
    match (registry.types.get(ty), value) {
        (Some(MetaType::Scalar { is_valid, .. }), value) => {
            is_valid.as_ref().is_none_or(|is_valid| is_valid(value))
        }
        (Some(MetaType::Enum { enum_values, .. }), Value::Enum(word)) => {
            enum_values.contains_key(word.as_str())
        }
        (Some(MetaType::Enum { enum_values, .. }), Value::String(word)) => enum_values.contains_key(word),
        (Some(MetaType::InputObject { input_fields, oneof: false, .. }), Value::Object(fields)) => {
            let known = |name: &Name| input_fields.contains_key(name.as_str());
            let fits = |field: &MetaInputValue| match fields.get(field.name.as_str()) {
                Some(value) => is_of(value, &field.ty, registry),
                None => !field.ty.ends_with('!') || field.default_value.is_some(),
            };
            fields.keys().all(known) && input_fields.values().all(fits)
        }
        _ => false,
    }
}
