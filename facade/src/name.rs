//! Conversion of names between REST (snake_case) and GraphQL (camelCase).

/// The field of a filter type for a REST name: `id` is `databaseId`, all others are converted to camelCase.
pub fn filter_field(name: &str) -> String {
    if name == "id" { "databaseId".to_owned() } else { camel(name) }
}

/// snake_case → camelCase
pub fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                out.extend(letter.to_uppercase());
                upper = false;
            }
            letter => out.push(letter),
        }
    }
    out
}

/// camelCase → snake_case
pub fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// snake_case → CamelCase
pub fn capitalised(name: &str) -> String {
    let camel = camel(name);
    let mut letters = camel.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Name of the variable that says whether a relation is included. `form` is the suffix: empty, or one of the others
/// that documents declare.
pub fn include_variable(relation: &str, form: &str) -> String {
    format!("include{}{form}", capitalised(relation))
}
