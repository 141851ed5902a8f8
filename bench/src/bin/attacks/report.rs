//! What was found: sections of the page, and what passes a limit.

/// What was found so far.
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

    /// Notes what passes a limit.
    pub fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// The sections.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What passes a limit.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}
