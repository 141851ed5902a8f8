//! Creates the shop as version 2.16 of the original has it.

use crate::migrator::Step;
use crate::{ddl, shop};

/// Tables that are there are left as they are: on the database of a running shop this only notes that it
/// is done.
pub(crate) const SHOP: Step = Step {
    name: "m20261124_000001_shop",
    up: |backend| shop().iter().flat_map(|table| ddl::create(backend, table)).collect(),
    down: |backend| shop().iter().rev().map(|table| ddl::drop(backend, table)).collect(),
};
