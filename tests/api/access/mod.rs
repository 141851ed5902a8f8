//! Authentication, authorisation, and limits.
//!
//! | Module | Holds |
//! |---|---|
//! | [`guards`] | every field, change, condition and REST operation, tried by everybody |
//! | [`keys`] | how long a key opens something |
//! | [`prices`] | what operations cost, and `docs/prices.md` |
//! | [`restrictions`] | keys for some addresses, with fewer requests, that only read |
//! | [`throttle`] | limits of requests and points in both APIs |

pub(crate) mod guards;
pub(crate) mod keys;
pub(crate) mod prices;
pub(crate) mod restrictions;
pub(crate) mod throttle;
