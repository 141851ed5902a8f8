//! The database: its kinds, its failures, and concurrent writers.
//!
//! | Module | Holds |
//! |---|---|
//! | [`differences`] | where the databases differ, as docs/integrations.md lists it |
//! | [`failure`] | a database that is unavailable, slow, locked or read-only |
//! | [`hosts`] | several hosts, and replicas, of which one is away |
//! | [`invariants`] | many concurrent clients, and the invariants of the rows |
//! | [`outbox`] | which process takes a row of the outbox |
//! | [`own_tables`] | guichet's own tables |
//! | [`races`] | writers that meet |
//! | [`replica`] | which reads a replica answers, and which never |
//! | [`statements`] | how many SQL statements an answer costs |
//! | [`two_writers`] | the original writes beside us; reads write nothing |

pub(crate) mod differences;
pub(crate) mod failure;
pub(crate) mod hosts;
pub(crate) mod invariants;
mod outbox;
pub(crate) mod own_tables;
pub(crate) mod races;
pub(crate) mod replica;
pub(crate) mod statements;
pub(crate) mod two_writers;
