//! What a request may be, on both faces: made by nobody careful, wrong, or given up.
//!
//! | Module | Holds |
//! |---|---|
//! | [`before_the_key`] | how little a stranger can make the server do |
//! | [`engine`] | requests that a careful client does not send |
//! | [`foreign`] | generated values in every field: never a failure of the server |
//! | [`forms`] | forms with the texts of the shop |
//! | [`given_up`] | clients that go away while the database answers |

pub(crate) mod before_the_key;
pub(crate) mod engine;
pub(crate) mod foreign;
pub(crate) mod forms;
pub(crate) mod given_up;
