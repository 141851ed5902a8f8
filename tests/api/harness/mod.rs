//! What the tests work with: a server to ask, its database, and what changed there.
//!
//! | Module | Holds |
//! |---|---|
//! | [`compare`] | when two JSON values or two cells are the same |
//! | [`example`] | the example rows of the resources |
//! | [`program`] | the built program as a process, and its log |
//! | [`proxy`] | a way to a server that a test can cut |
//! | [`rows`] | what changed in a database |
//! | [`shop`] | a running server to ask, by key name |
//! | [`store`] | databases cloned from a template |
//! | [`walk`] | ways through the schema |
//! | [`wire`] | the HTTP client, which sends exactly what it is told |

pub(crate) mod compare;
pub(crate) mod example;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod rows;
pub(crate) mod shop;
pub(crate) mod store;
pub(crate) mod walk;
pub(crate) mod wire;
