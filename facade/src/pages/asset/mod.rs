//! The files that pages load, at `/docs/asset/` and `/graphql/asset/`.
//!
//! Scripts and styles of others are compressed in the repository (`facade/assets/fetch`): nothing is compressed
//! while the server is built or runs. Our own few files are small and stay as they are.

use std::io::Read as _;
use std::sync::OnceLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::read::GzDecoder;

use crate::http::{accept, etag};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PNG: &str = "image/png";

/// A file that a page loads.
struct Asset {
    name: &'static str,
    kind: &'static str,
    content: Content,
    /// A checksum of the content, for the URL and the `ETag`.
    version: OnceLock<String>,
}

enum Content {
    Plain(&'static [u8]),
    Compressed {
        brotli: &'static [u8],
        gzip: &'static [u8],
        /// For clients that accept no compressed content. It is kept, so that many of them need no more memory than one.
        plain: OnceLock<Option<Bytes>>,
    },
}

macro_rules! content {
    (plain $path:expr) => {
        Content::Plain(include_bytes!($path))
    };
    (compressed $path:expr) => {
        Content::Compressed {
            brotli: include_bytes!(concat!($path, ".br")),
            gzip: include_bytes!(concat!($path, ".gz")),
            plain: OnceLock::new(),
        }
    };
}

/// Lists assets by folder. A file has the same name in the URL and on disk, there with the ending of its compression.
macro_rules! assets {
    ($($form:ident $folder:literal: $($file:literal $kind:expr),*;)*) => {
        [$($(Asset {
            name: $file,
            kind: $kind,
            content: content!($form concat!("../../../assets/", $folder, "/", $file)),
            version: OnceLock::new(),
        }),*),*]
    };
}

/// Files at `/graphql/asset/`.
static GRAPHQL_ASSETS: [Asset; 7] = assets! {
    compressed "graphiql": "graphiql.min.js" SCRIPT, "graphiql.min.css" STYLE, "explorer.min.js" SCRIPT,
        "explorer.css" STYLE, "react.production.min.js" SCRIPT, "react-dom.production.min.js" SCRIPT;
    plain "page": "graphiql-page.js" SCRIPT;
};

/// Files at `/docs/asset/`.
static DOCS_ASSETS: [Asset; 8] = assets! {
    compressed "swagger-ui": "swagger-ui-bundle.js" SCRIPT, "swagger-ui.css" STYLE;
    plain "swagger-ui": "favicon-32x32.png" PNG;
    compressed "redoc": "redoc.standalone.js" SCRIPT;
    plain "page": "swagger-page.js" SCRIPT, "redoc-page.js" SCRIPT, "start.js" SCRIPT, "pages.css" STYLE;
};

fn decompress(gzip: &[u8]) -> Option<Bytes> {
    let mut plain = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut plain).ok()?;
    Some(plain.into())
}

/// How the content of an answer is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The encoding that a client prefers; the smaller one where it accepts both equally.
    fn preferred(asked: &HeaderMap) -> Self {
        let lines = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let accepted: Vec<_> = lines.flat_map(accept::media_ranges).collect();
        let quality = |name: &str| {
            let of =
                |name: &str| accepted.iter().find(|range| range.media == name).map(|range| range.quality);
            of(name).or_else(|| of("*")).unwrap_or(0.0)
        };
        match (quality("br"), quality("gzip")) {
            (brotli, gzip) if brotli > 0.0 && brotli >= gzip => Self::Brotli,
            (_, gzip) if gzip > 0.0 => Self::Gzip,
            _ => Self::Identity,
        }
    }

    /// The value of `Content-Encoding`.
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }
}

impl Asset {
    fn version(&self) -> &str {
        self.version.get_or_init(|| {
            let (Content::Plain(bytes) | Content::Compressed { gzip: bytes, .. }) = self.content;
            format!("{:08x}", crc32fast::hash(bytes))
        })
    }

    /// The content in an encoding.
    fn encoded(&self, encoding: Encoding) -> Option<Bytes> {
        match (&self.content, encoding) {
            (Content::Plain(bytes), _) => Some(Bytes::from_static(bytes)),
            (Content::Compressed { brotli, .. }, Encoding::Brotli) => Some(Bytes::from_static(brotli)),
            (Content::Compressed { gzip, .. }, Encoding::Gzip) => Some(Bytes::from_static(gzip)),
            (Content::Compressed { gzip, plain, .. }, Encoding::Identity) => {
                plain.get_or_init(|| decompress(gzip)).clone()
            }
        }
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let encoding = match self.content {
            Content::Plain(_) => Encoding::Identity,
            Content::Compressed { .. } => Encoding::preferred(asked),
        };
        // Each encoding has a tag of its own: a strong tag names bytes.
        let tag = match encoding.name() {
            Some(name) => format!("\"{}-{name}\"", self.version()),
            None => format!("\"{}\"", self.version()),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\"")));
        if matches!(self.content, Content::Compressed { .. }) {
            headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if etag::has_current(asked, &tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        if let Some(name) = encoding.name() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        match self.encoded(encoding) {
            Some(body) => (headers, body).into_response(),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// Routes of the files.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/docs/asset/{asset}", get(docs_asset))
        .route("/graphql/asset/{asset}", get(graphql_asset))
}

async fn docs_asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    answer(&DOCS_ASSETS, &name, &headers)
}

async fn graphql_asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    answer(&GRAPHQL_ASSETS, &name, &headers)
}

fn answer(assets: &[Asset], name: &str, asked: &HeaderMap) -> Response {
    match assets.iter().find(|asset| asset.name == name) {
        Some(asset) => asset.answer(asked),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Adds the version of each asset to its URL in a page: a browser may keep a file for a year, and still loads the
/// new one after an update.
pub(super) fn versioned(html: &str) -> String {
    GRAPHQL_ASSETS.iter().chain(&DOCS_ASSETS).fold(html.to_owned(), |html, asset| {
        let name = format!("/asset/{}", asset.name);
        html.replace(&format!("{name}\""), &format!("{name}?v={}\"", asset.version()))
    })
}

#[cfg(test)]
mod tests;
