//! Records: a table's rows as GraphQL type and as REST object, from one list.
//!
//! A [`RecordType`] says what a table's rows show: columns and how they are spelled, and what belongs to a row.
//! [`record!`](crate::record!) makes it. For one level of a question, a [`Level`] tells which columns are looked at;
//! they are read in one statement, by position, and the rows are written as bytes into the answer's buffer. What belongs
//! to them is loaded for all rows of the level at once, so a question of depth d costs d statements however many rows
//! there are. None of this is compiled once more for each record.

mod cell;
mod connection;
mod declaration;
mod deleted;
mod join_table;
mod kept;
mod leaf;
mod level;
mod lookup;
mod output;
mod plan;
mod reading;
mod record_type;
mod relation;
mod rendering;
mod spelling;

pub use cell::{Cell, ColumnSet, Kind, Places, Row, Rows, View};
pub use connection::{Asked, Connection, Part};
#[doc(hidden)]
pub use declaration::{camel, camel_len, key_place, place, values, viewed};
pub use deleted::Deleted;
pub use join_table::JoinTable;
pub(crate) use join_table::{PIVOT, pivot_columns};
pub use kept::{Kept, KeptSet, PLANNED, is_planned, is_record};
pub use leaf::{Decimal, JsonText, Leaf, Moment, Money, Shown};
pub use level::{Level, path_of};
pub use lookup::{Lookup, Lookups, RowsOf};
pub use output::{List, One, write_each, write_held};
pub(crate) use plan::{REPLACES, has_directive, replaced_key};
pub use reading::{ColumnOf, Record, list, load, require, see, see_first};
pub use record_type::{Answer, Branch, Field, FieldForm, NODE, RecordType, StoredColumn};
pub use relation::{
    Batch, BranchFuture, Filled, KeyColumn, MAX_KEYS, MAX_ROWS, Own, Related, Relation, count_objects,
};
pub use rendering::{Rendering, global_id};
pub use spelling::{InRest, RestForm, Spelling};
