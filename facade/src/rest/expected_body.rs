//! The fields that are read of a body, and its maximum length: both follow from what the operations of a path declare.

use std::collections::HashSet;

use async_graphql::registry::{MetaInputValue, MetaType, Registry};

use super::document::{Variable, snake};
use crate::form::Constraint;

/// Names of fields that are read for every operation.
const ALWAYS_READ: [&str; 7] = ["_method", "fields", "filter", "include", "page", "per_page", "sort"];
/// GraphQL type of what is true or false.
const BOOLEAN: &str = "Boolean";
/// GraphQL type of an uploaded file.
const FILE: &str = "Upload";

/// The parts of a body that the operations of a path read.
#[derive(Clone, Debug)]
pub struct ExpectedBody {
    names: HashSet<Box<str>>,
    /// Those that are true or false.
    booleans: HashSet<Box<str>>,
    /// Those that are lists of files.
    file_lists: HashSet<Box<str>>,
    /// Maximum number of bytes of all files together; `None` if the form of a file declares no maximum.
    file_bytes: Option<usize>,
    /// Maximum number of bytes of the whole body, if an operation declares one.
    max_body: Option<usize>,
}

impl Default for ExpectedBody {
    /// The body for a path without an operation: the fields that are read for every operation, and no files.
    fn default() -> Self {
        Self {
            names: ALWAYS_READ.iter().map(|&name| name.into()).collect(),
            booleans: HashSet::new(),
            file_lists: HashSet::new(),
            file_bytes: Some(0),
            max_body: None,
        }
    }
}

impl ExpectedBody {
    /// The body of an operation with these variables, which declares `max_body`.
    pub fn new(variables: &[Variable], max_body: Option<usize>, registry: &Registry) -> Self {
        let mut expected = Self { max_body, ..Self::default() };
        for variable in variables {
            expected.names.insert(snake(&variable.name).into());
            expected.names.extend(variable.sent.iter().map(|name| name.as_str().into()));
            expected.names.extend(variable.unless.as_deref().map(Into::into));
            let ty = variable.ty.to_string();
            if let Some(MetaType::InputObject { input_fields, .. }) =
                registry.types.get(ty.trim_end_matches('!'))
            {
                input_fields.values().for_each(|field| expected.add_field(field));
            }
        }
        expected
    }

    fn add_field(&mut self, field: &MetaInputValue) {
        let constraint = Constraint::read(field);
        let name = constraint.text("name").map_or_else(|| snake(&field.name), str::to_owned);
        if constraint.is("confirmed") {
            self.names.insert(format!("{name}_confirmation").into());
        }
        // Some are texts in REST: `"true"` and `"false"`.
        if field.ty.trim_end_matches('!') == BOOLEAN && constraint.words("oneOf").is_empty() {
            self.booleans.insert(name.as_str().into());
        }
        if field.ty.contains(FILE) {
            if field.ty.starts_with('[') {
                self.file_lists.insert(name.as_str().into());
            }
            let count = if field.ty.starts_with('[') { constraint.count("maxItems") } else { Some(1) };
            let each = constraint.count("maxKilobytes").and_then(|kilobytes| kilobytes.checked_mul(1024));
            let bytes = count.zip(each).and_then(|(count, each)| count.checked_mul(each));
            self.file_bytes = self.file_bytes.zip(bytes).and_then(|(sum, bytes)| sum.checked_add(bytes));
        }
        self.names.insert(name.into());
    }

    /// Adds what another operation of the same path reads.
    pub fn join(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.booleans.extend(other.booleans.iter().cloned());
        self.file_lists.extend(other.file_lists.iter().cloned());
        self.file_bytes = self.file_bytes.zip(other.file_bytes).map(|(own, other)| own.max(other));
        self.max_body = self.max_body.max(other.max_body);
    }

    /// Whether a field with this name is read.
    pub fn has_field(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether a field is true or false.
    pub fn is_boolean(&self, name: &str) -> bool {
        self.booleans.contains(name)
    }

    /// Whether a field is a list of files.
    pub fn is_file_list(&self, name: &str) -> bool {
        self.file_lists.contains(name)
    }

    /// Maximum number of bytes of the body: the declared one, otherwise `max_without_files` and the bytes of the files;
    /// in any case at most `max`.
    pub fn max_bytes(&self, max_without_files: usize, max: usize) -> usize {
        if let Some(max_body) = self.max_body {
            return max_body.min(max);
        }
        let bytes = self.file_bytes.and_then(|files| max_without_files.checked_add(files));
        bytes.map_or(max, |bytes| bytes.min(max))
    }
}
