//! HTML in texts of the shop: escaping, and rules against active content.

mod allowlist;
mod harmless;
mod rule;
mod style;
#[cfg(test)]
mod tests;

pub use harmless::is_harmless;
pub use rule::{active_content, harmless_html};

/// Escapes all characters that have a meaning in HTML, quotes included.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#039;"),
            other => escaped.push(other),
        }
    }
    escaped
}
