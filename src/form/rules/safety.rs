//! The rules against scripts in texts that the shop prints as HTML (spec: `wire.md` 3.8).

use std::sync::LazyLock;

use async_graphql::Value;
use regex::Regex;

use crate::form::check::Subject;
use crate::html;

const FORBIDDEN: [&str; 29] = [
    "<script",
    "</script>",
    "<?php",
    "<?=",
    "?>",
    "<=",
    "<%",
    "{{",
    "{%",
    "<svg",
    "<iframe",
    "<object",
    "<embed",
    "<applet",
    "<base",
    "<form",
    "<meta",
    "<link",
    "<style",
    "<frame",
    "<noscript",
    "<template",
    "<math",
    "javascript:",
    "vbscript:",
    "data:text/html",
    "data:application/xhtml",
    "expression(",
    "srcdoc=",
];

/// An attribute such as ` onclick =`.
static EVENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)\son[a-z]+\s*=").ok());

/// The original's rule: none of these words stands in the text.
pub(super) fn active_content(subject: &Subject<'_>) -> Option<String> {
    refused_unless(subject, is_safe)
}

/// Ours: the text is HTML of a list of harmless elements, attributes and addresses.
pub(super) fn harmless_html(subject: &Subject<'_>) -> Option<String> {
    refused_unless(subject, html::is_harmless)
}

fn refused_unless(subject: &Subject<'_>, fits: fn(&str) -> bool) -> Option<String> {
    let fits = matches!(subject.value, Value::String(text) if fits(text));
    (!fits).then(|| {
        format!("The {} contains forbidden script, php or active-content tags.", subject.display_name())
    })
}

fn is_safe(text: &str) -> bool {
    let lower = text.to_lowercase();
    !FORBIDDEN.iter().any(|word| lower.contains(word))
        && EVENT.as_ref().is_some_and(|event| !event.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn active_content() {
        for text in ["<p>Minecraft – <b>offres</b></p>", "a < b", "on = 1", "season = 2", "x >= 3"] {
            assert!(is_safe(text), "{text}");
        }
        for text in [
            "<SCRIPT>",
            "a <= b",
            "<linked>",
            "<p onclick = 'x'>",
            "\nonload=",
            "JavaScript:alert(1)",
            "{{ x }}",
            "<?php",
        ] {
            assert!(!is_safe(text), "{text}");
        }
    }
}
