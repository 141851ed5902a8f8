//! A cache of answers to introspection queries. They are the same for all callers and cost more than most answers,
//! so each is computed once and kept as JSON.

use async_graphql::Request;
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

/// Maximum size of all cached answers together, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Expected number of cached answers (the cache's initial size).
const EXPECTED_ANSWERS: usize = 100;

/// The cache.
pub struct IntrospectionCache(Cache<IntrospectionKey, Bytes, ByteWeighter>);

/// Weighs an answer by its bytes.
#[derive(Clone)]
struct ByteWeighter;

impl Weighter<IntrospectionKey, Bytes> for ByteWeighter {
    fn weight(&self, _: &IntrospectionKey, answer: &Bytes) -> u64 {
        answer.len() as u64
    }
}

/// SHA-256 of a document, the name of its operation and its variables.
pub type IntrospectionKey = [u8; 32];

impl Default for IntrospectionCache {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED_ANSWERS, MAX_BYTES, ByteWeighter))
    }
}

impl IntrospectionCache {
    /// The key of a request.
    pub fn key(request: &Request) -> IntrospectionKey {
        let mut hash = Sha256::new();
        let variables = serde_json::to_vec(&request.variables).unwrap_or_default();
        for part in [
            request.operation_name.as_deref().unwrap_or_default().as_bytes(),
            variables.as_slice(),
            request.query.as_bytes(),
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// The cached JSON of `data`.
    pub fn get(&self, key: &IntrospectionKey) -> Option<Bytes> {
        self.0.get(key)
    }

    /// Caches the JSON of `data`.
    pub fn insert(&self, key: IntrospectionKey, answer: Bytes) {
        self.0.insert(key, answer);
    }
}
