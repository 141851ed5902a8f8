//! The tag on a field that shows a column: the OpenAPI document has limits of values from the host, by their columns.

/// Begins the tag.
const TAG: &str = "column";

/// The column that a field shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColumnTag<'t> {
    pub(crate) table: &'t str,
    pub(crate) column: &'t str,
}

impl<'t> ColumnTag<'t> {
    /// The tag as text.
    pub(super) fn text(self) -> String {
        format!("{TAG} {} {}", self.table, self.column)
    }

    /// The column that the tags of a field tell.
    pub(crate) fn read(tags: &'t [String]) -> Option<Self> {
        tags.iter().find_map(|tag| match tag.split(' ').collect::<Vec<_>>()[..] {
            [TAG, table, column] => Some(Self { table, column }),
            _ => None,
        })
    }
}
