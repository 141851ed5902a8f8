//! The settings: name, default, accepted values, meaning. The parser, error messages, `serve --help` and
//! `docs/settings.md` use their list.

mod list;

use std::fmt::Write;

pub use list::SETTINGS;

/// Settings that belong together.
#[derive(Debug)]
pub struct SettingGroup {
    /// Its heading.
    pub title: &'static str,
    /// The settings, in the order of the help.
    pub settings: &'static [Setting],
}

/// One environment variable that the server reads.
#[derive(Debug)]
pub struct Setting {
    /// Name of the variable.
    pub name: &'static str,
    /// Value when the variable is absent.
    pub default: &'static str,
    /// Accepted values, as the end of a sentence.
    pub accepts: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// Whether its value must not be printed.
    pub secret: bool,
    /// First version of guichet that reads it.
    pub since: &'static str,
}

impl Setting {
    const fn since(self, since: &'static str) -> Self {
        Self { since, ..self }
    }
}

const fn open(
    name: &'static str,
    default: &'static str,
    accepts: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { name, default, accepts, meaning, secret: false, since: "0.1.0" }
}

const fn secret(name: &'static str, accepts: &'static str, meaning: &'static str) -> Setting {
    Setting { secret: true, ..open(name, "", accepts, meaning) }
}

/// Accepted values of `DATABASE_URL`.
pub(super) const DATABASE_URLS: &str =
    "mysql://, mariadb://, pgsql://, postgres:// or sqlite: and the rest of a database URL";

/// What the names of guichet's own settings begin with.
const PREFIX: &str = "GUICHET_";

/// How much a name must resemble another one to be suggested in its place (Jaro-Winkler, from 0 to 1).
const LIKENESS: f64 = 0.9;

/// All settings, in the order of the help.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().flat_map(|group| group.settings)
}

/// The entry of a setting.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}

/// A variable that looks like a setting of guichet, but is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSetting {
    /// Name of the variable.
    pub name: String,
    /// The setting that was probably meant.
    pub meant: Option<&'static str>,
}

/// The variables named `GUICHET_…` that no setting has, each once.
pub fn unknown(variables: &[(String, String)]) -> Vec<UnknownSetting> {
    let mut names: Vec<&String> = variables.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    let unknown = names.into_iter().filter(|name| name.starts_with(PREFIX) && find(name).is_none());
    unknown.map(|name| UnknownSetting { name: name.clone(), meant: similar(name) }).collect()
}

/// The setting whose name resembles this one most, if it is similar enough. All names begin alike, so only the rest
/// counts.
fn similar(name: &str) -> Option<&'static str> {
    let rest = name.strip_prefix(PREFIX)?;
    let known = all().filter_map(|setting| Some((setting.name, setting.name.strip_prefix(PREFIX)?)));
    let rated = known.map(|(known, end)| (known, strsim::jaro_winkler(rest, end)));
    let (known, likeness) = rated.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (likeness >= LIKENESS).then_some(known)
}

/// The list as text for `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "Settings (environment variables; a file .env in the current folder is read too, and the \
         environment wins over it):\n",
    );
    for SettingGroup { title, settings } in SETTINGS {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{title}:\n");
        for Setting { name, default, accepts, meaning, .. } in *settings {
            let default = if default.is_empty() { "none" } else { default };
            let _ =
                write!(text, "\n  {name}  [default: {default}]\n      {meaning}\n      accepts {accepts}\n");
        }
    }
    text
}

/// The list as a page of the documentation, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Settings\n\n\
         <!-- Made by `guichet contracts` from src/platform/config/setting/list.rs. -->\n\n\
         guichet reads environment variables, and a file `.env` in the current folder or the one that `--env-file` names: the shop's\n\
         own file will do. The environment wins over the file. A value that is not accepted stops the start; a variable\n\
         `GUICHET_…` that does not exist is a warning in the log. `guichet serve --help` prints the same list.\n",
    );
    for SettingGroup { title, settings } in SETTINGS {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## {title}\n\n| Name | Default | Meaning | Accepts | Since |\n|---|---|---|---|---|\n"
        );
        for Setting { name, default, accepts, meaning, since, .. } in *settings {
            let default = if default.is_empty() { "none".to_owned() } else { format!("`{default}`") };
            let [meaning, accepts] = [meaning, accepts].map(|text| text.replace('|', "\\|"));
            let _ = writeln!(text, "| `{name}` | {default} | {meaning} | {accepts} | {since} |");
        }
    }
    text
}
