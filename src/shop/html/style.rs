//! Inline styles: an allowlist of properties and functions that neither load nor execute anything.

use super::allowlist::contains_word;

/// Allowed properties, each with all that continue it after a hyphen. Properties that can cover the rest of a page
/// (`position`) are not among them.
const PROPERTIES: &str = "\
    align aspect-ratio background border box break caption-side clear color column columns cursor \
    direction display empty-cells flex float font gap grid height hyphens inline-size justify \
    letter-spacing line-height list-style margin max-height max-width min-height min-width mso \
    object-fit object-position opacity order orphans outline overflow padding page-break place quotes \
    row-gap tab-size table-layout text unicode-bidi vertical-align visibility white-space widows width \
    word writing-mode zoom";
/// Allowed functions. None of them takes a URL.
const FUNCTIONS: &str = "\
    calc clamp fit-content hsl hsla lab lch linear-gradient max min minmax oklch radial-gradient repeat \
    rgb rgba";

/// Whether a style has only allowed properties with allowed functions.
pub(super) fn is_harmless(style: &str) -> bool {
    style.split(';').filter(|declaration| !declaration.trim().is_empty()).all(is_allowed)
}

fn is_allowed(declaration: &str) -> bool {
    let Some((property, value)) = declaration.split_once(':') else { return false };
    let property = property.trim().to_ascii_lowercase();
    let goes_on = |rest: &str| rest.is_empty() || rest.starts_with('-');
    let known = PROPERTIES.split(' ').any(|known| property.strip_prefix(known).is_some_and(goes_on));
    known && is_plain(value)
}

/// Whether a value has no escapes, blocks and rules, with which other things could be written, and no other functions.
fn is_plain(value: &str) -> bool {
    let names = value.split('(').rev().skip(1);
    !value.contains(['\\', '{', '}', '@', '<', ':'])
        && names.map(last_word).all(|name| contains_word(FUNCTIONS, &name))
}

/// The word at the end of a text, in lower case.
fn last_word(text: &str) -> String {
    let start =
        text.rfind(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').map_or(0, |at| at + 1);
    text.get(start..).unwrap_or_default().to_ascii_lowercase()
}
