//! Unusual requests in both APIs: careless, wrong, or cancelled by the client.
//!
//! | Module | Holds |
//! |---|---|
//! | [`before_the_key`] | how little work a caller without a valid key can cause |
//! | [`compression`] | answers compressed as `Accept-Encoding` says |
//! | [`cors`] | the origins that browsers may call from |
//! | [`engine`] | requests that a careful client does not send |
//! | [`foreign`] | generated values in every field: never an internal error |
//! | [`forms`] | forms with the texts of the shop |
//! | [`given_up`] | clients that disconnect while the database answers |
//! | [`storage`] | files below `/storage/`, and names that lead elsewhere |

pub(crate) mod before_the_key;
pub(crate) mod compression;
pub(crate) mod cors;
pub(crate) mod engine;
pub(crate) mod foreign;
pub(crate) mod forms;
pub(crate) mod given_up;
pub(crate) mod storage;
