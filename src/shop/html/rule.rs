//! Rules against active content in texts that the shop prints as HTML (docs/contract/wire.md#3.8).

use std::sync::LazyLock;

use async_graphql::Value;
use async_graphql::async_trait::async_trait;
use facade::form::rules::custom;
use facade::form::{CustomRule, Rule, Subject};
use facade::user_error::{BrokenRule, NOT_ALLOWED};
use regex::Regex;

use crate::Result;

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

/// An event handler attribute such as ` onclick =`.
static EVENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)\son[a-z]+\s*=").ok());

/// The original's rule: none of a list of words of scripts and templates is in the text.
pub fn active_content() -> Rule {
    custom(&ActiveContent)
}

/// guichet's own rule: only elements, attributes and URLs of an allowlist. It refuses scripts, event handlers and
/// script URLs however they are written.
pub fn harmless_html() -> Rule {
    custom(&HarmlessHtml)
}

/// The rule [`active_content`].
#[derive(Debug)]
struct ActiveContent;

#[async_trait]
impl CustomRule for ActiveContent {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        Ok(refused_unless(subject, is_safe))
    }
}

/// The rule [`harmless_html`].
#[derive(Debug)]
struct HarmlessHtml;

#[async_trait]
impl CustomRule for HarmlessHtml {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        Ok(refused_unless(subject, super::is_harmless))
    }

    fn needs_clean_field(&self) -> bool {
        true
    }

    fn format(&self) -> Option<&'static str> {
        Some("html")
    }
}

fn refused_unless(subject: &Subject<'_>, fits: fn(&str) -> bool) -> Option<BrokenRule> {
    let fits = matches!(subject.value, Value::String(text) if fits(text));
    (!fits).then(|| {
        let name = subject.display_name();
        let english = format!("The {name} contains forbidden script, php or active-content tags.");
        subject.broken_in_english("active_content", english).coded(NOT_ALLOWED)
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
