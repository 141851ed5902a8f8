//! Rules of files that are added to tickets (docs/contract/application-operations.md#5.2). The shop's settings say
//! which kinds it takes, and how large.

use async_graphql::async_trait::async_trait;
use facade::form::rules::custom;
use facade::form::{CustomRule, Rule, Subject, is_of_type};
use facade::user_error::{BrokenRule, NOT_ALLOWED};

use crate::Result;
use crate::resource::ticket::setting;

/// The setting with the extensions that are taken, with commas between, and what counts without it.
const TYPES: (&str, &str) = ("helpdesk_attachments_allowed_types", "jpg,jpeg,png,pdf,doc,docx,xls,xlsx");
/// The setting with the largest size in megabytes, and what counts without it.
const SIZE: (&str, u64) = ("helpdesk_attachments_max_size", 5);
/// What no file holds behind a `<`, in any case.
const FORBIDDEN: [&str; 3] = ["script>", "/script>", "?php"];

/// The content is of a kind that the shop takes.
pub(in super::super) fn allowed_type() -> Rule {
    custom(&AllowedType)
}

/// The file is no larger than the shop takes.
pub(in super::super) fn within_size() -> Rule {
    custom(&WithinSize)
}

/// The file holds no scripts.
pub(in super::super) fn harmless_file() -> Rule {
    custom(&HarmlessFile)
}

#[derive(Debug)]
struct AllowedType;

#[derive(Debug)]
struct WithinSize;

#[derive(Debug)]
struct HarmlessFile;

#[async_trait]
impl CustomRule for AllowedType {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let set = setting(subject.scope.settings, TYPES.0).await?;
        let text = set.unwrap_or_else(|| TYPES.1.to_owned()).to_lowercase();
        let allowed: Vec<&str> = text
            .split([',', ' '])
            .map(|name| name.trim_start_matches('.'))
            .filter(|name| !name.is_empty())
            .collect();
        let Some(upload) = subject.upload() else { return Ok(None) };
        let fits = is_of_type(upload, &allowed);
        Ok((!fits).then(|| subject.broken("mimes", &[("values", &allowed.join(", "))]).values(&allowed)))
    }
}

#[async_trait]
impl CustomRule for WithinSize {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let set = setting(subject.scope.settings, SIZE.0).await?.and_then(|text| text.parse().ok());
        let kilobytes = set.unwrap_or(SIZE.1).saturating_mul(1024);
        let bytes = subject.upload().map_or(0, |upload| upload.content.len() as u64);
        let fits = bytes <= kilobytes.saturating_mul(1024);
        Ok((!fits).then(|| {
            let most = kilobytes.to_string();
            subject.broken("max.file", &[("max", &most)]).max(kilobytes as f64)
        }))
    }
}

#[async_trait]
impl CustomRule for HarmlessFile {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let Some(upload) = subject.upload() else { return Ok(None) };
        let refused = holds_forbidden(&upload.content);
        let english = || {
            format!("The {} contains forbidden script, php or active-content tags.", subject.display_name())
        };
        Ok(refused.then(|| subject.broken_in_english("active_content", english()).coded(NOT_ALLOWED)))
    }
}

fn holds_forbidden(content: &[u8]) -> bool {
    let begins = |part: &[u8], text: &str| {
        part.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
    };
    // In one pass, because the file may be large.
    let parts = content.split(|byte| *byte == b'<').skip(1);
    parts.into_iter().any(|part| FORBIDDEN.iter().any(|text| begins(part, text)))
}
