//! `guichet contracts`: the GraphQL schema, the OpenAPI document and the list of settings as files. The examples in the
//! document are answers of a demo shop on a fixed day.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::{DateTime, Utc};
use clap::Args;
use facade::rest::{Answer, Checked, Document, Examples, PREFIX};
use serde_json::{Map, Value as Json};

use super::{Failure, demo, say};
use crate::App;
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::server::{contracts, schema};

/// The day of the demo shop whose answers are the examples.
const DAY: &str = "2026-11-23T12:00:00Z";
/// Host of the addresses in examples.
const HOST: &str = "shop.example";
/// Maximum length of an answer that becomes an example, in bytes.
const MAX_EXAMPLE: usize = 1 << 20;

#[derive(Args)]
pub(super) struct Arguments {
    /// Compare only: fail when a file differs from the code
    #[arg(long)]
    check: bool,
    /// Folder of the files
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let examples = examples().await?;
    if !arguments.check {
        contracts::write(&arguments.dir, &examples)?;
        say("schema.graphql, openapi.json and docs/settings.md are written");
        return Ok(());
    }
    let stale = contracts::check(&arguments.dir, &examples)?;
    if stale.is_empty() {
        say("schema.graphql, openapi.json and docs/settings.md are up to date");
        return Ok(());
    }
    Err(Failure::new(format!("{} out of date: run `guichet contracts`", stale.join(" and "))))
}

/// The UUID of new records in examples.
const NEW_UUID: &str = "3f2b8c1e-5d7a-4e69-9b0c-2a1d4f6e8b70";

/// The order in which operations run: queries first, then creations, other changes, and deletions last.
fn run_order(document: &Document<Checked>) -> (bool, bool, bool) {
    let deletes = document.routes[0].method == "DELETE";
    (document.is_mutation(), deletes, document.status != StatusCode::CREATED.as_u16())
}

/// The answer of each operation on a demo shop, by name.
async fn examples() -> Result<Examples, Failure> {
    let now: DateTime<Utc> = DAY.parse()?;
    let mut config = Config { rate_limit: None, ..Config::default() };
    demo::with_temporary_demo(&mut config, now, async |config, demo| {
        let app = App::new(config.clone(), demo.db.clone(), Clock::Frozen(now)).await?;
        let mut documents = contracts::documents(&schema::internal_registry())?;
        documents.sort_by_key(run_order);
        let mut examples = Examples::new();
        // Examples are JSON.
        for document in documents.iter().filter(|document| document.answer != Answer::File) {
            if let Some(body) = example(&app, document, &demo.keys.full()).await? {
                examples.insert(document.name.clone(), body);
            }
        }
        Ok(examples)
    })
    .await
}

/// The answer of an operation to its example request; nothing if it has another status than the declared one.
async fn example(app: &App, document: &Document<Checked>, key: &str) -> Result<Option<Json>, Failure> {
    let route = &document.routes[0];
    let mut path = format!("{PREFIX}{}", route.path);
    for name in route.path.split(['{', '}']).skip(1).step_by(2) {
        path = path.replace(&format!("{{{name}}}"), &document.path_example(name));
    }
    if route.method == "GET" {
        path.push_str("?per_page=1");
    }
    let fields =
        document.example_fields().map(|(name, value)| Ok((name.to_string(), value.clone().into_json()?)));
    let body = Json::Object(fields.collect::<Result<Map<_, _>, serde_json::Error>>()?);
    let request = Request::builder()
        .method(Method::from_bytes(route.method.as_bytes())?)
        .uri(path)
        .header(header::HOST, HOST)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))?;
    let answer = app.site().answer(request).await;
    if answer.status() != StatusCode::from_u16(document.status)? {
        return Ok(None);
    }
    let body = axum::body::to_bytes(answer.into_body(), MAX_EXAMPLE).await?;
    let mut body: Json = serde_json::from_slice(&body)?;
    // A new record has another one each time, and the document stays the same.
    if document.status == StatusCode::CREATED.as_u16()
        && let Some(uuid) = body.get_mut("uuid")
    {
        *uuid = Json::from(NEW_UUID);
    }
    Ok(Some(body))
}
