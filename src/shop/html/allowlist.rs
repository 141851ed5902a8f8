//! The allowlist: elements, attributes and URLs that shops use and that execute nothing.

use html5ever::tokenizer::Tag;

use super::style;

/// Allowed elements. None of them changes how the following text is tokenized.
pub(super) const ELEMENTS: &str = "\
    a abbr acronym address article aside audio b bdi bdo big blockquote br caption center cite code col \
    colgroup data dd del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 \
    header hgroup hr i img ins kbd li main mark menu nav nobr ol p picture pre q rp rt ruby s samp \
    search section small source span strike strong sub summary sup table tbody td tfoot th thead time tr \
    tt u ul var video wbr";
/// Allowed attributes whose value is only a word, a number or a text.
pub(super) const ATTRIBUTES: &str = "\
    abbr align alt autoplay axis bgcolor border cellpadding cellspacing char charoff class clear color \
    cols colspan compact controls coords datetime decoding dir download face frame headers height \
    hreflang hspace id itemprop lang loading loop media muted name noshade nowrap open playsinline \
    preload rel reversed role rows rowspan rules scope shape size sizes span start summary tabindex \
    target title translate type valign value vspace width";
/// Prefix of attributes for accessibility.
pub(super) const ARIA_PREFIX: &str = "aria-";
/// Allowed attributes whose value is a URL.
pub(super) const ADDRESSES: &str = "cite href poster src";
/// Allowed schemes of URLs.
pub(super) const SCHEMES: &str = "http https mailto tel";
/// Prefixes of inline images. None of these formats can hold a script.
const PICTURES: [&str; 4] = [
    "data:image/gif;base64,",
    "data:image/jpeg;base64,",
    "data:image/png;base64,",
    "data:image/webp;base64,",
];

/// Whether a tag and all of its attributes are allowed.
pub(super) fn is_allowed(tag: &Tag) -> bool {
    contains_word(ELEMENTS, &tag.name)
        && tag.attrs.iter().all(|found| is_harmless(&tag.name, &found.name.local, &found.value))
}

fn is_harmless(element: &str, attribute: &str, value: &str) -> bool {
    match attribute {
        "style" => style::is_harmless(value),
        "src" if element == "img" && is_picture(value) => true,
        "srcset" => value.split(|letter: char| letter == ',' || letter.is_ascii_whitespace()).all(is_address),
        address if contains_word(ADDRESSES, address) => is_address(value),
        other => contains_word(ATTRIBUTES, other) || other.starts_with(ARIA_PREFIX),
    }
}

/// Whether a list of words, separated by blanks, contains a word.
pub(super) fn contains_word(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// Whether a URL is relative or has an allowed scheme. Browsers ignore tabs and line ends in a URL, and blanks and
/// control characters around it; everything else before the first `:` is taken for a scheme.
fn is_address(text: &str) -> bool {
    let address: String = text.chars().filter(|letter| !matches!(letter, '\t' | '\n' | '\r')).collect();
    let address = address.trim_matches(|letter: char| letter <= ' ');
    match address.split_once([':', '/', '?', '#']) {
        Some((scheme, _)) if address[scheme.len()..].starts_with(':') => {
            contains_word(SCHEMES, &scheme.to_ascii_lowercase())
        }
        _ => true,
    }
}

fn is_picture(address: &str) -> bool {
    PICTURES.iter().any(|start| address.starts_with(start))
}
