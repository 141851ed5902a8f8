//! Tests that talk HTTP to the whole server over a real database.
//!
//! Every test starts its own [`shop::Shop`]: a fresh copy of the recorded shop's database, and a
//! server over it on a port of its own. `GUICHET_TEST_DATABASE` chooses the database: `sqlite`
//! (default), `mysql` or `postgres` (addresses: see [`store`]).
//!
//! | Module | Holds |
//! |---|---|
//! | [`shop`] | a running server to ask, by key name |
//! | [`wire`] | the HTTP client, which sends exactly what it is told |
//! | [`store`] | databases cloned from a template |
//! | [`example`] | the example rows of the resources |
//! | [`rows`] | what changed in a database |
//! | [`compare`] | when two JSON values or two cells are the same |
//! | [`deviation`] | where the server may differ from the recordings, and why |
//! | [`cursors`] | every list walked by cursors, in every order that it offers |
//! | [`documents`] | the REST documents, validated by a second implementation of GraphQL |
//! | [`engine`] | requests that a careful client does not send |
//! | [`differences`] | where the databases differ, as README lists it |
//! | [`doctor`] | `guichet doctor` on the recorded shop, healthy and not |
//! | [`execution`] | fields collected, null propagated, changes in their order |
//! | [`failure`] | a database that is away, slow, locked or only to be read |
//! | [`program`] | the built program as a process, and its log |
//! | [`paging`] | parts of a list, their ends and their cost |
//! | [`nodes`] | records found again by their global identifier |
//! | [`proxy`] | a way to a server that a test can cut |
//! | [`golden`] | the recordings replayed |
//! | [`guards`] | every field, change, condition and REST operation, tried by everybody |
//! | [`walk`] | ways through the schema |
//! | [`statements`] | how many SQL statements an answer costs |
//! | [`errors`], [`persisted`] | GraphQL's errors; operations named instead of sent |
//! | [`before_the_key`] | how little a stranger can make the server do |
//! | [`shadow`] | its answers and guichet's, compared |
//! | [`upstream`] | the shop's own server behind guichet: what is passed on to it, and how |
//! | [`conditional`] | changes that demand the state that was read |
//! | [`connections`] | slow clients, many clients, and the end of the server |
//! | [`limits`] | what GraphQL refuses before it runs |
//! | [`throttle`] | limits of requests and points on both faces |
//! | [`replica`] | what is read from a replica, and what never is |
//! | [`house_rules`] | rules of the code base |
//! | [`invariants`] | many clients at once, and what must hold in the rows |
//! | [`groups`], [`pricings`], [`statistics`] | what the recordings of a resource don't show |
//! | [`customers`], [`products`], [`services`] | what the recordings of these resources do not cover |
//! | [`customers`], [`services`] | what the recordings of customers and services do not cover |
//! | [`foreign`] | generated values in every field: never a failure of the server |
//! | [`descriptions`] | HTML that is refused, and HTML that is stored as it was sent |
//! | [`sessions`] | signing in and out, and what a session may do |
//! | [`viewer`] | what a customer sees, and that it is nobody else's |
//! | [`documented`] | what only the documents promise |
//! | [`contracts`] | the contract files are current and tell everything |
//! | [`openapi`] | answers held against `openapi.json` |
//! | [`request_log`] | the line that each request leaves in the log, and what it never holds |
//! | [`metrics`] | Prometheus' counters |
//! | [`traces`] | what an OpenTelemetry collector receives |
//! | [`two_writers`] | the original writes beside us; reads write nothing |
//! | [`xml`] | XML answers read back and compared with the JSON ones |
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod before_the_key;
mod compare;
mod conditional;
mod connections;
mod contracts;
mod cursors;
mod customers;
mod descriptions;
mod deviation;
mod differences;
mod doctor;
mod documented;
mod documents;
mod engine;
mod errors;
mod example;
mod execution;
mod failure;
mod foreign;
mod forms;
mod given_up;
mod golden;
mod groups;
mod guards;
mod hints;
mod invariants;
mod keys;
mod limits;
mod metrics;
mod nodes;
mod openapi;
mod own_tables;
mod paging;
mod persisted;
mod prices;
mod pricings;
mod products;
mod program;
mod proxy;
mod races;
mod remembered;
mod replica;
mod request_log;
mod rows;
mod services;
mod sessions;
mod shadow;
mod shop;
mod statements;
mod statistics;
mod store;
mod throttle;
mod traces;
mod two_writers;
mod upstream;
mod variables;
mod viewer;
mod walk;
mod wire;
mod xml;
