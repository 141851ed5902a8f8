//! How long answers may be cached, by the hints of the fields in the schema.

use async_graphql::Request;
use async_graphql::registry::MetaType;
use facade::operation::CacheHints;
use guichet::server::schema;

fn kept(query: &str) -> Option<(i32, bool)> {
    let kept = CacheHints::new(&schema::registry()).of(&mut Request::new(query));
    (kept.max_age > 0).then_some((kept.max_age, kept.public))
}

#[test]
fn the_shortest_time_counts() {
    assert_eq!(kept("{ statistics { customers { total } } }"), Some((30, false)));
    assert_eq!(kept("{ __schema { types { name } } }"), Some((300, true)));
    assert_eq!(kept("{ statistics { generatedAt } __typename }"), Some((30, false)));
    assert_eq!(
        kept("{ ...A } fragment A on Query { ... { statistics { revenue { currency } } } }"),
        Some((30, false))
    );
}

#[test]
fn a_field_without_a_time_ends_all() {
    for query in [
        "{ health { status } }",
        "{ statistics { generatedAt } health { status } }",
        "{ statistics { generatedAt } ... on Query { product(id: 1) { name } } }",
        "{ products { totalCount } }",
        "{ __typename products { nodes { group { name } } } }",
    ] {
        assert_eq!(kept(query), None, "{query}");
    }
}

/// If a list gets a hint, related rows of its rows keep a hint of their own.
#[test]
fn what_hangs_on_a_record_has_its_own_time() {
    let mut registry = schema::registry();
    let Some(MetaType::Object { fields, .. }) = registry.types.get_mut("Query") else { panic!("no query") };
    fields["products"].cache_control.max_age = 30;
    let kept = |query: &str| CacheHints::new(&registry).of(&mut Request::new(query));
    let rows = kept("{ products { nodes { name } totalCount } }");
    assert_eq!((rows.max_age, rows.public), (30, false));
    assert_eq!(kept("{ products { nodes { name pricingRows { monthly } } } }").max_age, 0);
}
