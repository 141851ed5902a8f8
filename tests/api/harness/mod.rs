//! What the tests use: a running server, its database, and the changes of its rows.
//!
//! | Module | Holds |
//! |---|---|
//! | [`compare`] | when two JSON values or two cells are the same |
//! | [`example`] | the example rows of the resources |
//! | [`program`] | the built program as a process, and its log |
//! | [`proxy`] | a proxy that a test can interrupt |
//! | [`rows`] | what changed in a database |
//! | [`shop`] | a running server, with keys by name |
//! | [`sink`] | a mail server that keeps what it is sent |
//! | [`store`] | databases cloned from a template |
//! | [`walk`] | paths through the schema |
//! | [`wire`] | the HTTP client, which sends exactly the bytes it is given |

pub(crate) mod compare;
pub(crate) mod example;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod rows;
pub(crate) mod shop;
pub(crate) mod sink;
pub(crate) mod store;
pub(crate) mod walk;
pub(crate) mod wire;
