//! The two contract files, written from the running code.

use std::io;
use std::path::Path;

/// Writes `schema.graphql` and `openapi.json` into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write(_folder: &Path) -> io::Result<()> {
    Err(io::Error::other("the contracts are not there yet"))
}

/// Names of the files in a folder that differ from what [`write`] would write.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn check(_folder: &Path) -> io::Result<Vec<String>> {
    Err(io::Error::other("the contracts are not there yet"))
}
