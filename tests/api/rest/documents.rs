//! The REST documents against a second implementation of GraphQL: `apollo-compiler` validates the
//! internal schema and every document, variables against their arguments included.

use std::fmt::Write;

use apollo_compiler::{ExecutableDocument, Schema};
use async_graphql::Positioned;
use async_graphql::parser::types::{
    Directive, ExecutableDocument as Parsed, OperationDefinition, Selection, SelectionSet,
};
use facade::rest;
use guichet::resource;
use guichet::server::schema;

#[test]
fn documents_are_valid_graphql() {
    let schema = Schema::parse_and_validate(schema::internal_sdl(), "schema.graphql")
        .unwrap_or_else(|error| panic!("{}", error.errors));
    for document in rest::read(resource::DOCUMENTS, resource::abilities().all(), resource::DIALECTS).unwrap()
    {
        let text = print(&document.name, &document.standard_document());
        if let Err(error) =
            ExecutableDocument::parse_and_validate(&schema, &text, format!("{}.graphql", document.name))
        {
            panic!("{}", error.errors);
        }
    }
}

/// The text of a document in the form that is executed: completed, and without `@rest`.
fn print(name: &str, document: &Parsed) -> String {
    let mut text = String::new();
    for (_, operation) in document.operations.iter() {
        print_operation(&mut text, name, &operation.node);
    }
    for (name, fragment) in &document.fragments {
        write!(text, "fragment {name} on {} ", fragment.node.type_condition.node.on.node).unwrap();
        print_set(&mut text, &fragment.node.selection_set.node);
    }
    text
}

fn print_operation(text: &mut String, name: &str, operation: &OperationDefinition) {
    write!(text, "{} {name}", operation.ty).unwrap();
    let variables: Vec<String> = operation
        .variable_definitions
        .iter()
        .map(|variable| {
            let default = variable.node.default_value.as_ref().map(|value| format!(" = {}", value.node));
            format!(
                "${}: {}{}",
                variable.node.name.node,
                variable.node.var_type.node,
                default.unwrap_or_default()
            )
        })
        .collect();
    if !variables.is_empty() {
        write!(text, "({})", variables.join(", ")).unwrap();
    }
    print_set(text, &operation.selection_set.node);
}

fn print_set(text: &mut String, set: &SelectionSet) {
    if set.items.is_empty() {
        return;
    }
    text.push_str(" {\n");
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                if let Some(alias) = &field.node.alias {
                    write!(text, "{}: ", alias.node).unwrap();
                }
                write!(text, "{}", field.node.name.node).unwrap();
                let arguments: Vec<String> = field
                    .node
                    .arguments
                    .iter()
                    .map(|(name, value)| format!("{}: {}", name.node, value.node))
                    .collect();
                if !arguments.is_empty() {
                    write!(text, "({})", arguments.join(", ")).unwrap();
                }
                print_directives(text, &field.node.directives);
                print_set(text, &field.node.selection_set.node);
            }
            Selection::FragmentSpread(spread) => {
                write!(text, "...{}", spread.node.fragment_name.node).unwrap();
                print_directives(text, &spread.node.directives);
            }
            Selection::InlineFragment(fragment) => {
                text.push_str("...");
                if let Some(condition) = &fragment.node.type_condition {
                    write!(text, " on {}", condition.node.on.node).unwrap();
                }
                print_directives(text, &fragment.node.directives);
                print_set(text, &fragment.node.selection_set.node);
            }
        }
        text.push('\n');
    }
    text.push_str("}\n");
}

fn print_directives(text: &mut String, directives: &[Positioned<Directive>]) {
    for directive in directives {
        let arguments: Vec<String> = directive
            .node
            .arguments
            .iter()
            .map(|(name, value)| format!("{}: {}", name.node, value.node))
            .collect();
        write!(text, " @{}({})", directive.node.name.node, arguments.join(", ")).unwrap();
    }
}
