//! Answers to questions about the schema itself. They are the same for everybody until the program
//! changes, and cost more than most answers: each is worked out once and kept as JSON.

use async_graphql::Request;
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

/// Bytes of answers that are kept.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// About how many there are.
const EXPECTED_ANSWERS: usize = 100;

/// Kept answers, by a hash of the question.
pub struct IntrospectionCache(Cache<IntrospectionKey, Bytes, ByteWeighter>);

/// The bytes of an answer.
#[derive(Clone)]
struct ByteWeighter;

impl Weighter<IntrospectionKey, Bytes> for ByteWeighter {
    fn weight(&self, _: &IntrospectionKey, answer: &Bytes) -> u64 {
        answer.len() as u64
    }
}

/// A hash of a document, its operation's name and its variables.
pub type IntrospectionKey = [u8; 32];

impl Default for IntrospectionCache {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED_ANSWERS, MAX_BYTES, ByteWeighter))
    }
}

impl IntrospectionCache {
    /// What tells a request's question from others.
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

    /// The JSON of `data` that answers a question, if it was asked before.
    pub fn get(&self, key: &IntrospectionKey) -> Option<Bytes> {
        self.0.get(key)
    }

    /// Keeps an answer: the JSON of `data`.
    pub fn insert(&self, key: IntrospectionKey, answer: Bytes) {
        self.0.insert(key, answer);
    }
}
