//! The names that a resource's code imports: macros, types and functions.

pub use async_graphql::{Context, ID, Object};

pub use crate::ability::{Abilities, Ability};
pub use crate::error::{Error, Result};
pub use crate::form::Form;
pub use crate::guard::Can;
pub use crate::page::{Connection, List, Paging};
pub use crate::payload::Deletes;
pub use crate::record::{SelectedRow, read_by_id};
pub use crate::scope::RequestScope;
pub use crate::user_error::{Refuses, UserErrorCode};
pub use crate::write::put;
pub use crate::{filters, form, list, one, record, words};
