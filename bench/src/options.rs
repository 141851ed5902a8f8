//! The command line.

use crate::database::Database;

/// The options of the command line.
pub struct Options {
    /// Short rounds, and few of them.
    pub quick: bool,
    /// What is measured.
    pub what: What,
    /// Whether nothing is measured: the page of growth is written from figures that were kept.
    pub only_page: bool,
    /// Whether the results are kept in files.
    pub write: bool,
    /// Only cases whose name holds this text.
    pub only: Option<String>,
    /// The databases that are measured on.
    pub databases: Vec<Database>,
}

/// What the benchmark measures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The servers.
    Servers,
    /// What each further index gains and costs.
    Indexes,
    /// How cost grows with the shop.
    Growth,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    /// The usage text.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            quick: false,
            what: What::Servers,
            only_page: false,
            write: false,
            only: None,
            databases: Database::ALL.to_vec(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{name} takes a value"));
            match name.as_str() {
                "--indexes" => options.what = What::Indexes,
                "--only-page" => options.only_page = true,
                "--growth" => options.what = What::Growth,
                "--quick" => options.quick = true,
                "--write" => options.write = true,
                "--only" => options.only = Some(value()?),
                "--database" => {
                    let named = value()?;
                    let database = Database::named(&named).ok_or("mysql, postgres or sqlite")?;
                    options.databases = vec![database];
                }
                _ => return Err(format!("unknown argument {name}: see bench/README.md")),
            }
        }
        Ok(options)
    }

    /// Whether a case is to be measured.
    pub fn wants(&self, case: &str) -> bool {
        self.only.as_ref().is_none_or(|text| case.contains(text.as_str()))
    }
}
