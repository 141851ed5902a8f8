//! Reading of HTTP requests within limits: the headers `Accept` and `If-None-Match`, bodies, and JSON.

pub mod accept;
pub mod body;
pub mod body_memory;
pub mod client_network;
pub mod etag;
pub mod json;

/// Limits of request bodies. "Keyless" ones apply to requests without a valid key.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Maximum size of any request body, in bytes.
    pub max: usize,
    /// Maximum size of a REST body where no file is expected, in bytes.
    pub max_without_files: usize,
    /// Maximum number of values in a JSON or XML body.
    pub max_elements: usize,
    /// Maximum nesting of a JSON body.
    pub max_depth: usize,
    /// Maximum number of fields of a form or a query.
    pub max_fields: usize,
    /// Maximum size of a GraphQL request without files, in bytes.
    pub max_query: usize,
    /// Maximum size of a GraphQL request without a valid key, in bytes.
    pub keyless_query: usize,
    /// Maximum number of tokens of a GraphQL document, and of values in its JSON, without a valid key.
    pub keyless_tokens: u64,
}

impl Default for BodyLimits {
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
