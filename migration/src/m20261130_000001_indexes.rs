//! Adds the indexes that the original's schema lacks. A shop that the original runs is not migrated by guichet:
//! `guichet doctor --indexes` shows its operator these statements.

use crate::further_indexes;
use crate::migrator::Step;

pub(crate) const INDEXES: Step = Step {
    name: "m20261130_000001_indexes",
    up: |backend| further_indexes(backend).into_iter().map(|index| index.create).collect(),
    down: |backend| further_indexes(backend).into_iter().map(|index| index.drop).collect(),
};
