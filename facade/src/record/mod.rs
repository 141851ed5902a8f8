//! Records: a table's rows as GraphQL type and as REST object, from one declaration.
//!
//! A [`RecordType`] describes a table: its columns, how their values are written, and the branches of a row.
//! [`record!`](crate::record!) makes it. For one level of a selection, a [`RecordSelection`] lists the selected
//! columns. One statement reads them by position, and the rows are written as bytes of JSON. Each branch is loaded for
//! all rows of the level at once, so a selection with b branches costs at most b statements more, however many rows
//! there are. The code is not generic over records, so it is compiled once.

mod cell;
mod column_tag;
mod connection;
mod currency;
mod declaration;
mod deleted;
mod extracted;
mod join_table;
mod key_of;
mod leaf;
mod lookup;
mod money;
mod output;
mod plan;
mod reading;
mod record_type;
mod relation;
mod rendering;
mod rest_form;
mod scalar;
mod selection;

pub use cell::{Cell, CellType, ColumnPositions, ColumnSet, Row, Rows, View};
pub(crate) use column_tag::ColumnTag;
pub(crate) use connection::ConnectionPlan;
pub use connection::{Connection, ConnectionSelection, ListSlice, ListSlices};
pub use currency::Currency;
#[doc(hidden)]
pub use declaration::{camel, camel_len, column_index, key_column_index, values, view_field};
pub use deleted::Deleted;
pub use extracted::{ExtractedSelection, ExtractedSelections, PLANNED_TAG, is_planned, is_record};
pub use join_table::JoinTable;
pub(crate) use join_table::{PIVOT, pivot_columns};
pub use key_of::{Key, KeyOf};
pub use leaf::{CustomRendering, Decimal, JsonText, Leaf, Moment, TextWord};
pub use lookup::{BaseQuery, Lookup, Lookups};
pub(crate) use money::is_value;
pub use money::{AmountCell, Money, MoneyColumn, RowCurrency, TaxedMoney, rounded};
pub use output::{SelectedRow, SelectedRows, write_each, write_in_memory};
pub(crate) use plan::{REPLACES, has_directive, merge_fields, replaced_key, selected};
pub use reading::{
    ColumnOf, Record, load_models, read_by_id, read_first, read_list, require, require_by_public_key,
    visible_rows,
};
pub use record_type::{
    Argument, Branch, BranchSource, Field, FieldForm, NODE, RecordType, StoredColumn, VisibleRows,
};
pub use relation::{
    Batch, BranchFuture, BranchValues, KeyColumn, MAX_KEYS, MAX_ROWS, Relation, RelationOutput, SourceKey,
    count_objects,
};
pub(crate) use relation::{ConnectionsByRow, count_by_key, distinct, too_many_rows};
pub use rendering::{Rendering, global_id};
pub use rest_form::{InRest, JsonType, RestForm};
pub use scalar::{CountryCode, Day, EmailAddress, Html, Locale, TextForm, TextScalar, Url};
pub(crate) use selection::WrittenRows;
pub use selection::{RecordSelection, path_of};
