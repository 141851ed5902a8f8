//! Files of the shop's public storage: images of products and groups. Their names are made from primary keys and slugs,
//! never from names that clients send.

use std::path::{Component, Path, PathBuf};

use crate::{Error, Result};

/// The path of a file of the public storage. The shop serves it under `/storage/`.
fn path_of(storage: &Path, name: &str) -> PathBuf {
    storage.join("public").join(name)
}

/// Writes a file atomically.
///
/// # Errors
/// When the folder cannot be written.
pub async fn write(storage: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let target = path_of(storage, name);
    if let Some(folder) = target.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(Error::internal)?;
    }
    let draft = target.with_extension(format!("{}.part", uuid::Uuid::new_v4()));
    tokio::fs::write(&draft, bytes).await.map_err(Error::internal)?;
    tokio::fs::rename(&draft, &target).await.map_err(Error::internal)
}

/// Deletes a file if it exists. A name that leads out of the public storage, which only another program can have
/// stored, is ignored.
pub async fn remove(storage: &Path, name: &str) {
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return;
    }
    if let Err(error) = tokio::fs::remove_file(path_of(storage, name)).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, name, "a picture could not be removed");
    }
}
