//! Files of the shop's public storage: pictures of products and groups. Their names are made
//! here from primary keys and slugs, never from what a client sent.

use std::path::{Component, Path, PathBuf};

use crate::{Error, Result};

/// Where a file of the public storage lies: the shop serves it under `/storage/`.
fn path_of(storage: &Path, name: &str) -> PathBuf {
    storage.join("public").join(name)
}

/// Writes a file, whole or not at all.
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

/// Removes a file; one that is not there is fine. A name that leads out of the public storage, which
/// only another program can have stored, is passed over.
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
