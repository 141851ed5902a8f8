//! The process's environment joined with a `.env` file.

use std::path::{Path, PathBuf};

/// Why a `.env` file was not read.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file cannot be opened.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is not `NAME=value`. The line is not printed: it may hold a password.
    #[error("{}: a line cannot be read; each takes the form NAME=value, with quotes around a value that holds spaces", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// The variables of the process, after those of a file: the last one of a name wins. Without a
/// named file, a `.env` in the current folder is read if there is one.
///
/// # Errors
/// When the file cannot be read.
pub fn environment(file: Option<&Path>) -> Result<Vec<(String, String)>, EnvironmentError> {
    let default = Path::new(".env");
    let file = file.or(default.is_file().then_some(default));
    let mut variables = file.map(read).transpose()?.unwrap_or_default();
    let process = std::env::vars_os();
    variables.extend(
        process.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    Ok(variables)
}

fn read(path: &Path) -> Result<Vec<(String, String)>, EnvironmentError> {
    let unreadable = |source| EnvironmentError::Unreadable { path: path.to_owned(), source };
    let lines = dotenvy::from_path_iter(path).map_err(|error| match error {
        dotenvy::Error::Io(source) => unreadable(source),
        _ => EnvironmentError::Malformed { path: path.to_owned() },
    })?;
    lines.collect::<Result<_, _>>().map_err(|_| EnvironmentError::Malformed { path: path.to_owned() })
}

/// The first variable that names a database, if one does.
pub fn names_database(variables: &[(String, String)]) -> Option<&str> {
    let names = |name: &str| name == "DATABASE_URL" || name.starts_with("DB_");
    variables
        .iter()
        .find(|(name, value)| names(name) && !value.trim().is_empty())
        .map(|(name, _)| name.as_str())
}
