//! What only GraphQL has: its language, connections and global identifiers.
//!
//! | Module | Holds |
//! |---|---|
//! | [`conditions`] | conditions on lists: operators, and what they refuse |
//! | [`cursors`] | every list walked by cursors, in every order that it offers |
//! | [`errors`] | errors: their codes, messages and paths |
//! | [`examples`] | the operations that GraphiQL opens with |
//! | [`execution`] | fields collected, null propagated, changes in their order |
//! | [`hints`] | how long answers may be cached |
//! | [`introspection`] | the schema, as async-graphql itself would show it |
//! | [`limits`] | operations that are refused before they run |
//! | [`nested`] | lists inside records: what a list at the root answers, for many records at once |
//! | [`nodes`] | records found again by their global identifier |
//! | [`paging`] | parts of a list, their ends and their cost |
//! | [`payloads`] | what mutations answer: records, user errors, identifiers of what was deleted |
//! | [`persisted`] | operations named instead of sent |
//! | [`remembered`] | operations that ran before, with other variables |
//! | [`scalars`] | days, moments and texts of one form |
//! | [`variables`] | defaults, null and absence |

pub(crate) mod conditions;
pub(crate) mod cursors;
pub(crate) mod errors;
pub(crate) mod examples;
pub(crate) mod execution;
pub(crate) mod hints;
pub(crate) mod introspection;
pub(crate) mod limits;
pub(crate) mod nested;
pub(crate) mod nodes;
pub(crate) mod paging;
pub(crate) mod payloads;
pub(crate) mod persisted;
pub(crate) mod remembered;
pub(crate) mod scalars;
pub(crate) mod variables;
