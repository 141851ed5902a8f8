//! What the body of a request may hold: the names that its operation declares, and the bytes of its files.

use std::collections::HashSet;

use async_graphql::registry::{MetaInputValue, MetaType, Registry};

use super::document::{Variable, snake};
use crate::form::Constraint;

/// Names that mean something whatever the operation is.
const ALWAYS: [&str; 7] = ["_method", "fields", "filter", "include", "page", "per_page", "sort"];
/// GraphQL type of a file.
const FILE: &str = "Upload";

/// What the operations of one path read of a body.
#[derive(Clone, Debug)]
pub struct Expected {
    names: HashSet<Box<str>>,
    /// Bytes that the files may have together; `None` where a file has no limit of its own.
    file_bytes: Option<usize>,
    /// Bytes of the whole body at most, where an operation says so.
    limit: Option<usize>,
}

impl Default for Expected {
    /// What is read where no operation is known: what could name another method.
    fn default() -> Self {
        Self { names: ALWAYS.iter().map(|&name| name.into()).collect(), file_bytes: Some(0), limit: None }
    }
}

impl Expected {
    /// What an operation with these variables reads, in a body of at most `limit` bytes.
    pub fn new(variables: &[Variable], limit: Option<usize>, registry: &Registry) -> Self {
        let mut expected = Self { limit, ..Self::default() };
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
        self.names.insert(name.into());
        if field.ty.contains(FILE) {
            // Lists of files have a greatest number; one file is a list of one.
            let many = if field.ty.starts_with('[') { constraint.count("maxItems") } else { Some(1) };
            let each = constraint.count("maxKilobytes").and_then(|kilobytes| kilobytes.checked_mul(1024));
            let bytes = many.zip(each).and_then(|(many, each)| many.checked_mul(each));
            self.file_bytes = self.file_bytes.zip(bytes).and_then(|(known, more)| known.checked_add(more));
        }
    }

    /// What this or another operation of the same path reads.
    pub fn join(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.file_bytes = self.file_bytes.zip(other.file_bytes).map(|(own, other)| own.max(other));
        self.limit = self.limit.max(other.limit);
    }

    /// Whether a field of that name is read.
    pub fn wants(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The largest body: what an operation says, else that of fields alone and the files beside them; within the limit
    /// of all bodies.
    pub fn max_bytes(&self, max_without_files: usize, max: usize) -> usize {
        if let Some(limit) = self.limit {
            return limit.min(max);
        }
        let bytes = self.file_bytes.and_then(|files| max_without_files.checked_add(files));
        bytes.map_or(max, |bytes| bytes.min(max))
    }
}
