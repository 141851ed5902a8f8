//! The report: sections of the page, and exceeded limits.

/// The report so far.
#[derive(Default)]
pub struct Report {
    text: String,
    failures: Vec<String>,
}

impl Report {
    /// Adds a section to the page, and prints it.
    pub fn section(&mut self, title: &str, text: &str) {
        println!("## {title}\n\n{text}");
        self.text.push_str(&format!("## {title}\n\n{text}\n"));
    }

    /// Adds an exceeded limit.
    pub fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// The sections.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The exceeded limits.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}
