//! What only REST has: documents, the contract, formats and conditional requests.
//!
//! | Module | Holds |
//! |---|---|
//! | [`conditional`] | conditional changes |
//! | [`contracts`] | everything in the contract has a description |
//! | [`documents`] | the REST documents, validated by a second implementation of GraphQL |
//! | [`openapi`] | answers validated against `openapi.json` |
//! | [`xml`] | XML answers read back and compared with the JSON ones |

pub(crate) mod conditional;
pub(crate) mod contracts;
pub(crate) mod documents;
pub(crate) mod openapi;
pub(crate) mod xml;
