//! Responses that are files: ranges, preconditions, names, and contents of a wrong length.

use std::collections::BTreeSet;
use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use facade::engine::Options;
use facade::guard::Public;
use facade::prelude::*;
use facade::rest::FileResponse;
use facade::rest_only::RestOnly;
use futures_util::stream;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::shop::{self, AUDIT, Answer, BookInput, KEY, Library, READ};

/// Its documents.
pub const DOCUMENTS: &str = r#"
query files($kind: String!, $name: String, $token: String)
@rest(get: "/files/{kind}", answer: FILE, type: ["text/*", "application/octet-stream"], tag: "Files", summary: "A file") {
  file(kind: $kind, name: $name, token: $token)
}

query filesNamed($kind: String!)
@rest(get: "/named/{kind}", answer: FILE, type: "text/plain", tag: "Files", summary: "A file", missing: "No {kind} here") {
  file(kind: $kind)
}

query filesArchive
@rest(get: "/archive", answer: FILE, type: "application/zip", tag: "Files", summary: "All books") {
  archive
}

query filesLeaflet
@rest(get: "/leaflet", answer: FILE, type: "text/plain", tag: "Files", summary: "A leaflet for everybody") {
  leaflet
}

mutation filesPrint($input: BookInput!)
@rest(post: "/print", answer: FILE, type: "text/csv", tag: "Files", summary: "A book as a table") {
  print(input: $input)
}
"#;

const TEXT: &str = "0123456789abcdefghij";
const CHANGE: &str = "Mon, 23 Nov 2026 12:00:00 GMT";
const LARGE: usize = 2_000_000;

/// Tokens of requests whose file was made or read.
static MADE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn is_made(token: &str) -> bool {
    MADE.lock().unwrap().contains(token)
}

fn make(token: Option<String>) -> Bytes {
    MADE.lock().unwrap().extend(token);
    TEXT.into()
}

/// The files of the library.
#[derive(Default)]
pub struct Files;

#[Object]
impl Files {
    /// A file of some kind.
    #[graphql(directive = Can::apply(&[READ]))]
    async fn file(
        &self,
        kind: String,
        name: Option<String>,
        token: Option<String>,
    ) -> Result<Option<FileResponse>> {
        let pieces = |pieces: Vec<io::Result<&'static str>>| {
            stream::iter(pieces.into_iter().map(|piece| piece.map(Bytes::from)))
        };
        let file = match kind.as_str() {
            "text" => FileResponse::of_bytes("text/plain; charset=utf-8", TEXT)
                .etag("text 1")
                .last_modified("2026-11-23T12:00:00.5Z".parse().map_err(Error::internal)?),
            "empty" => FileResponse::of_bytes("text/plain", ""),
            "opened" => FileResponse::of_file("text/plain", written(TEXT).await?).await?,
            "large" => reader(vec![b'x'; LARGE], LARGE),
            "short" => reader(vec![b'x'; LARGE - 1], LARGE),
            "long" => reader(vec![b'x'; LARGE + 1], LARGE),
            "full" => reader(TEXT, 0),
            "stream" => FileResponse::of_stream("text/csv", pieces(vec![Ok("one,"), Ok("two")]), None),
            "counted" => FileResponse::of_stream("text/csv", pieces(vec![Ok("one,"), Ok("two")]), Some(7)),
            "breaks" => {
                let broken = pieces(vec![Ok("one,"), Err(io::Error::other("gone"))]);
                FileResponse::of_stream("text/csv", broken, None)
            }
            "watched" => {
                let first = stream::once(async move { Ok(make(token)) });
                FileResponse::of_stream("text/plain", first, Some(TEXT.len() as u64))
            }
            "late" => FileResponse::of_future("text/plain", async move { Ok(make(token)) }).etag("late 1"),
            "fails" => FileResponse::of_future("text/plain", async { Err(Error::internal("no paper")) }),
            "picture" => FileResponse::of_bytes("image/png", TEXT),
            "odd" => FileResponse::of_bytes("text/plain\r\nX-Evil: 1", TEXT),
            _ => return Ok(None),
        };
        Ok(Some(match name {
            Some(name) => file.attachment(&name),
            None => file.inline("file.txt"),
        }))
    }

    /// All books.
    #[graphql(directive = Can::apply(&[AUDIT]), directive = RestOnly::apply())]
    async fn archive(&self) -> FileResponse {
        FileResponse::of_bytes("application/zip", TEXT)
    }

    /// A leaflet.
    #[graphql(directive = Public::apply())]
    async fn leaflet(&self) -> FileResponse {
        FileResponse::of_bytes("text/plain", TEXT)
    }
}

fn reader(bytes: impl AsRef<[u8]> + Send + Unpin + 'static, length: usize) -> FileResponse {
    FileResponse::of_reader("application/octet-stream", Cursor::new(bytes), length as u64)
}

/// An open file that is already deleted.
async fn written(text: &str) -> Result<tokio::fs::File> {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("library-{}-{number}", std::process::id()));
    std::fs::write(&path, text).map_err(Error::internal)?;
    let file = tokio::fs::File::open(&path).await.map_err(Error::internal)?;
    std::fs::remove_file(path).map_err(Error::internal)?;
    Ok(file)
}

/// Writing files.
#[derive(Default)]
pub struct Printer;

#[Object]
impl Printer {
    /// Prints a book.
    #[graphql(directive = Can::apply(&[READ]))]
    async fn print(&self, ctx: &Context<'_>, input: Form<BookInput>) -> Result<FileResponse> {
        RequestScope::from(ctx).check_new(input).await?;
        Ok(FileResponse::of_bytes("text/csv", TEXT).etag("print 1").attachment("book.csv"))
    }
}

async fn ask(library: &Library, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    library.send(request(method, path, headers)).await
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {KEY}"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

fn told<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_file_is_sent_with_its_headers() {
    let library = Library::open().await;
    for accept in ["application/json", "application/xml", "text/csv"] {
        let answer = ask(&library, "GET", "/api/files/text", &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, TEXT.as_bytes()));
        for (name, value) in [
            ("content-type", Some("text/plain; charset=utf-8")),
            ("content-length", Some("20")),
            ("content-disposition", Some("inline; filename=file.txt")),
            ("last-modified", Some(CHANGE)),
            ("accept-ranges", Some("bytes")),
            ("cache-control", Some("no-cache, private")),
            ("x-content-type-options", Some("nosniff")),
            ("x-ratelimit-limit", Some("60")),
            ("vary", None),
            ("content-range", None),
        ] {
            assert_eq!(told(&answer.headers, name), value, "{name}");
        }
        let tag = told(&answer.headers, "etag").unwrap();
        assert!(tag.len() == 34 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    }
}

#[tokio::test]
async fn every_kind_of_content_is_sent_whole() {
    let library = Library::open().await;
    for (kind, body, length, ranges) in [
        ("opened", TEXT, Some("20"), Some("bytes")),
        ("late", TEXT, Some("20"), Some("bytes")),
        ("empty", "", Some("0"), Some("bytes")),
        ("stream", "one,two", None, None),
        ("counted", "one,two", Some("7"), None),
    ] {
        let answer = library.ask("GET", &format!("/api/files/{kind}")).await;
        assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, body.as_bytes()), "{kind}");
        assert_eq!(told(&answer.headers, "content-length"), length, "{kind}");
        assert_eq!(told(&answer.headers, "accept-ranges"), ranges, "{kind}");
        // Without support for ranges, the whole file is sent.
        if ranges.is_none() {
            let part = ask(&library, "GET", &format!("/api/files/{kind}"), &[("range", "bytes=0-1")]).await;
            assert_eq!((part.status, part.body.as_slice()), (StatusCode::OK, body.as_bytes()), "{kind}");
        }
    }
    let answer = library.ask("GET", "/api/files/large").await;
    assert!(answer.body == vec![b'x'; LARGE]);
    let opened = library.ask("GET", "/api/files/opened").await;
    let changed = httpdate::parse_http_date(told(&opened.headers, "last-modified").unwrap()).unwrap();
    assert!(changed.elapsed().unwrap() < Duration::from_secs(60), "the file's own");
}

#[tokio::test]
async fn a_single_range_is_sent_alone() {
    let library = Library::open().await;
    for kind in ["text", "opened", "late"] {
        for (range, body, told_range) in [
            ("bytes=0-3", "0123", "bytes 0-3/20"),
            ("bytes=18-", "ij", "bytes 18-19/20"),
            ("bytes=-2", "ij", "bytes 18-19/20"),
            ("bytes=18-99999999999999999999", "ij", "bytes 18-19/20"),
            ("bytes=-99999999999999999999", TEXT, "bytes 0-19/20"),
        ] {
            let answer = ask(&library, "GET", &format!("/api/files/{kind}"), &[("range", range)]).await;
            assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{kind} {range}");
            assert_eq!(answer.body, body.as_bytes(), "{kind} {range}");
            assert_eq!(told(&answer.headers, "content-range"), Some(told_range), "{kind} {range}");
            assert_eq!(told(&answer.headers, "content-length"), Some(body.len().to_string().as_str()));
            assert!(answer.headers.contains_key("content-disposition"));
        }
    }
}

#[tokio::test]
async fn other_ranges_are_ignored() {
    let library = Library::open().await;
    for range in ["bytes=0-1,3-4", "rows=0-1", "bytes=4-2", "bytes=a-b", "nonsense"] {
        let answer = ask(&library, "GET", "/api/files/text", &[("range", range)]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, TEXT.as_bytes()), "{range}");
    }
    let last = ask(&library, "GET", "/api/files/empty", &[("range", "bytes=-5")]).await;
    assert_eq!((last.status, last.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn a_range_beyond_the_end_is_refused() {
    let library = Library::open().await;
    for (kind, range, length) in [
        ("text", "bytes=20-", "bytes */20"),
        ("text", "bytes=99999999999999999999-", "bytes */20"),
        ("text", "bytes=-0", "bytes */20"),
        ("empty", "bytes=0-", "bytes */0"),
    ] {
        let path = format!("/api/files/{kind}");
        let answer = ask(&library, "GET", &path, &[("range", range)]).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(answer.json(), json!({"message": "Range Not Satisfiable"}));
        assert_eq!(told(&answer.headers, "content-range"), Some(length));
        assert!(
            !answer.headers.contains_key("content-disposition")
                && answer.headers.contains_key("x-ratelimit-limit")
        );
        let xml = ask(&library, "GET", &path, &[("range", range), ("accept", "application/xml")]).await;
        assert_eq!(told(&xml.headers, "content-type"), Some("application/xml; charset=utf-8"));
        assert_eq!(told(&xml.headers, "content-range"), Some(length));
    }
}

#[tokio::test]
async fn a_range_is_sent_if_the_file_is_unchanged() {
    let library = Library::open().await;
    let tag = library.ask("GET", "/api/files/text").await.headers["etag"].to_str().unwrap().to_owned();
    for (state, status) in [
        (tag.as_str(), StatusCode::PARTIAL_CONTENT),
        (CHANGE, StatusCode::PARTIAL_CONTENT),
        (&format!("W/{tag}"), StatusCode::OK),
        ("\"other\"", StatusCode::OK),
        ("Mon, 23 Nov 2026 12:00:01 GMT", StatusCode::OK),
    ] {
        let headers = [("range", "bytes=0-3"), ("if-range", state)];
        assert_eq!(ask(&library, "GET", "/api/files/text", &headers).await.status, status, "{state}");
    }
    let outdated = [("range", "bytes=99-"), ("if-range", "\"other\"")];
    assert_eq!(ask(&library, "GET", "/api/files/text", &outdated).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_with_the_current_file_gets_304() {
    let library = Library::open().await;
    let first = library.ask("GET", "/api/files/text").await;
    let tag = told(&first.headers, "etag").unwrap();
    for method in ["GET", "HEAD"] {
        for (name, value) in [("if-none-match", tag), ("if-none-match", "*"), ("if-modified-since", CHANGE)] {
            let headers = [(name, value), ("range", "bytes=99-")];
            let answer = ask(&library, method, "/api/files/text", &headers).await;
            assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{name}");
            assert_eq!(told(&answer.headers, "etag"), Some(tag));
            assert_eq!(told(&answer.headers, "cache-control"), Some("no-cache, private"));
            for absent in ["content-type", "content-length", "content-disposition", "content-range"] {
                assert!(!answer.headers.contains_key(absent), "{absent}");
            }
        }
        let changed = ask(&library, method, "/api/files/text", &[("if-none-match", "\"other\"")]).await;
        assert_eq!(changed.status, StatusCode::OK);
    }
    let other = ask(&library, "GET", "/api/files/text", &[("if-match", "\"other\"")]).await;
    assert_eq!(other.status, StatusCode::PRECONDITION_FAILED);
    assert!(other.json()["message"].is_string());
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_makes_nothing() {
    let library = Library::open().await;
    for kind in ["text", "opened", "large", "empty", "counted", "stream", "short"] {
        let path = format!("/api/files/{kind}?name=x.bin");
        let mut headers = library.respond(request("GET", &path, &[])).await.headers().clone();
        let answer = ask(&library, "HEAD", &path, &[("range", "bytes=0-1")]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0), "{kind}");
        let mut same = answer.headers;
        for counted in ["x-ratelimit-remaining", "ratelimit"] {
            headers.remove(counted);
            same.remove(counted);
        }
        if kind == "opened" {
            headers.remove("last-modified");
            same.remove("last-modified");
        }
        assert_eq!(same, headers, "{kind}");
    }
    for (kind, length) in [("late", None), ("watched", Some("20"))] {
        let path = format!("/api/files/{kind}?token=head-{kind}");
        let answer = ask(&library, "HEAD", &path, &[]).await;
        assert_eq!((answer.status, told(&answer.headers, "content-length")), (StatusCode::OK, length));
        assert!(!is_made(&format!("head-{kind}")), "{kind}");
        library.ask("GET", &path).await;
        assert!(is_made(&format!("head-{kind}")), "{kind}");
    }
}

#[tokio::test]
async fn a_file_is_not_made_for_304() {
    let library = Library::open().await;
    let first = library.ask("GET", "/api/files/late?token=first").await;
    let known = [("if-none-match", told(&first.headers, "etag").unwrap())];
    let again = ask(&library, "GET", "/api/files/late?token=again", &known).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(is_made("first") && !is_made("again"));
}

#[tokio::test]
async fn names_cannot_inject_headers() {
    let library = Library::open().await;
    for (name, told_name) in [
        ("Invoice%201.pdf", "attachment; filename=\"Invoice 1.pdf\""),
        ("a%22b.pdf", "attachment; filename=a'b.pdf; filename*=UTF-8''a%22b.pdf"),
        ("a%0D%0AX-Evil:%201.pdf", "attachment; filename=\"aX-Evil: 1.pdf\""),
        ("Re%C3%A7u.pdf", "attachment; filename=Re_u.pdf; filename*=UTF-8''Re%C3%A7u.pdf"),
        ("../../etc/passwd", "attachment; filename=etc-passwd"),
        ("..", "attachment"),
    ] {
        let answer = library.ask("GET", &format!("/api/files/text?name={name}")).await;
        assert_eq!(told(&answer.headers, "content-disposition"), Some(told_name), "{name}");
        assert!(!answer.headers.contains_key("x-evil"));
    }
    let odd = library.ask("GET", "/api/files/odd").await;
    assert_eq!(told(&odd.headers, "content-type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn errors_are_those_of_every_operation() {
    let library = Library::open().await;
    let xml = [("accept", "application/xml")];
    let unknown = Request::builder().uri("/api/files/text").body(Body::empty()).unwrap();
    let unknown = library.send(unknown).await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (StatusCode::UNAUTHORIZED, json!({"message": "Unauthenticated."}))
    );
    let forbidden = library.ask("GET", "/api/archive").await;
    assert_eq!((forbidden.status, forbidden.json()["message"].is_string()), (StatusCode::FORBIDDEN, true));
    let absent = library.ask("GET", "/api/files/none").await;
    assert_eq!((absent.status, absent.json()), (StatusCode::NOT_FOUND, json!({"message": ""})));
    assert!(absent.headers.contains_key("x-ratelimit-limit"));
    let named = ask(&library, "GET", "/api/named/none", &xml).await;
    assert_eq!(named.status, StatusCode::NOT_FOUND);
    assert_eq!(told(&named.headers, "content-type"), Some("application/xml; charset=utf-8"));
    assert!(String::from_utf8(named.body).unwrap().contains("No none here"));
    for defect in ["fails", "picture", "full"] {
        let answer = library.ask("GET", &format!("/api/files/{defect}")).await;
        let body = json!({"message": "Server Error"});
        assert_eq!((answer.status, answer.json()), (StatusCode::INTERNAL_SERVER_ERROR, body), "{defect}");
        assert!(!answer.headers.contains_key("content-disposition"));
    }
    let mut last = StatusCode::OK;
    for _ in 0..60 {
        let answer = library.ask("GET", "/api/files/text").await;
        last = answer.status;
        if last != StatusCode::OK {
            assert_eq!(answer.json(), json!({"message": "Too Many Attempts."}));
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let leaflet = Request::builder().uri("/api/leaflet").body(Body::empty()).unwrap();
    assert_eq!(Library::open().await.send(leaflet).await.body, TEXT.as_bytes());
}

/// `Range` and preconditions apply to `GET` and `HEAD` only.
#[tokio::test]
async fn a_post_may_answer_a_file() {
    let library = Library::open().await;
    let invalid = library.post("POST", "/api/print", &json!({})).await;
    assert_eq!(invalid.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(invalid.json()["errors"]["title"].is_array());
    let body = json!({"title": "Mort", "loans": 1}).to_string();
    let mut asked = request("POST", "/api/print", &[("range", "bytes=0-1"), ("if-none-match", "*")]);
    asked.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    *asked.body_mut() = body.into();
    let printed = library.send(asked).await;
    assert_eq!((printed.status, printed.body.as_slice()), (StatusCode::OK, TEXT.as_bytes()));
}

#[tokio::test]
async fn a_download_is_no_running_request() {
    let one = Options { running: 1, waiting: 0, ..Options::default() };
    let library = Library::build(&[shop::DOCUMENTS, DOCUMENTS], one).await.unwrap();
    for kind in ["large", "stream", "opened"] {
        let path = format!("/api/files/{kind}");
        let unread = library.respond(request("GET", &path, &[])).await;
        assert_eq!(library.ask("GET", "/api/clock").await.status, StatusCode::OK, "{kind}");
        assert_eq!(unread.status(), StatusCode::OK);
    }
}

/// The library on a socket.
async fn served(library: Library) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, library.router).await });
    address
}

/// Everything that a client receives on one connection.
async fn received(to: SocketAddr, requests: &[(&str, &str, &str)]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    for (at, (method, path, headers)) in requests.iter().enumerate() {
        let last = if at + 1 == requests.len() { "Connection: close\r\n" } else { "" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n{headers}{last}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
    }
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the connection ends");
    String::from_utf8(answer).unwrap()
}

/// The head and the body of an answer.
fn parts(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test]
async fn a_file_of_a_wrong_length_ends_the_connection() {
    let to = served(Library::open().await).await;
    let whole = received(to, &[("GET", "/api/files/large", "")]).await;
    assert_eq!(parts(&whole).1.len(), LARGE);
    for kind in ["short", "long"] {
        let answer = received(to, &[("GET", &format!("/api/files/{kind}"), "")]).await;
        let (head, body) = parts(&answer);
        assert!(head.contains(&format!("content-length: {LARGE}")), "{head}");
        assert!(body.len() < LARGE, "{kind}: {}", body.len());
        let inner = received(to, &[("GET", &format!("/api/files/{kind}"), "Range: bytes=10-19\r\n")]).await;
        assert_eq!(parts(&inner).1, "xxxxxxxxxx");
    }
    let last = "Range: bytes=-10\r\n";
    let short = received(to, &[("GET", "/api/files/short", last)]).await;
    assert!(!short.contains("xxxxxxxxxx") && !short.contains("Server Error"), "{short}");
    // The first piece is the last: the wrong length is known before the answer.
    let long = received(to, &[("GET", "/api/files/long", last)]).await;
    assert!(long.starts_with("HTTP/1.1 500 ") && long.ends_with("{\"message\":\"Server Error\"}"), "{long}");
}

#[tokio::test]
async fn a_stream_that_fails_has_no_last_chunk() {
    let to = served(Library::open().await).await;
    let whole = received(to, &[("GET", "/api/files/stream", "")]).await;
    assert!(
        parts(&whole).0.contains("transfer-encoding: chunked") && whole.ends_with("\r\n0\r\n\r\n"),
        "{whole}"
    );
    let broken = received(to, &[("GET", "/api/files/breaks", "")]).await;
    assert!(!broken.ends_with("0\r\n\r\n") && !broken.contains("Server Error"), "{broken}");
}

/// The next answer on the same connection follows the head.
#[tokio::test]
async fn answers_without_a_body_end_with_their_head() {
    let to = served(Library::open().await).await;
    let text = "/api/files/text";
    for (method, path, headers, length) in [
        ("HEAD", text, "", Some("content-length: 20")),
        ("HEAD", "/api/files/stream", "", None),
        ("HEAD", "/api/files/late", "", None),
        ("GET", text, "If-None-Match: *\r\n", None),
    ] {
        let answers = received(to, &[(method, path, headers), ("GET", text, "Range: bytes=0-3\r\n")]).await;
        let (head, next) = parts(&answers);
        match length {
            Some(length) => assert!(head.contains(length), "{head}"),
            None => assert!(!head.contains("content-length"), "{head}"),
        }
        assert!(next.starts_with("HTTP/1.1 206 ") && next.ends_with("\r\n\r\n0123"), "{path}: {answers}");
    }
    // A client that sends `POST` expects a body, even if a header names `HEAD`.
    let headers = "X-HTTP-Method-Override: HEAD\r\nContent-Length: 0\r\n";
    let answers = received(to, &[("POST", text, headers)]).await;
    assert!(answers.starts_with("HTTP/1.1 200 ") && answers.ends_with(TEXT), "{answers}");
}

#[tokio::test]
async fn clients_of_graphql_know_nothing_of_files() {
    let library = Library::open().await;
    for asked in [
        "{ file(kind: \"text\") }",
        "{ archive }",
        "{ leaflet }",
        "mutation { print(input: {title: \"x\"}) }",
    ] {
        let answer = library.graphql(asked).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{asked}: {answer}"
        );
    }
    let sdl = facade::schema::sdl::<shop::Query, shop::Mutation>();
    assert!(!sdl.contains("FileResponse") && !sdl.contains("leaflet"), "{sdl}");
    let types = library.graphql("{ __schema { types { name } } }").await;
    assert!(!types.to_string().contains("FileResponse"), "{types}");
    let internal = facade::schema::internal_sdl::<shop::Query, shop::Mutation>();
    assert!(internal.contains("scalar FileResponse"), "{internal}");
}

#[tokio::test]
async fn documents_and_fields_agree_on_files() {
    for (from, to, problem) in [
        (
            "answer: FILE, type: \"application/zip\"",
            "answer: VALUE",
            "`filesArchive`: root field `archive` is a file, which needs `answer: FILE`",
        ),
        (
            "answer: FILE, type: \"application/zip\"",
            "answer: DATA",
            "`filesArchive`: root field `archive` is a file, which needs `answer: FILE`",
        ),
        (
            "answer: FILE, type: \"application/zip\"",
            "answer: FILE",
            "`filesArchive`: `answer: FILE` and `type` need each other",
        ),
        ("application/zip", "zip", "`filesArchive`: `zip` is no media type"),
        (
            "answer: FILE, type: \"application/zip\"",
            "answer: FILE, type: 7",
            "`filesArchive`: `type` is no list",
        ),
        (
            "summary: \"All books\"",
            "summary: \"All books\", status: 201",
            "`filesArchive`: a file is answered with status 200, and nothing beside it",
        ),
        (
            "summary: \"All books\"",
            "summary: \"All books\", message: \"x\"",
            "`filesArchive`: a file is answered with status 200, and nothing beside it",
        ),
        (
            "post: \"/print\"",
            "get: \"/print\"",
            "`filesPrint`: a `GET` that changes something answers no file",
        ),
        (
            "  archive\n",
            "  clock { now }\n",
            "`filesArchive`: `answer: FILE`, but root field `clock` is no file",
        ),
    ] {
        assert!(DOCUMENTS.contains(from), "{from}");
        let documents = DOCUMENTS.replace(from, to);
        let error = Library::build(&[shop::DOCUMENTS, &documents], Options::default()).await.err().expect(to);
        let told = error.cause().map(ToString::to_string).unwrap_or_default();
        assert!(told.contains(problem), "{told}");
    }
    let typed = shop::DOCUMENTS.replace("get: \"/clock\"", "get: \"/clock\", type: \"text/plain\"");
    let error = Library::build(&[&typed, DOCUMENTS], Options::default()).await.err().unwrap();
    assert!(
        error.cause().unwrap().to_string().contains("`clock`: `answer: FILE` and `type` need each other")
    );
}

#[tokio::test]
async fn the_openapi_document_tells_of_files() {
    let library = Library::open().await;
    let responses = &library.openapi["paths"]["/files/{kind}"]["get"]["responses"];
    let binary = json!({"schema": {"type": "string", "format": "binary", "maxLength": i64::MAX}});
    for status in ["200", "206"] {
        let content = &responses[status]["content"];
        assert_eq!(*content, json!({"text/*": binary, "application/octet-stream": binary}), "{status}");
    }
    assert!(responses["200"]["headers"]["ETag"].is_object());
    assert!(responses["206"]["headers"]["Content-Range"].is_object());
    assert!(responses["304"].is_object() && responses["304"].get("content").is_none());
    for status in ["412", "416"] {
        let schema = &responses[status]["content"]["application/json"]["schema"];
        assert_eq!(schema["$ref"], "#/components/schemas/Error", "{status}");
    }
    for status in ["401", "403", "404", "429", "500", "503"] {
        assert!(responses[status]["$ref"].is_string(), "{status}");
    }
    let printed = &library.openapi["paths"]["/print"]["post"]["responses"];
    assert_eq!(printed["200"]["content"]["text/csv"], binary);
    assert!(printed.get("206").is_none() && printed.get("304").is_none() && printed.get("416").is_none());
    assert_eq!(Json::Null, library.openapi["components"]["responses"]["RangeNotSatisfiable"]);
}
