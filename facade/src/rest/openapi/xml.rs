//! How the XML of a body is called: hints that utoipa's references cannot carry
//! (docs/contract/documented-contract.md#4.6).

use serde_json::{Map, Value as Json, json};

/// Adds the hints to a whole document.
pub(super) fn hint(document: &mut Json) {
    match document {
        Json::Object(fields) => {
            if fields.get("type").is_some_and(is_list) {
                list(fields);
            }
            for (key, value) in fields.iter_mut() {
                if key == super::XML
                    && let Some(Json::Object(schema)) = value.get_mut("schema")
                {
                    schema.insert("xml".to_owned(), json!({"name": "response"}));
                }
                // Examples are values, whatever their keys.
                if key != "example" && key != "examples" {
                    hint(value);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(hint),
        _ => {}
    }
}

fn is_list(ty: &Json) -> bool {
    ty == "array" || ty.as_array().is_some_and(|types| types.iter().any(|ty| ty == "array"))
}

/// A list's element holds its items' elements.
fn list(schema: &mut Map<String, Json>) {
    if let Some(Json::Object(items)) = schema.get_mut("items") {
        items.insert("xml".to_owned(), json!({"name": "item"}));
        schema.insert("xml".to_owned(), json!({"wrapped": true}));
    }
}
