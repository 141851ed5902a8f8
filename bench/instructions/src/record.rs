//! The recorded figures: a file of this crate, which changes in the commit that changes them.

use std::path::PathBuf;

/// The figures of a case.
#[derive(Clone, Copy, Default)]
pub struct Figures {
    pub instructions: u64,
    pub statements: u64,
}

/// Figures by case, as lines of `case instructions statements`.
pub struct Record(Vec<(String, Figures)>);

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

impl Record {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(path()).unwrap_or_default();
        let figures = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?.to_owned();
            let instructions = words.next()?.parse().ok()?;
            Some((name, Figures { instructions, statements: words.next()?.parse().ok()? }))
        });
        Self(figures.collect())
    }

    /// The recorded figures of a case; `None` for a new one.
    pub fn of(&self, case: &str) -> Figures {
        self.0.iter().find(|(name, _)| name == case).map(|(_, figures)| *figures).unwrap_or_default()
    }

    pub fn put(&mut self, case: &str, figures: Figures) {
        self.0.retain(|(name, _)| name != case);
        self.0.push((case.to_owned(), figures));
    }

    pub fn write(&self) {
        let lines = self
            .0
            .iter()
            .map(|(name, figures)| format!("{name} {} {}\n", figures.instructions, figures.statements));
        std::fs::write(path(), lines.collect::<String>()).expect("a file beside Cargo.toml");
    }
}
