//! The rule held against attacks, against what editors write, and against a sanitiser and the trees of a browser.

use std::collections::HashSet;

use ammonia::{Builder, UrlRelative};
use html5ever::serialize::{SerializeOpts, TraversalScope, serialize};
use html5ever::tendril::TendrilSink as _;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_document, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom, SerializableHandle};
use proptest::prelude::*;

use super::allowlist::{ADDRESSES, ARIA_PREFIX, ATTRIBUTES, ELEMENTS, SCHEMES, contains_word};
use super::{escape, is_harmless};

fn texts(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap()
}

fn attacks() -> Vec<String> {
    texts(include_str!("../../../tests/html/attacks.json"))
}

fn harmless() -> Vec<String> {
    let files = [
        include_str!("../../../tests/html/harmless.json"),
        include_str!("../../../tests/html/recorded.json"),
    ];
    files.into_iter().flat_map(texts).collect()
}

/// The text as a browser writes the tree that it makes of it.
fn rewritten(text: &str) -> String {
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let tree = parse_fragment(RcDom::default(), ParseOpts::default(), context, Vec::new(), false).one(text);
    let root = tree.document.children.borrow()[0].clone();
    let mut bytes = Vec::new();
    let options =
        SerializeOpts { traversal_scope: TraversalScope::ChildrenOnly(None), ..SerializeOpts::default() };
    serialize(&mut bytes, &SerializableHandle::from(root), options).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The same without what the sanitiser takes for active, held to our list of names and schemes.
fn sanitised(text: &str) -> String {
    let words = |list: &'static str| list.split(' ').collect::<HashSet<_>>();
    let attributes = [ATTRIBUTES, ADDRESSES, "srcset style"].into_iter().flat_map(words);
    let mut schemes = words(SCHEMES);
    if text.contains("data:image/") {
        schemes.insert("data");
    }
    Builder::empty()
        .tags(words(ELEMENTS))
        .generic_attributes(attributes.collect())
        .generic_attribute_prefixes(HashSet::from([ARIA_PREFIX]))
        .url_schemes(schemes)
        .url_relative(UrlRelative::PassThrough)
        .link_rel(None)
        .strip_comments(false)
        .clean(text)
        .to_string()
}

/// All elements of a tree.
fn elements(node: &Handle, found: &mut Vec<Handle>) {
    let mut left = vec![node.clone()];
    while let Some(node) = left.pop() {
        left.extend(node.children.borrow().iter().cloned());
        if matches!(node.data, NodeData::Element { .. }) {
            found.push(node);
        }
    }
}

/// A text in the middle of a page: every element and attribute is of the list or the page's own, and the page goes on.
fn is_kept_within_its_page(text: &str) -> bool {
    let page = format!(
        "<html><head></head><body><main><div>{text}</div><p id=behind-the-text></p></main></body></html>"
    );
    let tree = parse_document(RcDom::default(), ParseOpts::default()).one(page);
    let mut found = Vec::new();
    elements(&tree.document, &mut found);
    let mut goes_on = false;
    let all_listed = found.iter().all(|element| {
        let NodeData::Element { name, attrs, .. } = &element.data else { return true };
        attrs.borrow().iter().all(|attribute| {
            goes_on |= &*attribute.value == "behind-the-text";
            contains_word(ATTRIBUTES, &attribute.name.local)
                || contains_word(ADDRESSES, &attribute.name.local)
                || attribute.name.local.starts_with(ARIA_PREFIX)
                || ["srcset", "style"].contains(&&*attribute.name.local)
        }) && (contains_word(ELEMENTS, &name.local) || ["html", "head", "body"].contains(&&*name.local))
    });
    all_listed && goes_on
}

#[test]
fn everything_special_is_escaped() {
    assert_eq!(escape("l'Église & <\"Fils\">"), "l&#039;Église &amp; &lt;&quot;Fils&quot;&gt;");
}

#[test]
fn attacks_are_refused() {
    for attack in attacks() {
        assert!(!is_harmless(&attack), "{attack}");
        assert!(!is_harmless(&format!("<p>Offre</p>{attack}<p>x</p>")), "{attack}");
    }
}

#[test]
fn what_editors_write_is_accepted() {
    for text in harmless() {
        assert!(is_harmless(&text), "{text}");
        assert_eq!(rewritten(&text), sanitised(&text), "{text}");
        assert!(is_kept_within_its_page(&text), "{text}");
    }
}

/// What the sanitiser's makers don't list themselves.
#[test]
fn elements_beyond_the_sanitisers_own_are_few() {
    let own = Builder::default().clone_tags();
    let ours: Vec<_> = ELEMENTS.split(' ').filter(|element| !own.contains(element)).collect();
    let media = ["audio", "picture", "source", "video"];
    let shape = ["address", "big", "dir", "font", "main", "menu", "nobr", "search", "section", "tfoot"];
    assert!(ours.iter().all(|element| media.contains(element) || shape.contains(element)), "{ours:?}");
    assert!(!ATTRIBUTES.split(' ').any(|attribute| attribute.starts_with("on")));
}

#[test]
fn large_texts_take_few_steps() {
    let deep = "<b class=a>".repeat(6_000);
    assert!(is_harmless(&deep) && is_harmless(&"<table><tr><td>".repeat(4_000)));
    let many: String = (0..16_000).map(|at| format!(" a{at:x}")).collect();
    assert!(!is_harmless(&format!("<p{many}>")));
    assert!(!is_harmless(&"<!--".repeat(16_000)));
    assert!(!is_harmless(&"<".repeat(65_000).replace("<<", "<!")));
    let picture = format!(
        "<img src=\"data:image/png;base64,{}\">",
        "ab/cdefghijklmnopqrstuvwxyz0123456789+ABCDEFGHIJKLMNOPQRSTUVWXYZ".repeat(1_000)
    );
    assert!(is_harmless(&picture));
}

/// Texts of pieces that mean something in HTML, in any order.
fn markup() -> impl Strategy<Value = String> {
    let elements = ELEMENTS.split(' ').chain([
        "script",
        "svg",
        "math",
        "style",
        "title",
        "textarea",
        "template",
        "noscript",
        "plaintext",
        "select",
        "form",
        "iframe",
        "mtext",
        "mglyph",
        "foreignObject",
        "annotation-xml",
        "frameset",
        "body",
        "html",
        "image",
        "x-a",
    ]);
    let attributes = ATTRIBUTES.split(' ').chain(ADDRESSES.split(' ')).chain([
        "onclick",
        "onerror",
        "style",
        "srcset",
        "xlink:href",
        "formaction",
        "srcdoc",
        "data-x",
        "aria-label",
        "",
    ]);
    let element = prop::sample::select(elements.collect::<Vec<_>>());
    let attribute = prop::sample::select(attributes.collect::<Vec<_>>());
    let value = prop_oneof![
        Just("javascript:alert(1)"),
        Just("java&#115;cript:x"),
        Just("jav\tascript:x"),
        Just("https://x/y"),
        Just("/x"),
        Just("color: red"),
        Just("width:expression(1)"),
        Just("background:url(x)"),
        Just("a b"),
        Just("\"'>"),
        Just(""),
        Just("data:text/html,x"),
        Just("&colon;"),
        Just("x\0y"),
        Just("a.png 1x, b.png 2x"),
        Just("\u{1}vbscript:x"),
    ];
    let quote = prop::sample::select(vec!["\"", "'", "", " "]);
    let tag = (
        element,
        prop::collection::vec((attribute, value, quote), 0..3),
        "[ /\t]{0,2}",
        any::<bool>(),
        any::<bool>(),
    );
    let tag = tag.prop_map(|(name, attributes, blank, is_end, is_closed)| {
        let attributes: String = attributes
            .into_iter()
            .map(|(name, value, quote)| format!("{blank} {name}={quote}{value}{quote}"))
            .collect();
        format!(
            "<{}{name}{attributes}{blank}{}",
            if is_end { "/" } else { "" },
            if is_closed { ">" } else { "" }
        )
    });
    let piece = prop_oneof![
        6 => tag,
        2 => "[ a-z<>&;/=\"'!?\\-\\[\\]\0\n]{0,6}",
        1 => prop::sample::select(vec!["<!--", "-->", "--!>", "<![CDATA[", "]]>", "<!", "<?", "</", "&lt;", "&#60;", "&#0;"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Texts of closed tags of the list.
fn listed_markup() -> impl Strategy<Value = String> {
    let name = prop::sample::select(ELEMENTS.split(' ').collect::<Vec<_>>());
    let attribute = prop::sample::select(ATTRIBUTES.split(' ').collect::<Vec<_>>());
    let attributes = prop::collection::vec((attribute, any::<String>()), 0..3);
    let address = prop::sample::select(vec!["https://example.org/", "mailto:", "/", "#", "?", ""]);
    let tag = (name, attributes, address, "[a-z0-9é/.&=?_-]{0,9}", any::<String>());
    let element = tag.prop_map(|(name, attributes, scheme, address, text)| {
        let attributes: String =
            attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escape(value))).collect();
        let address = escape(&address);
        format!("<{name}{attributes} href='{scheme}{address}'>{}</{name}>", escape(&text))
    });
    prop::collection::vec(element, 0..6).prop_map(|elements| elements.concat())
}

proptest! {
    #[test]
    fn what_is_accepted_runs_nothing(text in markup()) {
        if is_harmless(&text) {
            prop_assert_eq!(rewritten(&text), sanitised(&text));
            prop_assert!(is_kept_within_its_page(&text));
        }
    }

    #[test]
    fn what_is_of_the_list_is_accepted(text in listed_markup()) {
        prop_assert!(is_harmless(&text));
        prop_assert_eq!(rewritten(&text), sanitised(&text));
        prop_assert!(is_kept_within_its_page(&text));
    }

    #[test]
    fn escaped_texts_are_harmless(text in any::<String>()) {
        prop_assert!(is_harmless(&escape(&text)));
    }
}
