//! The environment variables of the process, together with those of a `.env` file.

use std::path::{Path, PathBuf};

/// Why a `.env` file was not read.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file cannot be opened.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A line is not `NAME=value`. The line is not printed: it may hold a password.
    #[error("{}: a line cannot be read; each takes the form NAME=value, with quotes around a value that holds spaces", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// The variables of a `.env` file, followed by those of the process: the last one of a name applies. If no file is
/// given, `.env` in the current folder is read if it exists.
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
    let text = std::fs::read_to_string(path)
        .map_err(|source| EnvironmentError::Unreadable { path: path.to_owned(), source })?;
    parse(&text).map_err(|_| EnvironmentError::Malformed { path: path.to_owned() })
}

/// Parses a `.env` file as the original does: `${NAME}` is replaced, any other `$` is a plain character.
fn parse(text: &str) -> Result<Vec<(String, String)>, dotenvy::Error> {
    let text: String = text.lines().map(|line| format!("{}\n", literal_dollars(line))).collect();
    dotenvy::from_read_iter(text.as_bytes()).collect()
}

/// Escapes each `$` that is not followed by `{`, because dotenvy would take it for a variable.
fn literal_dollars(line: &str) -> String {
    let quoted = line.split_once('=').is_some_and(|(_, value)| value.trim_start().starts_with('\''));
    if quoted {
        return line.to_owned();
    }
    let mut escaped = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        if letter == '$' && before != '\\' && letters.peek() != Some(&'{') {
            escaped.push('\\');
        }
        escaped.push(letter);
        before = letter;
    }
    escaped
}

/// The name of the first variable that configures a database.
pub fn names_database(variables: &[(String, String)]) -> Option<&str> {
    let names = |name: &str| name.starts_with("DATABASE_") || name.starts_with("DB_");
    variables
        .iter()
        .find(|(name, value)| names(name) && !value.trim().is_empty())
        .map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What shops have in theirs.
    #[test]
    fn comments_exports_and_references_are_read() -> Result<(), dotenvy::Error> {
        let text = "HOST=db # the primary\nexport NAME='a # b'\n\nURL=\"mysql://u:p%23w@${HOST}:3306/x\"\nKEY=base64:ab+/=\nE=\"\"\n  INDENTED=1";
        let expected = [
            ("HOST", "db"),
            ("NAME", "a # b"),
            ("URL", "mysql://u:p%23w@db:3306/x"),
            ("KEY", "base64:ab+/="),
            ("E", ""),
            ("INDENTED", "1"),
        ];
        assert_eq!(parse(text)?, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(())
    }

    #[test]
    fn a_file_is_read_as_the_original_reads_it() -> Result<(), dotenvy::Error> {
        let text = "A=pa$word\nB=\"x$y ${A}\"\nC='1$2'\n# a comment with $\nD=\nexport E=\"two words\"";
        let expected = [("A", "pa$word"), ("B", "x$y pa$word"), ("C", "1$2"), ("D", ""), ("E", "two words")];
        assert_eq!(parse(text)?, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(parse("A=two words").is_err());
        Ok(())
    }
}
