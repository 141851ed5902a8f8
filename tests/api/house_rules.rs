//! Rules of the code base that a compiler doesn't know.

use std::path::{Path, PathBuf};

use guichet::schema;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn source(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    found
}

/// The REST engine knows no resource: none of their names is a word in it.
#[test]
fn the_rest_engine_names_no_resource() {
    let resources: Vec<String> = source("src/resource")
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "graphql"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().to_lowercase())
        .collect();
    assert!(resources.contains(&"product".to_owned()));
    for path in source("src/rest") {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for resource in &resources {
            let plural = match resource.strip_suffix('y') {
                Some(stem) => format!("{stem}ies"),
                None => format!("{resource}s"),
            };
            let mut words = code.split(|letter: char| !letter.is_alphanumeric());
            let named = words.any(|word| word == resource || word == plural);
            assert!(!named, "{} names `{resource}`", path.display());
        }
    }
}

/// Whoever reads the schema is told what each thing is.
#[test]
fn everything_in_the_schema_is_described() {
    use async_graphql::registry::MetaType;
    let mut missing = Vec::new();
    for (name, ty) in schema::registry().types.iter().filter(|(name, _)| !name.starts_with("__")) {
        let described = match ty {
            MetaType::Object { description, .. }
            | MetaType::InputObject { description, .. }
            | MetaType::Enum { description, .. } => description.is_some(),
            _ => true,
        };
        if !described && !["Query", "Mutation"].contains(&name.as_str()) {
            missing.push(name.clone());
        }
        for (field, meta) in ty.fields().into_iter().flatten() {
            if meta.description.is_none() {
                missing.push(format!("{name}.{field}"));
            }
            missing.extend(
                meta.args
                    .values()
                    .filter(|argument| argument.description.is_none())
                    .map(|argument| format!("{name}.{field}({})", argument.name)),
            );
        }
        match ty {
            MetaType::InputObject { input_fields, .. } => {
                missing.extend(
                    input_fields
                        .values()
                        .filter(|field| field.description.is_none())
                        .map(|field| format!("{name}.{}", field.name)),
                );
            }
            MetaType::Enum { enum_values, .. } => {
                missing.extend(
                    enum_values
                        .values()
                        .filter(|value| value.description.is_none())
                        .map(|value| format!("{name}.{}", value.name)),
                );
            }
            _ => {}
        }
    }
    assert!(missing.is_empty(), "not described: {missing:?}");
}
