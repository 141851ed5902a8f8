//! The database: its kinds, its failures, and who writes beside whom.
//!
//! | Module | Holds |
//! |---|---|
//! | [`differences`] | where the databases differ, as README lists it |
//! | [`failure`] | a database that is away, slow, locked or only to be read |
//! | [`invariants`] | many clients at once, and what must hold in the rows |
//! | [`own_tables`] | guichet's own tables |
//! | [`races`] | writers that meet |
//! | [`replica`] | what is read from a replica, and what never is |
//! | [`statements`] | how many SQL statements an answer costs |
//! | [`two_writers`] | the original writes beside us; reads write nothing |

pub(crate) mod differences;
pub(crate) mod failure;
pub(crate) mod invariants;
pub(crate) mod own_tables;
pub(crate) mod races;
pub(crate) mod replica;
pub(crate) mod statements;
pub(crate) mod two_writers;
