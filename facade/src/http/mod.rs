//! What clients send over HTTP: which answers they accept, bodies and JSON within bounds.

pub mod accept;
pub mod body;
pub mod json;

/// Bounds of what is read of a request.
#[derive(Clone, Copy, Debug)]
pub struct BodyBounds {
    /// Largest request body in bytes, whatever it is for.
    pub max: usize,
    /// Largest REST body in bytes where no file is expected.
    pub max_without_files: usize,
    /// Values in a JSON or XML body.
    pub max_elements: usize,
    /// How deep a JSON body nests.
    pub max_depth: usize,
    /// Fields of a form or query that are read.
    pub max_fields: usize,
    /// Largest GraphQL request without files.
    pub max_query: usize,
    /// Largest GraphQL request without a valid key.
    pub keyless_query: usize,
    /// Tokens of a GraphQL document, and values in its variables, without a valid key.
    pub keyless_tokens: u64,
}

impl Default for BodyBounds {
    fn default() -> Self {
        Self {
            max: 8 << 20,
            max_without_files: 1 << 20,
            max_elements: 50_000,
            max_depth: 128,
            max_fields: 1_000,
            max_query: 1 << 20,
            keyless_query: 64 << 10,
            keyless_tokens: 1_000,
        }
    }
}
