//! The files of tickets, in the private storage: `private/helpdesk/attachments/TICKET/NAME`, beside the folder that the
//! shop serves. Names are random.
//!
//! A file is written before the transaction that names it, as a draft whose name is that of the file; with the commit
//! it is moved to the folder of its ticket. A process that dies in between leaves a draft, and so does a transaction that
//! failed once it had named the file: nobody knows whether a commit took place whose connection broke. A draft is moved when
//! its attachment is asked for, and [swept](sweep) when others are added, to its place or away. The folder of a deleted
//! ticket goes after the commit; a mark tells the sweep which one, should the process die before.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use entity::{Id, Int, ShopTime, support_attachment, support_ticket};
use facade::form::File;
use facade::rest::FileResponse;
use facade::transaction::Transaction;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::fs;

use super::live_attachments;
use crate::platform::random;
use crate::scope::ShopScope;
use crate::{Error, Result};

/// Folder of the files of all tickets, below the private storage.
const FOLDER: &str = "helpdesk/attachments";
/// Random characters of a name. The original's names end in a dot.
const RANDOM_LETTERS: usize = 16;
/// Ends of the names of drafts and marks; both begin with a dot.
const DRAFT: &str = ".part";
const MARK: &str = ".gone";
/// Most characters of a name that a sender gave.
const MAX_NAME: usize = 255;
/// Media type of every file: browsers shall save them, and show none.
const MEDIA_TYPE: &str = "application/octet-stream";
/// How old a draft or mark is before it counts as left behind: far older than any request.
const LEFT_BEHIND: Duration = Duration::from_secs(600);
/// How often a process sweeps.
const SWEEP_PAUSE: Duration = Duration::from_secs(600);
/// Most drafts and marks that one sweep looks at.
const MAX_SWEPT: usize = 1000;

/// The private storage. Laravel 12 has it in a folder of its own, older versions had none.
fn private(storage: &Path) -> PathBuf {
    storage.join("private")
}

fn drafts(storage: &Path) -> PathBuf {
    private(storage).join(FOLDER)
}

/// A file that is written, but not in its place.
struct Draft {
    name: String,
    path: PathBuf,
}

/// The files of an input: written, and removed unless rows name them.
pub(in super::super) struct StoredFiles {
    storage: PathBuf,
    drafts: Vec<Draft>,
    /// Whether a transaction has named them, committed or not.
    named: AtomicBool,
}

impl StoredFiles {
    /// Writes the files of an input.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(in super::super) async fn write(scope: ShopScope<'_>, files: &[File]) -> Result<Arc<Self>> {
        let storage = scope.config().storage.clone();
        let mut stored = Self { storage, drafts: Vec::new(), named: AtomicBool::new(false) };
        if files.is_empty() {
            return Ok(Arc::new(stored));
        }
        sweep(scope).await;
        let folder = drafts(&stored.storage);
        fs::create_dir_all(&folder).await.map_err(Error::internal)?;
        for file in files {
            let name = random::text(RANDOM_LETTERS);
            let path = folder.join(format!(".{name}{DRAFT}"));
            stored.drafts.push(Draft { name, path: path.clone() });
            fs::write(&path, &file.bytes).await.map_err(Error::internal)?;
        }
        Ok(Arc::new(stored))
    }

    /// Moves the files to their places. What fails is tried again when the file is asked for.
    async fn keep(&self, ticket: Id) {
        for draft in &self.drafts {
            let path = path_of(ticket, &draft.name);
            if let Err(error) = move_to(&self.storage, &draft.path, &path).await {
                tracing::warn!(%error, path, "a file of a ticket could not be moved to its place");
            }
        }
    }
}

impl Drop for StoredFiles {
    fn drop(&mut self) {
        if !*self.named.get_mut() {
            // What cannot be removed now is swept later.
            self.drafts.iter().for_each(|draft| drop(std::fs::remove_file(&draft.path)));
        }
    }
}

/// The path of a file below the private storage.
fn path_of(ticket: Id, name: &str) -> String {
    format!("{FOLDER}/{ticket}/{name}.")
}

async fn move_to(storage: &Path, draft: &Path, path: &str) -> std::io::Result<()> {
    let target = private(storage).join(path);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).await?;
    }
    fs::rename(draft, target).await
}

/// Adds the rows of written files to a message. With the commit the files get to their places.
///
/// # Errors
/// When the database fails.
pub(in super::super) async fn attach(
    transaction: &Transaction,
    stored: &Arc<StoredFiles>,
    files: &[File],
    (ticket, customer, message): (Id, Option<Id>, Id),
    staff: Option<Id>,
    now: ShopTime,
) -> Result<()> {
    let rows = stored.drafts.iter().zip(files).map(|(draft, file)| support_attachment::ActiveModel {
        filename: Set(plain_name(&file.name)),
        path: Set(path_of(ticket, &draft.name)),
        mime: Set(cut(file.content_type.as_deref().unwrap_or(MEDIA_TYPE))),
        customer_id: Set(customer.filter(|_| staff.is_none())),
        admin_id: Set(staff),
        size: Set(Int(i64::try_from(file.bytes.len()).unwrap_or(i64::MAX))),
        message_id: Set(Some(message)),
        ticket_id: Set(ticket),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    stored.named.store(true, Ordering::Relaxed);
    support_attachment::Entity::insert_many(rows).exec_without_returning(transaction).await?;
    let stored = Arc::clone(stored);
    transaction.after_commit(async move {
        stored.keep(ticket).await;
        Ok(())
    });
    Ok(())
}

/// The last part of a name that a sender gave, without what no file name has.
fn plain_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|letter| !is_hidden(*letter)).collect();
    let plain = plain.trim_matches(['.', ' ']);
    if plain.is_empty() { "file".to_owned() } else { cut(plain) }
}

/// Whether a letter is not seen, or changes how those behind it are.
fn is_hidden(letter: char) -> bool {
    let is_format = matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    letter.is_control() || is_format
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

/// The file of an attachment; nothing where it is not there.
///
/// # Errors
/// When the file cannot be read.
pub(super) async fn open(
    scope: ShopScope<'_>,
    attachment: &support_attachment::Model,
) -> Result<Option<FileResponse>> {
    let storage = &scope.config().storage;
    let Some(name) = name_in(&attachment.path) else { return Ok(None) };
    let draft = drafts(storage).join(format!(".{name}{DRAFT}"));
    if fs::try_exists(&draft).await.unwrap_or(false)
        && let Err(error) = move_to(storage, &draft, &attachment.path).await
    {
        tracing::warn!(%error, path = attachment.path, "a file of a ticket could not be moved to its place");
    }
    for folder in [private(storage), storage.clone()] {
        if let Some(file) = open_below(&folder, &attachment.path).await {
            let file = FileResponse::of_file(MEDIA_TYPE, file).await?;
            let file = file.attachment(&attachment.filename).cache_control("private, no-store");
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// The name in a path that is one of a file of a ticket, and nothing for every other: rows are also written by others.
fn name_in(path: &str) -> Option<&str> {
    let (ticket, name) = path.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('/')?;
    let is_plain = |text: &str| {
        !text.is_empty() && !text.starts_with('.') && text.bytes().all(|byte| is_letter(byte) || byte == b'.')
    };
    (ticket.bytes().all(|byte| byte.is_ascii_digit()) && is_plain(name)).then(|| name.trim_end_matches('.'))
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Opens a file below a folder; links that lead out of it are as if they were not there.
async fn open_below(folder: &Path, path: &str) -> Option<fs::File> {
    let folder = fs::canonicalize(folder).await.ok()?;
    let path = fs::canonicalize(folder.join(path)).await.ok()?;
    if !path.starts_with(&folder) || !fs::metadata(&path).await.ok()?.is_file() {
        return None;
    }
    fs::File::open(path).await.ok()
}

/// The mark of a ticket whose folder goes.
fn mark(storage: &Path, ticket: Id) -> PathBuf {
    drafts(storage).join(format!(".{ticket}{MARK}"))
}

/// Notes that a ticket is about to be deleted, where it has files.
///
/// # Errors
/// When the folder cannot be written.
pub(in super::super) async fn note_deletion(scope: ShopScope<'_>, ticket: Id) -> Result<()> {
    let storage = &scope.config().storage;
    let has_files = live_attachments().filter(support_attachment::Column::TicketId.eq(ticket)).limit(1);
    if has_files.one(scope.reader()).await?.is_some() {
        fs::create_dir_all(drafts(storage)).await.map_err(Error::internal)?;
        fs::write(mark(storage, ticket), b"").await.map_err(Error::internal)?;
    }
    Ok(())
}

/// Removes the folder of a deleted ticket.
pub(in super::super) async fn forget_folder(storage: &Path, ticket: Id) {
    for root in [private(storage), storage.to_path_buf()] {
        let folder = root.join(FOLDER).join(ticket.to_string());
        if let Err(error) = fs::remove_dir_all(&folder).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, %ticket, "the files of a deleted ticket could not be removed");
            return;
        }
    }
    let _ = fs::remove_file(mark(storage, ticket)).await;
}

/// When this process has last swept.
#[derive(Default)]
struct LastSweep(Mutex<Option<Instant>>);

impl LastSweep {
    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= SWEEP_PAUSE);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

/// Ends what a process has begun that died: drafts go to their places or away, folders of deleted tickets away. Failures
/// are left to the next sweep.
async fn sweep(scope: ShopScope<'_>) {
    if !scope.state::<LastSweep>().is_due() {
        return;
    }
    for name in left_behind(&drafts(&scope.config().storage)).await {
        let swept = if let Some(draft) = name.strip_suffix(DRAFT) {
            sweep_draft(scope, draft.trim_start_matches('.'), &name).await
        } else {
            sweep_mark(scope, &name).await
        };
        if let Err(error) = swept {
            tracing::warn!(%error, name, "what was left behind of files of tickets could not be swept");
        }
    }
}

/// The names of old drafts and marks.
async fn left_behind(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(mut entries) = fs::read_dir(folder).await else { return found };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = name.starts_with('.') && (name.ends_with(DRAFT) || name.ends_with(MARK));
        if !is_ours || found.len() >= MAX_SWEPT {
            continue;
        }
        let changed = entry.metadata().await.and_then(|metadata| metadata.modified());
        let age = changed.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age >= LEFT_BEHIND) {
            found.push(name);
        }
    }
    found
}

async fn sweep_draft(scope: ShopScope<'_>, draft: &str, name: &str) -> Result<()> {
    let storage = &scope.config().storage;
    let path = drafts(storage).join(name);
    let named =
        live_attachments().filter(support_attachment::Column::Path.like(format!("{FOLDER}/%/{draft}.")));
    // From the primary: a replica may not have the row yet.
    match named.limit(1).one(scope.db()).await? {
        Some(attachment) => move_to(storage, &path, &attachment.path).await.map_err(Error::internal),
        None => fs::remove_file(path).await.map_err(Error::internal),
    }
}

async fn sweep_mark(scope: ShopScope<'_>, name: &str) -> Result<()> {
    let storage = &scope.config().storage;
    let key = name.trim_start_matches('.').trim_end_matches(MARK).parse().map(Id);
    let Ok(ticket) = key else { return Ok(()) };
    let row = support_ticket::Entity::find_by_id(ticket).one(scope.db()).await?;
    if row.is_none_or(|row| row.deleted_at.is_some()) {
        forget_folder(storage, ticket).await;
        return Ok(());
    }
    fs::remove_file(mark(storage, ticket)).await.map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::{name_in, plain_name};

    #[test]
    fn names_of_senders_lose_their_folders() {
        for (given, name) in [
            ("a.png", "a.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\devis.pdf", "devis.pdf"),
            ("a\r\nb\0.png", "ab.png"),
            ("\u{202e}gnp.exe\u{feff}", "gnp.exe"),
            (".htaccess", "htaccess"),
            ("..", "file"),
            ("", "file"),
        ] {
            assert_eq!(plain_name(given), name, "{given:?}");
        }
        assert_eq!(plain_name(&"é".repeat(300)).chars().count(), 255);
    }

    #[test]
    fn only_paths_of_files_of_tickets_are_opened() {
        assert_eq!(name_in("helpdesk/attachments/12/AbC123."), Some("AbC123"));
        assert_eq!(name_in("helpdesk/attachments/12/AbC123.png"), Some("AbC123.png"));
        for path in [
            "helpdesk/attachments/12/../13/a.",
            "helpdesk/attachments/../../.env",
            "helpdesk/attachments/12/.a.part",
            "helpdesk/attachments/12/",
            "helpdesk/attachments/x/a.",
            "/etc/passwd",
            "",
        ] {
            assert_eq!(name_in(path), None, "{path}");
        }
    }
}
