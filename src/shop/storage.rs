//! Files of the shop's public storage: images of products, groups and customers. Names of files that are written are made
//! from primary keys and slugs, never from names that clients send. Files that clients name are only read, and only below
//! the folder `public`.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use async_graphql::MaybeUndefined;
use facade::form;
use facade::rest::FileResponse;
use facade::transaction::Transaction;

use crate::{Error, Result};

/// Longest name of a file that is looked for, in bytes. File systems allow 4096 with the folder.
const MAX_NAME: usize = 1024;
/// Clients ask whether a picture has changed before they show it again: a new one may have the name of the old one.
const CACHE_CONTROL: &str = "public, no-cache";

/// The path of a file of the public storage. The shop serves it under `/storage/`.
fn path_of(storage: &Path, name: &str) -> PathBuf {
    storage.join("public").join(name)
}

/// A file that is stored, but has no name yet. It is written before the transaction that names it and [placed](place) with
/// the commit, so that a transaction can run again or fail without a trace. Deleted where it is not placed.
pub struct Draft {
    path: PathBuf,
}

impl Draft {
    /// Writes the file of an input, if one was sent, into the folder of the public storage in which it is placed later: a
    /// folder that cannot be written fails here, and not after the commit.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn of(
        storage: &Path,
        folder: &str,
        given: &MaybeUndefined<form::File>,
    ) -> Result<Option<Arc<Self>>> {
        let MaybeUndefined::Value(file) = given else { return Ok(None) };
        let folder = path_of(storage, folder);
        tokio::fs::create_dir_all(&folder).await.map_err(Error::internal)?;
        let draft = Self { path: folder.join(format!(".{}.part", uuid::Uuid::new_v4())) };
        tokio::fs::write(&draft.path, &file.bytes).await.map_err(Error::internal)?;
        Ok(Some(Arc::new(draft)))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is gone where it was placed.
        let _ = fs::remove_file(&self.path);
    }
}

/// Gives a draft the name that a row has, in place of a file of that name, once the row is committed.
pub fn place(transaction: &Transaction, storage: &Path, draft: Option<&Arc<Draft>>, name: Option<&str>) {
    let (Some(draft), Some(name)) = (draft, name) else { return };
    let (draft, target) = (Arc::clone(draft), path_of(storage, name));
    transaction
        .after_commit(async move { tokio::fs::rename(&draft.path, &target).await.map_err(Error::internal) });
}

/// Deletes the file that a row has named, once it is committed that it does not any more.
pub fn forget(transaction: &Transaction, storage: &Path, name: Option<String>) {
    let Some(name) = name else { return };
    let storage = storage.to_owned();
    transaction.after_commit(async move {
        remove(&storage, &name).await;
        Ok(())
    });
}

/// Deletes a file if it exists. A name that leads out of the public storage, which only another program can have
/// stored, is ignored.
async fn remove(storage: &Path, name: &str) {
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return;
    }
    if let Err(error) = tokio::fs::remove_file(path_of(storage, name)).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, name, "a picture could not be removed");
    }
}

/// A file of the public storage that is open.
pub struct StoredFile {
    /// The file.
    pub file: File,
    /// Its media type, by its name.
    pub media_type: &'static str,
    name: String,
    /// Changes when the file does.
    pub version: String,
}

impl StoredFile {
    /// The file as an answer. Browsers show pictures, and save everything else.
    ///
    /// # Errors
    /// When its metadata cannot be read.
    pub async fn into_response(self) -> Result<FileResponse> {
        let file = FileResponse::of_file(self.media_type, self.file.into()).await?;
        let file = file.etag(&self.version).cache_control(CACHE_CONTROL);
        Ok(if self.media_type.starts_with("image/") { file } else { file.attachment(&self.name) })
    }
}

/// Opens a file of the public storage by its name, such as `products/12.png`. Nothing for a name that is not that of a
/// readable file below the folder: links that lead out of it, hidden files and folders are as if they were not there.
pub async fn open(storage: &Path, name: &str) -> Option<StoredFile> {
    if !is_plain(name) {
        return None;
    }
    let (folder, name) = (storage.join("public"), name.to_owned());
    tokio::task::spawn_blocking(move || open_below(&folder, name)).await.ok().flatten()
}

/// Whether a name consists of names of folders and a file that are not hidden, and of nothing that leads elsewhere.
fn is_plain(name: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    let is_letter = |letter: char| !letter.is_control() && !matches!(letter, '\\' | ':');
    name.len() <= MAX_NAME && name.chars().all(is_letter) && name.split('/').all(is_plain)
}

fn open_below(folder: &Path, name: String) -> Option<StoredFile> {
    let folder = fs::canonicalize(folder).ok()?;
    let path = fs::canonicalize(folder.join(&name)).ok()?;
    // Where the links lead: below the folder, and to nothing that is hidden there.
    if !is_plain(path.strip_prefix(&folder).ok()?.to_str()?) || !fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    let file = File::open(&path).ok()?;
    let metadata = file.metadata().ok()?;
    let version =
        format!("{} {} {} {}", metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    metadata.is_file().then(|| StoredFile { file, media_type: media_type(&name), name, version })
}

/// The media type of a file, by the end of its name.
fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    match extension.as_str() {
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_below_the_folder() {
        for name in ["a.png", "products/12.png", "a b/é.jpg", "a..b/c...png"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "",
            "/",
            "/etc/passwd",
            "a//b",
            "a/",
            "..",
            "../a",
            "a/../b",
            ".env",
            "a/.git/x",
            ".",
            "a\\b",
            "c:x",
            "a\0b",
            "a\nb",
        ] {
            assert!(!is_plain(name), "{name:?}");
        }
        assert!(!is_plain(&"a/".repeat(600)));
    }
}
