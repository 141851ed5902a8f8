//! Example rows of the resources: `src/resource/<name>/example.sql`, for tests that want a row of everything. The files are
//! found, not listed.
//!
//! A file is standard SQL that runs on the recorded shop (`tests/golden/data.json`): names that SQL reserves in double
//! quotes, texts in single ones with backslashes as they are, a semicolon behind each statement, comments on lines of
//! their own. MariaDB is given its own quotes and backslashes.

use std::fs;
use std::path::Path;

use sea_orm::DbBackend;

use crate::harness::store::BACKEND;

/// The statements of all resources, in the order of their names.
pub(crate) fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/resource");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("example.sql")).collect();
    files.sort();
    let found: Vec<String> = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    assert!(!found.is_empty(), "no resource has example rows");
    found.iter().flat_map(|file| split(file, *BACKEND)).collect()
}

/// The statements of a file, as a database reads them.
fn split(file: &str, backend: DbBackend) -> Vec<String> {
    let mut statements = vec![String::new()];
    let mut in_text = false;
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with("--")).collect();
    for letter in lines.join("\n").chars() {
        in_text ^= letter == '\'';
        let statement = statements.last_mut().unwrap();
        match letter {
            ';' if !in_text => statements.push(String::new()),
            '"' if !in_text && backend == DbBackend::MySql => statement.push('`'),
            '\\' if in_text && backend == DbBackend::MySql => statement.push_str(r"\\"),
            letter => statement.push(letter),
        }
    }
    let rest = statements.pop().unwrap();
    assert!(rest.trim().is_empty(), "no semicolon behind {rest}");
    statements.iter().map(|statement| statement.trim().to_owned()).collect()
}

#[test]
fn each_database_gets_what_it_reads() {
    let file = "-- Why; \"this\".\nUPDATE a SET \"key\" = 'B\\C; \"d\"';\nDELETE FROM a;\n";
    assert_eq!(split(file, DbBackend::Postgres), ["UPDATE a SET \"key\" = 'B\\C; \"d\"'", "DELETE FROM a"]);
    assert_eq!(split(file, DbBackend::MySql)[0], "UPDATE a SET `key` = 'B\\\\C; \"d\"'");
}
