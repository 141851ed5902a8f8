//! What REST alone has: its documents and contract, its formats and conditions.
//!
//! | Module | Holds |
//! |---|---|
//! | [`conditional`] | changes that demand the state that was read |
//! | [`contracts`] | the contract files tell everything |
//! | [`documents`] | the REST documents, validated by a second implementation of GraphQL |
//! | [`openapi`] | answers held against `openapi.json` |
//! | [`xml`] | XML answers read back and compared with the JSON ones |

pub(crate) mod conditional;
pub(crate) mod contracts;
pub(crate) mod documents;
pub(crate) mod openapi;
pub(crate) mod xml;
