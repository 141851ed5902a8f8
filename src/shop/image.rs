//! Pictures of records: their addresses, and their sizes in pixels.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Object};
use facade::cache::LoadingCache;
use facade::record::{Url, View};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::{OnceCell, Semaphore};

use super::Shop;
use super::storage::{self, StoredFile};
use crate::Result;

/// Characters that are percent-encoded in a path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
/// How much of a file is read to know its size in pixels, in bytes.
const HEAD: u64 = 256 * 1024;
/// How many files are open at the same time.
const MAX_OPEN: usize = 4;
/// How many sizes are kept, and how long.
const MAX_SIZES: usize = 10_000;
const KEPT: Duration = Duration::from_secs(60);

/// A picture.
pub struct Image {
    url: String,
    /// Its name in the public storage; nothing where it is elsewhere.
    name: Option<String>,
    /// Its size, which width and height share.
    size: OnceCell<Option<Size>>,
}

/// A picture.
#[Object]
impl Image {
    /// Its address.
    async fn url(&self) -> Url {
        self.url.clone().into()
    }

    /// Its width in pixels; null where the server cannot tell: the file is elsewhere, or has no pixels.
    async fn width(&self, ctx: &Context<'_>) -> Option<i32> {
        Some(self.size(ctx).await?.width)
    }

    /// Its height in pixels; null as the width is.
    async fn height(&self, ctx: &Context<'_>) -> Option<i32> {
        Some(self.size(ctx).await?.height)
    }
}

impl Image {
    /// The picture that a column names: by a path below `/storage/` of the server at `base`, or by an address of its own.
    fn stored(base: &str, text: &str) -> Option<Self> {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Some(Self::at(text.to_owned(), None));
        }
        let name = text.trim_start_matches('/');
        let url = || format!("{base}/storage/{}", utf8_percent_encode(name, ESCAPED));
        (!name.is_empty()).then(|| Self::at(url(), Some(name.to_owned())))
    }

    fn at(url: String, name: Option<String>) -> Self {
        Self { url, name, size: OnceCell::new() }
    }

    async fn size(&self, ctx: &Context<'_>) -> Option<Size> {
        let shop = ctx.data_unchecked::<Arc<Shop>>();
        let name = self.name.as_ref()?;
        *self.size.get_or_init(|| shop.image_sizes.of(&shop.config.storage, name)).await
    }
}

/// The pictures that a column of rows names, in the order of the rows. `base` is `scheme://host` of their addresses.
///
/// # Errors
/// When the column was not read.
pub fn of_column(base: &str, rows: &[View<'_>], column: usize) -> Result<Vec<Option<Image>>> {
    let image = |row: &View<'_>| Ok(row.cell(column)?.text().and_then(|text| Image::stored(base, text)));
    rows.iter().map(image).collect()
}

/// A size in pixels.
#[derive(Clone, Copy)]
struct Size {
    width: i32,
    height: i32,
}

/// Sizes of pictures in the public storage, kept for a minute.
pub struct ImageSizes {
    sizes: LoadingCache<String, Option<Size>, ()>,
    files: Semaphore,
}

impl Default for ImageSizes {
    fn default() -> Self {
        Self { sizes: LoadingCache::new(MAX_SIZES, KEPT), files: Semaphore::new(MAX_OPEN) }
    }
}

impl ImageSizes {
    async fn of(&self, storage: &Path, name: &str) -> Option<Size> {
        let _permit = self.files.acquire().await.ok()?;
        let stored = storage::open(storage, name).await?;
        // A file that took the place of another one has another version.
        let key = format!("{name} {}", stored.version);
        self.sizes.get_or_load(key, async { Ok(read(stored).await) }).await.ok().flatten()
    }
}

/// Reads the head of a file, which tells the size of its picture.
async fn read(stored: StoredFile) -> Option<Size> {
    let head = tokio::task::spawn_blocking(move || {
        let mut head = Vec::new();
        stored.file.take(HEAD).read_to_end(&mut head).map(|_| head)
    });
    let size = imagesize::blob_size(&head.await.ok()?.ok()?).ok()?;
    Some(Size { width: i32::try_from(size.width).ok()?, height: i32::try_from(size.height).ok()? })
}

#[cfg(test)]
mod tests {
    use super::Image;

    #[test]
    fn stored_texts_become_addresses() {
        let url = |text: &str| Image::stored("https://shop.example", text).map(|image| image.url);
        for (text, address) in [
            ("products/12.png", "https://shop.example/storage/products/12.png"),
            ("/a b/é?#.png", "https://shop.example/storage/a%20b/%C3%A9%3F%23.png"),
            ("https://cdn.example/a.png", "https://cdn.example/a.png"),
        ] {
            assert_eq!(url(text).as_deref(), Some(address));
        }
        assert_eq!([url(""), url("/")], [None, None]);
    }
}
