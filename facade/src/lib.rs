//! Records of a database, described by data, and answered level by level.
//!
//! A [`RecordType`] says what a table's rows show: columns and how they are spelled, and what hangs on a row.
//! For one level of a question, a [`Level`] tells which columns are looked at; they are read in one statement, by
//! position, and the rows are written as bytes into the answer's buffer. What hangs on them is loaded for all
//! rows of the level at once, so a question of depth d costs d statements however many rows there are. None of
//! this is compiled once more for each record.

pub mod cache;
mod cell;
pub mod collation;
pub mod column;
mod connection;
pub mod error;
mod face;
pub mod failure;
pub mod http;
mod json;
mod kept;
mod level;
mod lookup;
pub mod outcome;
mod output;
mod plan;
mod record;
mod relation;
mod rendering;
mod request;
mod spelling;

pub use cell::{Cell, ColumnSet, Kind, Places, Row, Rows, View};
pub use connection::{Asked, Connection, Part};
pub use error::{Error, Result};
pub use face::Face;
pub use json::{write_bool, write_float, write_int, write_str, write_value};
pub use kept::{Kept, KeptSet, PLANNED, is_planned, is_record};
pub use level::{Level, path_of};
pub use lookup::{Lookup, Lookups, RowsOf};
pub use output::{List, One, write_each, write_held};
pub use record::{Answer, Branch, Field, NODE, Need, Record, RecordType, Shown, StoredColumn};
pub use relation::{Batch, Filled, MAX_KEYS, MAX_ROWS, Own, Related, Relation, count_objects};
pub use rendering::{Rendering, global_id};
pub use request::{BranchFuture, Host, Request};
pub use spelling::{InRest, RestForm, Spelling};
