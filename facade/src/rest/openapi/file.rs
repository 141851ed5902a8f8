//! Responses of operations that answer files.

use utoipa::openapi::{ContentBuilder, Header, KnownFormat, Response, ResponseBuilder, SchemaFormat};

use super::error::{self, MAX_HEADER};
use super::schema::text;
use crate::rest::document::{Answer, Checked, Document, Route};

/// Most bytes of a file.
const MAX_FILE: usize = i64::MAX as usize;

/// The response with a whole file.
pub(super) fn whole_file(document: &Document<Checked>) -> Response {
    let headers = [
        ("Content-Disposition", "Whether the file is shown or saved, and its name."),
        ("ETag", "Strong tag of the content, if it has one."),
        ("Last-Modified", "When the content was last changed, if that is known."),
    ];
    content(document, "The file.", &headers)
}

/// The other responses to a `GET` of a file: 206, 304, 412 and 416.
pub(super) fn other_responses(document: &Document<Checked>, route: &Route) -> Vec<(u16, Response)> {
    if document.answer != Answer::File || route.method != "GET" {
        return Vec::new();
    }
    let range = [("Content-Range", "The position of the bytes, and the length of the whole file.")];
    let part = content(
        document,
        "The bytes that `Range` names. Files that are streamed are always sent whole.",
        &range,
    );
    let not_modified = "The client has the current file, by `If-None-Match` or `If-Modified-Since`; no body.";
    let not_modified = error::counted(ResponseBuilder::new().description(not_modified)).build();
    [(206, part), (304, not_modified)].into_iter().chain(error::of_files()).collect()
}

fn content(document: &Document<Checked>, description: &str, headers: &[(&str, &str)]) -> Response {
    let bytes = || text(MAX_FILE).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    let response = error::counted(ResponseBuilder::new().description(description));
    let response = headers.iter().fold(response, |response, (name, description)| {
        let mut header = Header::new(text(MAX_HEADER).build());
        header.description = Some((*description).to_owned());
        response.header(*name, header)
    });
    let response = document.types.iter().fold(response, |response, ty| {
        response.content(ty, ContentBuilder::new().schema(Some(bytes())).build())
    });
    response.build()
}
