//! Documents of about a thousand tokens that are expensive to validate, and the introspection query of tools.

/// Names and texts of documents that are expensive to validate.
pub fn dear() -> Vec<(&'static str, String)> {
    let nodes = |inside: String| format!("{{ products {{ nodes {{ {inside} }} }} }}");
    let fragments = |on: &str, count: usize, inside: &dyn Fn(usize) -> String| {
        each(count, |at| format!("fragment F{at} on {on} {{ {} }} ", inside(at)))
    };
    let spreads = each(100, |at| format!("...F{at} "));
    vec![
        ("100 fragments", nodes(spreads.clone()) + &fragments("Product", 100, &|_| "name".to_owned())),
        (
            "fragments that nobody spreads",
            nodes("name".to_owned()) + &fragments("Product", 130, &|_| "name".to_owned()),
        ),
        (
            "a chain of 100 fragments",
            "{ ...F0 } ".to_owned() + &fragments("Query", 100, &|at| format!("...F{}", at + 1)),
        ),
        (
            "fragments that each spread the last five",
            nodes("...F60".to_owned()) + &fragments("Product", 61, &earlier),
        ),
        ("one field 950 times", nodes("name ".repeat(950))),
        ("one object 230 times", nodes("group { name } ".repeat(230))),
        ("one alias of two fields", nodes("x: name x: status ".repeat(150))),
        (
            "one alias with other arguments",
            format!("{{ {} }}", each(90, |at| format!("a: products(perPage: {at}) {{ totalCount }} "))),
        ),
        (
            "one field with other arguments",
            format!("{{ {} }}", each(90, |at| format!("products(perPage: {at}) {{ totalCount }} "))),
        ),
        ("950 unknown fields", nodes(each(950, |at| format!("nam{at} ")))),
        (
            "300 unknown arguments",
            format!("{{ products({}) {{ totalCount }} }}", each(300, |at| format!("perPag{at}: 1 "))),
        ),
        (
            "inline fragments, 190 deep",
            "{ ... on Query ".repeat(190) + "{ health { status } }" + &"}".repeat(190),
        ),
        (
            "240 variables",
            format!("query({}) {{ health {{ status }} }}", each(240, |at| format!("$v{at}: Int "))),
        ),
        (
            "240 variables of no type",
            format!("query({}) {{ health {{ status }} }}", each(240, |at| format!("$v{at}: T{at} "))),
        ),
        ("140 operations", each(140, |at| format!("query Q{at} {{ health {{ status }} }} "))),
        ("a list of 950 numbers", format!("{{ products(filter: [{}]) {{ totalCount }} }}", "1 ".repeat(950))),
        (
            "an object 200 deep",
            format!("{{ products(filter: {}1{}) {{ totalCount }} }}", "{and: ".repeat(200), "}".repeat(200)),
        ),
    ]
}

/// Spreads of the five fragments before this one; the first ones ask for a field.
fn earlier(at: usize) -> String {
    if at < 5 { "name".to_owned() } else { (at - 5..at).map(|at| format!("...F{at} ")).collect() }
}

fn each(count: usize, write: impl Fn(usize) -> String) -> String {
    (0..count).map(write).collect()
}

/// The introspection query that tools send.
pub const INTROSPECTION: &str = "\
query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } \
types { ...FullType } directives { name description locations args { ...InputValue } } } } \
fragment FullType on __Type { kind name description \
fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
inputFields { ...InputValue } interfaces { ...TypeRef } \
enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } \
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue } \
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
