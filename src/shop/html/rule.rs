//! The rules against scripts in texts that the shop prints as HTML (docs/contract/wire.md#3.8).

use std::sync::LazyLock;

use async_graphql::Value;
use async_graphql::async_trait::async_trait;
use facade::form::rules::custom;
use facade::form::{CustomRule, Rule, Subject};
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

/// An attribute such as ` onclick =`.
static EVENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)\son[a-z]+\s*=").ok());

/// Without words of scripts and templates, as the original has it.
pub fn active_content() -> Rule {
    custom(&ActiveContent)
}

/// HTML that does nothing but show: scripts, handlers and script addresses are refused, however they are spelled.
pub fn harmless_html() -> Rule {
    custom(&HarmlessHtml)
}

/// The original's rule: none of these words stands in the text.
#[derive(Debug)]
struct ActiveContent;

#[async_trait]
impl CustomRule for ActiveContent {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<String>> {
        Ok(refused_unless(subject, is_safe))
    }
}

/// Ours: the text is HTML of a list of harmless elements, attributes and addresses.
#[derive(Debug)]
struct HarmlessHtml;

#[async_trait]
impl CustomRule for HarmlessHtml {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<String>> {
        Ok(refused_unless(subject, super::is_harmless))
    }

    fn needs_clean_field(&self) -> bool {
        true
    }
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
