//! `guichet routes`: every REST route, with its operation and what it needs.

use clap::Args;
use facade::rest::{Checked, Document, PREFIX, Route};
use serde_json::{Value as Json, json};

use super::{Failure, print};
use crate::server::{contracts, schema};

#[derive(Args)]
pub(super) struct Arguments {
    /// As JSON: a list of objects with method, path, operation, abilities and tag
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let documents = contracts::documents(&schema::internal_registry())?;
    let mut routes: Vec<_> = documents
        .iter()
        .flat_map(|document| document.routes.iter().map(move |route| (document, route)))
        .collect();
    routes.sort_by(|(_, one), (_, other)| (&one.path, one.method).cmp(&(&other.path, other.method)));
    if arguments.json {
        let routes: Vec<_> = routes.into_iter().map(|(document, route)| object(document, route)).collect();
        print(&format!("{}\n", serde_json::to_string_pretty(&routes)?));
    } else {
        print(&table(&routes));
    }
    Ok(())
}

fn object(document: &Document<Checked>, route: &Route) -> Json {
    json!({
        "method": route.method,
        "path": format!("{PREFIX}{}", route.path),
        "operation": document.name,
        "abilities": document.needs().iter().map(|ability| ability.name()).collect::<Vec<_>>(),
        "tag": document.tag,
    })
}

/// A table with a line for each route.
fn table(routes: &[(&Document<Checked>, &Route)]) -> String {
    let longest =
        |length: fn(&(&Document<Checked>, &Route)) -> usize| routes.iter().map(length).max().unwrap_or(0);
    let (paths, operations) =
        (longest(|(_, route)| route.path.len()), longest(|(document, _)| document.name.len()));
    let line = |(document, route): &(&Document<Checked>, &Route)| {
        let needs: Vec<_> = document.needs().iter().map(|ability| ability.name()).collect();
        let needs = if needs.is_empty() { "any key".to_owned() } else { needs.join(" or ") };
        let (method, path, operation) = (route.method, &route.path, &document.name);
        format!("{method:6} {PREFIX}{path:paths$}  {operation:operations$}  {needs}\n")
    };
    routes.iter().map(line).collect()
}
