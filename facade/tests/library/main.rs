//! The engine over HTTP: a toy library whose tables and documents have one of each thing that a resource may declare.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

mod dialects;
mod files;
mod inputs;
mod keyless;
mod methods;
mod reference;
mod refusals;
mod relations;
mod rest_only;
mod shop;
mod show;
mod statuses;
mod tables;
mod views;
mod xsd;
