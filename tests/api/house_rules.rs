//! Rules of the code base that a compiler doesn't know.

use std::path::{Path, PathBuf};

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

/// Words of OpenAPI itself that are also a resource's name.
const OPENAPI: [&str; 1] = ["license"];
/// The reason phrase of status 503, which holds a resource's name.
const REASON: &str = "service unavailable";

/// The REST engine knows no resource: none of their names is a word in it.
#[test]
fn the_rest_engine_names_no_resource() {
    let resources: Vec<String> = source("src/resource")
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "graphql"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().to_lowercase())
        .filter(|resource| !OPENAPI.contains(&resource.as_str()))
        .collect();
    assert!(resources.contains(&"product".to_owned()));
    for path in source("src/rest") {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase().replace(REASON, "");
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
