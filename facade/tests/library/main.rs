//! The engine over HTTP: a toy library whose tables and documents have one of each thing that a resource may declare.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

mod refusals;
mod relations;
mod shop;
mod show;
mod statuses;
mod views;
