//! The keys of a replay: an access log does not contain them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::Failure;
use crate::platform::config::Secret;

/// The name for all users whom the file does not name.
const ANY_USER: &str = "*";

/// Keys by the user of the log.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, Secret>);

impl Keys {
    /// Reads a file with a name and a key in each line. The name `*` is for all other users; lines with `#` are
    /// comments.
    ///
    /// # Errors
    /// When the file cannot be read, or a line has another form. The message has the number of the line and not its
    /// text.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let about = |what: &str| Failure::new(format!("{}: {what}", file.display()));
        let text = fs::read_to_string(file).map_err(|error| about(&error.to_string()))?;
        let keys = Self::of(&text).map_err(|line| about(&format!("line {line} is not a name and a key")))?;
        if keys.0.is_empty() { Err(about("it holds no key")) } else { Ok(keys) }
    }

    /// The keys of a text, or the number of the first wrong line.
    fn of(text: &str) -> Result<Self, usize> {
        let mut keys = HashMap::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(name), Some(key), None) = (words.next(), words.next(), words.next()) else {
                return Err(at + 1);
            };
            keys.insert(name.to_owned(), Secret::new(key));
        }
        Ok(Self(keys))
    }

    /// The key of a user of the log.
    pub(super) fn of_user(&self, user: Option<&str>) -> Option<&Secret> {
        user.and_then(|user| self.0.get(user)).or_else(|| self.0.get(ANY_USER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_without_a_key_of_their_own_use_the_common_key() {
        let keys = Keys::of("# keys\nbot 1|a\n\n* 2|b\n").ok().unwrap();
        let key = |user| keys.of_user(user).map(Secret::expose);
        assert_eq!((key(Some("bot")), key(Some("else")), key(None)), (Some("1|a"), Some("2|b"), Some("2|b")));
        assert_eq!(Keys::of("bot 1|a\nbot").err(), Some(2));
    }
}
