//! The names of XML elements in the OpenAPI document. They are added to its JSON, because utoipa cannot add them to
//! references (docs/contract/documented-contract.md#4.6).

use serde_json::{Map, Value as Json, json};

/// Adds the names to all schemas of a document.
pub(super) fn add_names(document: &mut Json) {
    match document {
        Json::Object(fields) => {
            if fields.get("type").is_some_and(is_list) {
                name_items(fields);
            }
            for (key, value) in fields.iter_mut() {
                if key == super::XML
                    && let Some(Json::Object(schema)) = value.get_mut("schema")
                {
                    schema.insert("xml".to_owned(), json!({"name": "response"}));
                }
                // Examples are no schemas, although they may have the same keys.
                if key != "example" && key != "examples" {
                    add_names(value);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(add_names),
        _ => {}
    }
}

fn is_list(ty: &Json) -> bool {
    ty == "array" || ty.as_array().is_some_and(|types| types.iter().any(|ty| ty == "array"))
}

/// Names the elements of a list's items; they are within the element of the list.
fn name_items(schema: &mut Map<String, Json>) {
    if let Some(Json::Object(items)) = schema.get_mut("items") {
        items.insert("xml".to_owned(), json!({"name": "item"}));
        schema.insert("xml".to_owned(), json!({"wrapped": true}));
    }
}
