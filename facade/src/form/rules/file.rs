//! Rules about uploaded files, which examine the content (docs/contract/wire.md#3.2).

use async_graphql::UploadValue;

use crate::form::check::Subject;
use crate::user_error::BrokenRule;

/// Types of images that the shop can show.
const PICTURES: [&str; 5] = ["jpg", "png", "gif", "bmp", "webp"];

/// File extensions that a badly configured web server would execute.
const PHP: [&str; 8] = ["php", "php3", "php4", "php5", "php7", "php8", "phtml", "phar"];

pub(super) fn file(subject: &Subject<'_>) -> Option<BrokenRule> {
    subject.fails_if("file", subject.upload().is_none())
}

pub(super) fn image(subject: &Subject<'_>) -> Option<BrokenRule> {
    let fits = subject.upload().is_some_and(|upload| !is_php(upload) && is_picture(&upload.content));
    subject.fails_if("image", !fits)
}

pub(super) fn mimes(subject: &Subject<'_>, listed: &[&str]) -> Option<BrokenRule> {
    let fits = subject.upload().is_some_and(|upload| is_of_type(upload, listed));
    (!fits).then(|| subject.broken("mimes", &[("values", &listed.join(", "))]).values(listed))
}

/// Whether an uploaded file is, by its content, of one of the types with these extensions.
pub fn is_of_type(upload: &UploadValue, extensions: &[&str]) -> bool {
    !is_php(upload) && is_listed(&upload.content, extensions)
}

/// The file extension for a content, such as `png`.
pub(crate) fn extension(content: &[u8]) -> Option<&'static str> {
    match infer::get(content).map(|kind| kind.extension()) {
        Some("xml" | "html") | None => text_extension(content),
        known => known,
    }
}

/// Whether the content is an image whose type and dimensions can be read.
fn is_picture(content: &[u8]) -> bool {
    extension(content).is_some_and(|found| PICTURES.contains(&found))
        && imagesize::blob_size(content).is_ok_and(|size| size.width > 0 && size.height > 0)
}

fn is_listed(content: &[u8], listed: &[&str]) -> bool {
    let Some(found) = extension(content) else { return false };
    listed.iter().any(|&name| name == found || (name == "jpeg" && found == "jpg"))
}

fn text_extension(content: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(content).ok()?;
    if content.is_empty() || text.contains('\0') {
        return None;
    }
    let start = text.trim_start().get(..5).unwrap_or_default().to_ascii_lowercase();
    match start.as_str() {
        "<?xml" | "<svg " | "<svg>" if text.contains("<svg") => Some("svg"),
        "<?xml" => Some("xml"),
        "<!doc" | "<html" => Some("html"),
        _ => Some("txt"),
    }
}

fn is_php(upload: &UploadValue) -> bool {
    let end = upload.filename.rsplit('.').next().unwrap_or_default();
    PHP.iter().any(|php| end.eq_ignore_ascii_case(php))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

    #[test]
    fn contents() {
        assert_eq!(extension(GIF), Some("gif"));
        assert_eq!(extension(b"\xff\xd8\xff\xe0aaaa"), Some("jpg"));
        assert_eq!(extension(b"<svg xmlns='x'/>"), Some("svg"));
        assert_eq!(extension(b"hello"), Some("txt"));
        assert_eq!(extension("é".as_bytes()), Some("txt"));
        assert_eq!(extension(b""), None);
        assert!(is_picture(GIF) && is_picture(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"));
        assert!(
            !is_picture(b"\xff\xd8\xff\xe0aaaa")
                && !is_picture(b"<svg xmlns='x'/>")
                && !is_picture(b"GIF89a")
        );
        assert!(is_listed(b"\xff\xd8\xff\xe0aaaa", &["jpeg"]) && is_listed(GIF, &["png", "gif"]));
        assert!(!is_listed(b"hello", &["png"]));
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Random bytes after the first bytes of many file types.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        let starts: Vec<&[u8]> = vec![
            b"",
            b"GIF89a",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"\xff\xd8\xff\xc0",
            b"BM",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"RIFF\0\0\0\0WEBPVP8X",
            b"RIFF\0\0\0\0WEBPVP8L",
            b"<?xml <svg",
            b"<svg ",
            b"%PDF",
            b"PK\x03\x04",
            b"\0\0\0\x18ftypavif",
            b"II*\0",
            b"MM\0*",
            b"8BPS",
            b"\0\0\x01\0",
        ];
        let rest = prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(0xff)], 0..64);
        (prop::sample::select(starts), rest).prop_map(|(start, rest)| [start, &rest].concat())
    }

    proptest! {
        #[test]
        fn any_content_is_of_a_kind_or_none(content in content()) {
            let is_shown = is_picture(&content);
            prop_assert!(!is_shown || is_listed(&content, &PICTURES));
        }
    }
}
