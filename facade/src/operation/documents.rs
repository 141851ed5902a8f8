//! Persisted documents, which a request names instead of sending their text: documents that a client has sent before
//! (automatic persisted queries), and trusted documents of the operator.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_graphql::{Request, Value};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value as Json;

use super::hash_of;
use crate::error::{Code, NotRun};
use crate::{Error, Result};

/// Maximum size of all documents that are kept for clients together, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Expected number of these documents (the cache's initial size).
const EXPECTED_DOCUMENTS: usize = 1000;
/// Prefix of a document identifier that is a hash.
const HASH_PREFIX: &str = "sha256:";

/// What happens to operations whose document is not trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustedMode {
    /// They are run.
    #[default]
    Off,
    /// They are run, and logged.
    Log,
    /// They are refused.
    Only,
}

/// Persisted documents by hash or identifier.
pub struct PersistedDocuments {
    remembered: Cache<String, Arc<str>, ByteWeighter>,
    trusted: HashMap<String, Arc<str>>,
    mode: TrustedMode,
}

/// Weighs a document by the bytes of its text and its hash.
#[derive(Clone)]
struct ByteWeighter;

impl Weighter<String, Arc<str>> for ByteWeighter {
    fn weight(&self, hash: &String, text: &Arc<str>) -> u64 {
        (hash.len() + text.len()) as u64
    }
}

/// The hash of a document that will be kept if it turns out to be valid.
#[derive(Debug)]
pub struct NewDocument(String);

impl Default for PersistedDocuments {
    /// No trusted documents.
    fn default() -> Self {
        let remembered = Cache::with_weighter(EXPECTED_DOCUMENTS, MAX_BYTES, ByteWeighter);
        Self { remembered, trusted: HashMap::new(), mode: TrustedMode::Off }
    }
}

impl PersistedDocuments {
    /// Reads the trusted documents.
    ///
    /// # Errors
    /// [`Error::Setting`] when they cannot be read, or one of them is no GraphQL document.
    pub fn new(trusted: Option<&Path>, mode: TrustedMode) -> Result<Self> {
        let trusted = trusted.map(read_trusted).transpose()?.unwrap_or_default();
        Ok(Self { trusted, mode, ..Self::default() })
    }

    /// Sets the text of the document that a request names. If the request has both text and hash, it returns the
    /// document that is to be kept.
    ///
    /// # Errors
    /// [`Code::PersistedQueryNotFound`], [`Code::DocumentNotTrusted`]; [`Error::BadRequest`] when the hash is not
    /// that of the document, and when there is neither text nor name.
    pub fn resolve(&self, request: &mut Request, id: Option<&str>) -> Result<Option<NewDocument>> {
        let hash = persisted_hash(request)?;
        let name = hash.as_deref().or(id);
        let new = match name {
            None => None,
            Some(name) if request.query.is_empty() => {
                request.query = self.find(name).ok_or_else(|| self.not_found(name))?.to_string();
                None
            }
            Some(name) if without_prefix(name) != hash_of(&request.query) => {
                return Err(Error::BadRequest("The hash is not that of the document.".to_owned()));
            }
            Some(name) => Some(NewDocument(without_prefix(name).to_owned())),
        };
        if request.query.is_empty() {
            return Err(Error::BadRequest("`query` must be a text.".to_owned()));
        }
        self.check_trusted(request)?;
        Ok(new)
    }

    /// Keeps a document, so that clients can name it.
    pub fn remember(&self, new: NewDocument, text: &str) {
        self.remembered.insert(new.0, text.into());
    }

    fn find(&self, name: &str) -> Option<Arc<str>> {
        match self.trusted.get(name).or_else(|| self.trusted.get(without_prefix(name))) {
            Some(text) => Some(Arc::clone(text)),
            None => self.remembered.get(without_prefix(name)),
        }
    }

    /// The error for an unknown name. Where only trusted documents run, the client is not asked to send the text.
    fn not_found(&self, name: &str) -> Error {
        if self.mode == TrustedMode::Only {
            return not_trusted();
        }
        tracing::debug!(name, "a document is not known");
        NotRun::error(Code::PersistedQueryNotFound, "PersistedQueryNotFound")
    }

    fn check_trusted(&self, request: &Request) -> Result<()> {
        if self.mode == TrustedMode::Off {
            return Ok(());
        }
        let hash = hash_of(request.query.trim());
        if self.trusted.contains_key(&hash) {
            return Ok(());
        }
        let operation = request.operation_name.as_deref().unwrap_or_default();
        tracing::warn!(hash, operation, "an operation is not trusted");
        if self.mode == TrustedMode::Only { Err(not_trusted()) } else { Ok(()) }
    }
}

fn not_trusted() -> Error {
    NotRun::error(Code::DocumentNotTrusted, "Only operations that the shop has listed are run.")
}

/// The hash in a request's extensions, by Apollo's protocol of automatic persisted queries.
fn persisted_hash(request: &Request) -> Result<Option<String>> {
    let Some(persisted) = request.extensions.get("persistedQuery") else { return Ok(None) };
    let field = |name: &str| if let Value::Object(fields) = persisted { fields.get(name) } else { None };
    match (field("version"), field("sha256Hash")) {
        (Some(Value::Number(version)), Some(Value::String(hash))) if version.as_u64() == Some(1) => {
            Ok(Some(hash.to_ascii_lowercase()))
        }
        _ => Err(Error::BadRequest("`persistedQuery` must hold version 1 and a `sha256Hash`.".to_owned())),
    }
}

/// A document identifier without the prefix of hashes.
fn without_prefix(name: &str) -> &str {
    name.strip_prefix(HASH_PREFIX).unwrap_or(name)
}

/// Reads the trusted documents: by their hash, and by their file name or their name in the manifest.
fn read_trusted(path: &Path) -> Result<HashMap<String, Arc<str>>> {
    let failed = |reason: String| Error::Setting(format!("{}: {reason}", path.display()));
    let texts = if path.is_dir() { read_folder(path) } else { read_manifest(path) }.map_err(failed)?;
    let mut trusted = HashMap::new();
    for (name, text) in texts {
        async_graphql::parser::parse_query(&text).map_err(|error| failed(format!("`{name}`: {error}")))?;
        let text: Arc<str> = text.into();
        for name in [hash_of(&text), hash_of(text.trim()), name] {
            trusted.insert(name, Arc::clone(&text));
        }
    }
    Ok(trusted)
}

/// Reads all `.graphql` and `.gql` files of a folder: file name without extension, and text.
fn read_folder(path: &Path) -> Result<Vec<(String, String)>, String> {
    let entries = std::fs::read_dir(path).map_err(|error| error.to_string())?;
    let mut texts = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "graphql" || extension == "gql") {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            texts.push((name, text));
        }
    }
    Ok(texts)
}

/// Reads a JSON file: Apollo's manifest, or an object of documents by name, as Relay's compiler writes it.
fn read_manifest(path: &Path) -> Result<Vec<(String, String)>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let manifest: Json = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let text = |value: &Json| value.as_str().map(str::to_owned);
    let texts: Option<Vec<_>> = match (manifest.get("operations"), &manifest) {
        (Some(Json::Array(operations)), _) => operations
            .iter()
            .map(|operation| Some((text(operation.get("id")?)?, text(operation.get("body")?)?)))
            .collect(),
        (_, Json::Object(documents)) => {
            documents.iter().map(|(name, document)| Some((name.clone(), text(document)?))).collect()
        }
        _ => None,
    };
    texts.ok_or_else(|| "is neither a manifest of operations nor an object of documents".to_owned())
}
