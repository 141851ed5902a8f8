//! What operations cost, and `docs/prices.md`: `GUICHET_WRITE_DOCS=1 cargo test --test api prices` writes it.

use std::path::Path;
use std::sync::LazyLock;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Variables};
use facade::error::Code;
use facade::operation::{
    DocumentLimits, Estimate, OperationLimits, SchemaRules, points_of_answer, prepare, price_table,
};
use facade::{Error, Result};
use guichet::platform::config::Config;
use guichet::server::schema;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const BOUNDS: DocumentLimits = DocumentLimits { tokens: 5000, bytes: 1 << 20 };

static RULES: LazyLock<SchemaRules> = LazyLock::new(|| SchemaRules::new(&schema::registry()));

fn estimate(query: &str, variables: Json) -> Result<Estimate> {
    let mut request = Request::new(query).variables(Variables::from_json(variables));
    prepare(&mut request, &RULES, &OperationLimits::from(&Config::default()), BOUNDS)
}

#[test]
fn lists_cost_their_length_times_a_row() {
    for (query, points) in [
        ("{ health { status } }", 2),
        ("{ product(id: 1) { name description } }", 2),
        ("{ product(id: 1) { group { name } } }", 3),
        ("{ products { totalCount } }", 2),
        ("{ products { nodes { name } } }", 27),
        ("{ products(first: 3) { nodes { name } pageInfo { endCursor } } }", 6),
        ("{ products(perPage: 3) { edges { node { name } } } }", 8),
        ("query($n: Int) { products(first: $n) { nodes { name } } }", 12),
        ("query($m: Int = 4) { products(last: $m) { nodes { name } } }", 6),
        ("{ products(first: 2) { ...A } } fragment A on ProductConnection { nodes { name } }", 4),
        ("{ products(first: 2) { nodes { pricingRows { monthly } } } }", 24),
        ("mutation { productDelete(id: 1) { product { id } } }", 13),
        ("mutation { productDelete(id: 1) { deletedId userErrors { code params { max } } } }", 32),
        (
            "query { a: product(id: 1) { ...B } b: product(id: 2) { ...B } } fragment B on Product { group { id } }",
            6,
        ),
    ] {
        let found = estimate(query, json!({"n": 10})).unwrap();
        assert_eq!(found.cost.points, points, "{query}");
    }
}

#[test]
fn conditions_cost_a_point_a_comparison() {
    let count = |filter: &str| {
        format!("query($f: ProductFilter!, $n: Int) {{ products(filter: {filter}) {{ totalCount }} }}")
    };
    let variable = json!({"f": {"or": [{"name": {"eq": "a"}}, {"name": {"in": ["a", "b"]}}]}, "n": 10});
    for (filter, conditions) in [
        ("{}", 0),
        ("{name: {contains: \"a\"}}", 1),
        ("{name: {contains: \"a\", startsWith: \"b\"}, stock: {gt: 1}}", 3),
        ("{databaseId: {in: [1]}}", 1),
        ("{}", 0),
        // What is empty within a condition is a part of the statement too.
        ("{databaseId: {in: []}}", 1),
        ("{databaseId: {notIn: []}, name: {startsWith: []}}", 2),
        ("{stock: {}}", 1),
        ("{and: []}", 1),
        ("{and: [{}, {or: [{}]}]}", 2),
        ("{stock: {between: {from: 1, to: 2}}}", 2),
        ("{databaseId: {in: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}}", 2),
        ("{databaseId: {in: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}}", 3),
        ("{or: [{name: {eq: \"a\"}}, {not: {name: {eq: \"b\"}}}]}", 2),
        ("$f", 3),
        ("{or: [$f, $f]}", 5),
        ("{databaseId: {eq: $n}}", 1),
    ] {
        let found = estimate(&count(filter), variable.clone()).unwrap();
        assert_eq!((found.cost.points, found.cost.conditions), (2 + conditions, conditions), "{filter}");
    }
    let many = |number: usize| format!("{{or: [{}]}}", "{name: {contains: \"a\"}} ".repeat(number));
    assert_eq!(estimate(&count(&many(200)), variable.clone()).unwrap().cost.conditions, 200);
    let refused = estimate(&count(&many(201)), variable).unwrap_err();
    assert_eq!(refused.code(), Code::QueryTooComplex);
    let of_variable = json!({"f": {"or": vec![json!({"name": {"eq": "a"}}); 201]}});
    assert_eq!(estimate(&count("$f"), of_variable).unwrap_err().code(), Code::QueryTooComplex);
}

#[test]
fn what_was_found_is_counted_the_same_way() {
    let data = json!({"products": {"totalCount": 2, "nodes": [{"group": {"id": "x"}}, {"group": null}]}});
    let data = async_graphql::Value::from_json(data).unwrap();
    assert_eq!(points_of_answer(OperationType::Query, &data, 3), 1 + 1 + 2 + 1 + 3);
    assert_eq!(points_of_answer(OperationType::Mutation, &data, 0), 15);
}

/// A fragment is measured once, however often it is spread.
#[test]
fn fragments_cost_no_time() {
    let fragments: String =
        (0..55).map(|at| format!(" fragment F{at} on Product {{ ...F{} ...F{} }}", at + 1, at + 1)).collect();
    let query = format!("{{ product(id: 1) {{ ...F0 }} }}{fragments} fragment F55 on Product {{ name }}");
    assert_eq!(estimate(&query, json!({})).unwrap_err().code(), Code::QueryTooComplex);
}

#[test]
fn the_named_operation_counts_and_every_other_is_bounded() {
    let query = "query A { health { status } } query B { products(first: 5) { nodes { name } } }";
    let named = |name: &str, query: &str| {
        let mut request = Request::new(query).operation_name(name);
        prepare(
            &mut request,
            &SchemaRules::new(&schema::registry()),
            &OperationLimits::from(&Config::default()),
            BOUNDS,
        )
    };
    assert_eq!(named("A", query).unwrap().cost.points, 2);
    assert_eq!(named("B", query).unwrap().cost.points, 7);
    assert_eq!(named("C", query).unwrap_err().code(), Code::OperationResolutionFailure);
    let long = query.replace("first: 5", "first: 500");
    assert_eq!(named("A", &long).unwrap_err().code(), Code::ListTooLong);
}

#[test]
fn a_variable_that_needs_a_value_has_one() {
    let query =
        "query($id: ID!, $n: Int! = 3) { product(id: $id) { name } products(first: $n) { totalCount } }";
    for (variables, fits) in [
        (json!({"id": 1}), true),
        (json!({}), false),
        (json!({"id": null}), false),
        (json!({"id": 1, "n": null}), false),
    ] {
        assert_eq!(estimate(query, variables.clone()).is_ok(), fits, "{variables}");
    }
}

#[test]
fn the_schema_is_told_in_the_form_of_tools_and_not_several_times() {
    let of_type = "kind name ofType { ".repeat(9) + "kind name" + &" }".repeat(9);
    let whole = format!(
        "types {{ kind name description fields(includeDeprecated: true) {{ name description \
         args {{ name type {{ {of_type} }} defaultValue }} type {{ {of_type} }} isDeprecated }} \
         inputFields {{ name type {{ {of_type} }} }} interfaces {{ {of_type} }} enumValues {{ name }} \
         possibleTypes {{ {of_type} }} }} directives {{ name args {{ name type {{ {of_type} }} }} }}"
    );
    assert!(estimate(&format!("{{ __schema {{ {whole} }} }}"), json!({})).is_ok());
    let twice = format!("{{ a: __schema {{ {whole} }} b: __schema {{ {whole} }} }}");
    assert!(matches!(estimate(&twice, json!({})), Err(Error::NotRun(reason)) if reason.limit.is_some()));
}

#[test]
fn a_variable_counts_wherever_it_is_given() {
    let ask = |uses: usize| {
        let query = format!(
            "query($v:String!){{products(filter:{{name:{{in:[{}]}}}}){{nodes{{name}}}}}}",
            "$v ".repeat(uses)
        );
        let variables = Variables::from_json(serde_json::json!({"v": "x".repeat(900_000)}));
        let mut request = Request::new(query).variables(variables);
        prepare(
            &mut request,
            &SchemaRules::new(&schema::registry()),
            &OperationLimits::from(&Config::default()),
            BOUNDS,
        )
    };
    assert!(ask(2).is_ok());
    assert_eq!(ask(3).unwrap_err().code(), Code::QueryTooComplex);
}

/// Selections that the schema may know, with numbers as large as they come.
fn selection() -> impl Strategy<Value = String> {
    let number =
        prop_oneof![any::<i64>().prop_map(|number| number.to_string()), "[0-9]{1,3}|\\$n|\\$m|1e400|-0"];
    let argument = prop_oneof![
        (prop::sample::select(vec!["first", "last", "page", "perPage", "id"]), number.clone())
            .prop_map(|(name, number)| format!("({name}: {number})")),
        prop::collection::vec(number, 0..4).prop_map(|numbers| format!(
            "(filter: {{databaseId: {{in: [{}]}}, or: [$f, $f]}})",
            numbers.join(", ")
        )),
        Just(String::new()),
    ];
    let field = prop::sample::select(vec![
        "products",
        "product",
        "nodes",
        "edges",
        "node",
        "group",
        "groups",
        "pricing",
        "name",
        "customers",
        "services",
        "__schema",
        "types",
        "fields",
        "totalCount",
        "a: products",
        "...A",
        "...B",
        "... on Product",
        "viewer",
        "productDelete",
        "x",
    ]);
    let leaf = (field.clone(), argument.clone()).prop_map(|(field, argument)| format!("{field}{argument}"));
    leaf.prop_recursive(5, 40, 5, move |inner| {
        (field.clone(), argument.clone(), prop::collection::vec(inner, 1..5))
            .prop_map(|(field, argument, inner)| format!("{field}{argument} {{ {} }}", inner.join(" ")))
    })
}

proptest! {
    #[test]
    fn any_operation_has_a_price_or_is_refused(
        selections in prop::array::uniform3(selection()),
        kind in "query|mutation|subscription",
        number in any::<i64>(),
        filter in r#"\{"or":\[(\{\},){0,3}\{"name":\{"in":\["a","b"\]\}\}\]\}"#,
    ) {
        let [root, a, b] = selections;
        let head = format!("{kind}($n: Int, $m: Int = {number}, $f: ProductFilter)");
        let query = format!("{head} {{ {root} }} fragment A on Product {{ {a} }} fragment B on Group {{ {b} }}");
        let variables = json!({"n": number, "f": serde_json::from_str::<Json>(&filter).unwrap()});
        if let Ok(estimate) = estimate(&query, variables) {
            prop_assert!(u64::from(estimate.price()) <= Config::default().max_complexity);
        }
    }
}

#[test]
fn prices_are_written_down() {
    let text = price_table(&schema::registry());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/prices.md");
    if std::env::var_os("GUICHET_WRITE_DOCS").is_some() {
        std::fs::write(&file, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(text == kept, "docs/prices.md is not what the schema says; GUICHET_WRITE_DOCS=1 writes it");
}
