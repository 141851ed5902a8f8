//! A cache of answers to introspection queries. They are the same for all callers and cost more than most answers,
//! so each is computed once and kept as JSON. Those that callers without a key have caused take a bounded part of the
//! memory, also where many of them read their answers slowly.

use std::sync::Arc;

use async_graphql::Request;
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Error, Result};

/// Maximum size of all cached answers together, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Expected number of cached answers (the cache's initial size).
const EXPECTED_ANSWERS: usize = 100;

/// Maximum size of all answers that callers without a key have caused, cached or not yet sent, in KiB.
const MAX_KEYLESS_KIB: usize = 16 * 1024;

/// The cache.
pub struct IntrospectionCache {
    answers: Cache<IntrospectionKey, Bytes, ByteWeighter>,
    keyless: Arc<Semaphore>,
}

/// An answer to a caller without a key, with its part of the memory.
struct KeylessAnswer {
    text: Box<[u8]>,
    _memory: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for KeylessAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

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
        Self {
            answers: Cache::with_weighter(EXPECTED_ANSWERS, MAX_BYTES, ByteWeighter),
            keyless: Arc::new(Semaphore::new(MAX_KEYLESS_KIB)),
        }
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

    /// An answer to a caller, of whom is known whether it has a key.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many large answers to callers without a key are still to be sent.
    pub fn share(&self, text: Vec<u8>, is_known: bool) -> Result<Bytes> {
        let text = text.into_boxed_slice();
        if is_known {
            return Ok(text.into());
        }
        let kib = u32::try_from(text.len().div_ceil(1024)).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.keyless).try_acquire_many_owned(kib);
        let memory = memory.map_err(|_| Error::Overloaded)?;
        Ok(Bytes::from_owner(KeylessAnswer { text, _memory: memory }))
    }

    /// The cached JSON of `data`.
    pub fn get(&self, key: &IntrospectionKey) -> Option<Bytes> {
        self.answers.get(key)
    }

    /// Caches the JSON of `data`.
    pub fn insert(&self, key: IntrospectionKey, answer: Bytes) {
        self.answers.insert(key, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_without_a_key_take_a_bounded_part_of_the_memory() {
        let cache = IntrospectionCache::default();
        let answer = || vec![b'a'; 1024 * 1024];
        let kept: Vec<Bytes> = (0..16).map(|_| cache.share(answer(), false).unwrap()).collect();
        assert!(matches!(cache.share(answer(), false), Err(Error::Overloaded)));
        assert_eq!(cache.share(answer(), true).unwrap().len(), 1024 * 1024, "who has a key is not concerned");
        drop(kept);
        assert!(cache.share(answer(), false).is_ok(), "what was sent makes room");
    }
}
