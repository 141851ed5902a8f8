//! Every list of both APIs with each of its filters and orders, found in the schema and in `openapi.json`.

use async_graphql::registry::{MetaField, MetaType, Registry};
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

/// One question about one list.
pub(crate) struct Question {
    /// The list: `services`, `Customer.services`, `GET /services`.
    pub(crate) list: String,
    /// What is asked of it: `sort`, `status`, `status eq, sort`, `page`.
    pub(crate) asks: String,
    /// The order, the operator, the page: `NAME`, `eq`, `40`.
    pub(crate) by: String,
    request: Request,
}

enum Request {
    GraphQl { document: String, variables: Json, key: &'static str },
    Rest { path: String },
}

impl Question {
    /// Asks it.
    pub(crate) async fn ask(&self, shop: &Shop) {
        match &self.request {
            Request::GraphQl { document, variables, key } => {
                let answer = shop.graphql(document, variables.clone(), key).await;
                assert!(answer.get("errors").is_none(), "{} {} {}: {answer}", self.list, self.asks, self.by);
            }
            Request::Rest { path } => {
                let (status, _, body) = shop.get(path, "all").await;
                assert_eq!(status, 200, "{path}: {body}");
            }
        }
    }
}

/// A list of GraphQL and the way to it.
struct List {
    name: String,
    /// The document up to the list's field: `{ customers(first: 2) { nodes { `.
    before: String,
    /// What ends the document.
    behind: &'static str,
    field: String,
    filter: Option<String>,
    sort: Option<String>,
    has_search: bool,
    key: &'static str,
}

/// A value of each scalar, for columns whose rows do not tell one.
const SCALARS: [(&str, &str); 8] = [
    ("ID", "7"),
    ("Decimal", "7.00"),
    ("DateTime", "2026-06-01T10:00:00Z"),
    ("Date", "2026-06-01"),
    ("String", "martin"),
    ("CountryCode", "FR"),
    ("Currency", "EUR"),
    ("Locale", "fr_FR"),
];

/// Every question of GraphQL. Values are those of a row in the middle of each table.
pub(crate) async fn of_graphql(shop: &Shop, registry: &Registry) -> Vec<Question> {
    let mut questions = Vec::new();
    for list in lists(registry) {
        let row = middle_row(shop, registry, &list).await;
        questions.extend(questions_of(registry, &list, &row));
    }
    questions
}

/// The lists of the root, of the records in them, and of the customer who asks.
fn lists(registry: &Registry) -> Vec<List> {
    let roots: Vec<&MetaField> = lists_of(registry, "Query").collect();
    let mut found: Vec<List> =
        roots.iter().map(|field| List::of(field, field.name.clone(), "{ ".to_owned(), " }", "all")).collect();
    for root in roots {
        let record = record_of(registry, &root.ty);
        for field in lists_of(registry, record) {
            let before = format!("{{ {}(first: 25) {{ nodes {{ ", root.name);
            found.push(List::of(field, format!("{record}.{}", field.name), before, " } } }", "all"));
        }
    }
    for field in lists_of(registry, "Viewer") {
        let name = format!("viewer.{}", field.name);
        found.push(List::of(field, name, "{ viewer { ".to_owned(), " } }", "customer1"));
    }
    found
}

impl List {
    fn of(field: &MetaField, name: String, before: String, behind: &'static str, key: &'static str) -> Self {
        let argument = |name: &str| field.args.get(name).map(|argument| argument.ty.clone());
        let (filter, sort) = (argument("filter"), argument("sort"));
        let has_search = field.args.contains_key("search");
        Self { name, before, behind, field: field.name.clone(), filter, sort, has_search, key }
    }

    /// A question with these arguments; `declared` declares their variables.
    fn question(&self, asks: &str, by: &str, declared: &str, arguments: &str, variables: Json) -> Question {
        self.question_with_rows(asks, by, declared, arguments, variables, "nodes { id }")
    }

    /// As [`question`](Self::question); `rows` are what is read of the rows.
    fn question_with_rows(
        &self,
        asks: &str,
        by: &str,
        declared: &str,
        arguments: &str,
        variables: Json,
        rows: &str,
    ) -> Question {
        let (before, behind, field) = (&self.before, self.behind, &self.field);
        let total = if self.is_nested() { "" } else { " totalCount" };
        let document = format!("query{declared} {before}{field}({arguments}) {{ {rows}{total} }}{behind}");
        let request = Request::GraphQl { document, variables, key: self.key };
        Question { list: self.name.clone(), asks: asks.to_owned(), by: by.to_owned(), request }
    }

    fn is_nested(&self) -> bool {
        self.before.contains("nodes")
    }
}

/// The fields of a type that are lists with cursors.
fn lists_of<'r>(registry: &'r Registry, ty: &str) -> impl Iterator<Item = &'r MetaField> + use<'r> {
    let fields =
        registry.types.get(ty).and_then(MetaType::fields).into_iter().flat_map(|fields| fields.values());
    fields.filter(|field| field.args.contains_key("after"))
}

/// Name of the type of a connection's rows.
fn record_of<'r>(registry: &'r Registry, connection: &str) -> &'r str {
    let nodes = &registry.concrete_type_by_name(connection).unwrap().field_by_name("nodes").unwrap().ty;
    registry.concrete_type_by_name(nodes).unwrap().name()
}

/// The row in the middle of a list, with the fields that its filter names too.
async fn middle_row(shop: &Shop, registry: &Registry, list: &List) -> Json {
    let root = if list.is_nested() || list.key != "all" { return Json::Null } else { &list.field };
    let record = record_of(registry, &registry.types["Query"].field_by_name(root).unwrap().ty);
    let filter = list.filter.as_deref().unwrap_or_default();
    let fields: Vec<&str> = conditions(registry, filter)
        .filter(|(name, _)| {
            registry.types[record].field_by_name(name).is_some_and(|field| field.args.is_empty())
        })
        .map(|(name, _)| name)
        .collect();
    let document = |at: u64, fields: &str| {
        format!("{{ {root}(page: {at}, perPage: 1) {{ nodes {{ {fields} }} totalCount }} }}")
    };
    let answer = shop.graphql(&document(1, "id"), json!({}), "all").await;
    let total = answer["data"][root]["totalCount"].as_u64().unwrap_or_else(|| panic!("{answer}"));
    let answer = shop.graphql(&document(total / 2 + 1, &fields.join(" ")), json!({}), "all").await;
    answer["data"][root]["nodes"][0].clone()
}

/// The conditions that a filter offers on columns: their names and types.
fn conditions<'r>(
    registry: &'r Registry,
    filter: &str,
) -> impl Iterator<Item = (&'r str, &'r str)> + use<'r> {
    let fields = match registry.types.get(filter) {
        Some(MetaType::InputObject { input_fields, .. }) => Some(input_fields),
        _ => None,
    };
    let fields = fields.into_iter().flat_map(|fields| fields.values());
    let named = fields.map(|field| (field.name.as_str(), field.ty.as_str()));
    named.filter(|(name, _)| !["and", "or", "not"].contains(name))
}

fn questions_of(registry: &Registry, list: &List, row: &Json) -> Vec<Question> {
    let plain = |asks, by, arguments: &str| list.question(asks, by, "", arguments, json!({}));
    let mut questions = vec![plain("page", "1", "first: 25"), plain("page", "40", "page: 40, perPage: 25")];
    if list.has_search {
        questions.push(plain("search", "text", "search: \"martin\", first: 25"));
    }
    let sorts = sort_fields(registry, list);
    for (field, ty) in &sorts {
        let declared = format!("($sort: {ty})");
        for direction in ["ASC", "DESC"] {
            let sort = json!({"sort": [{"field": field, "direction": direction}]});
            let by = format!("{field} {direction}");
            let arguments = "first: 25, sort: $sort";
            questions.push(list.question("sort", &by, &declared, arguments, sort.clone()));
            let rows = "nodes { id } pageInfo { endCursor }";
            questions.push(list.question_with_rows(
                "sort, with cursors",
                &by,
                &declared,
                arguments,
                sort,
                rows,
            ));
        }
    }
    let Some(filter) = &list.filter else { return questions };
    let declared = format!("($filter: {filter})");
    for (name, ty) in conditions(registry, filter) {
        for (operator, value) in operators(registry, ty, &row[name]) {
            let variables = json!({"filter": {name: {&operator: value}}});
            questions.push(list.question(
                name,
                &operator,
                &declared,
                "first: 25, filter: $filter",
                variables,
            ));
        }
        // What a list shows by its state, in any order.
        let Some(value) = enum_value(registry, ty).filter(|_| !list.is_nested()) else { continue };
        for (field, sort) in &sorts {
            let declared = format!("($filter: {filter}, $sort: {sort})");
            for direction in ["ASC", "DESC"] {
                let sort = json!([{"field": field, "direction": direction}]);
                let variables = json!({"filter": {name: {"eq": value}}, "sort": sort});
                let (asks, by) = (format!("{name} eq, sort"), format!("{field} {direction}"));
                let arguments = "first: 25, filter: $filter, sort: $sort";
                questions.push(list.question(&asks, &by, &declared, arguments, variables));
            }
        }
    }
    questions
}

/// The fields that a list can be sorted by, each with the type of the argument.
fn sort_fields<'r>(registry: &'r Registry, list: &'r List) -> Vec<(&'r str, &'r str)> {
    let Some(sort) = &list.sort else { return Vec::new() };
    let Some(MetaType::InputObject { input_fields, .. }) = registry.concrete_type_by_name(sort) else {
        return Vec::new();
    };
    let Some(MetaType::Enum { enum_values, .. }) = registry.concrete_type_by_name(&input_fields["field"].ty)
    else {
        return Vec::new();
    };
    enum_values.keys().map(|field| (field.as_str(), sort.as_str())).collect()
}

/// The last value of the enum that a condition compares with; the first is mostly what nearly all rows have.
fn enum_value(registry: &Registry, ty: &str) -> Option<Json> {
    let Some(MetaType::InputObject { input_fields, .. }) = registry.types.get(ty) else { return None };
    match registry.types.get(&input_fields.get("eq")?.ty) {
        Some(MetaType::Enum { enum_values, .. }) => enum_values.keys().last().map(|value| json!(value)),
        _ => None,
    }
}

/// The operators of a condition, each with a value; those of another record's condition for the conditions in it.
fn operators(registry: &Registry, ty: &str, found: &Json) -> Vec<(String, Json)> {
    let Some(MetaType::InputObject { input_fields, .. }) = registry.types.get(ty) else { return Vec::new() };
    if input_fields.contains_key("and") {
        let inner =
            conditions(registry, ty).filter(|(_, inner)| !registry.types[*inner].is_filter_of_records());
        let first = inner.flat_map(|(name, inner)| {
            let operators = operators(registry, inner, &Json::Null);
            operators
                .into_iter()
                .take(1)
                .map(move |(operator, value)| (name.to_owned(), json!({operator: value})))
        });
        return first.collect();
    }
    let values = input_fields.values().filter_map(|field| {
        let value = value(registry, &field.ty, found, ty)?;
        Some((field.name.clone(), value))
    });
    values.collect()
}

/// A value of an input type, the found one where there is one.
fn value(registry: &Registry, ty: &str, found: &Json, condition: &str) -> Option<Json> {
    if let Some(item) = ty.strip_prefix('[') {
        let item = item.trim_end_matches(['!', ']']);
        return value(registry, item, found, condition).map(|value| json!([value]));
    }
    Some(match (ty.trim_end_matches('!'), registry.types.get(ty.trim_end_matches('!'))) {
        ("Boolean", _) => json!(true),
        (_, Some(MetaType::Enum { enum_values, .. })) => json!(enum_values.keys().last()?),
        (_, Some(MetaType::InputObject { input_fields, .. })) => {
            let bound = |name: &str| value(registry, &input_fields.get(name)?.ty, found, condition);
            json!({"from": bound("from")?, "to": bound("to")?})
        }
        // A key is a text here, and a number in some rows.
        ("Int", _) => {
            if found.is_i64() {
                found.clone()
            } else {
                json!(7)
            }
        }
        _ if found.is_string() => found.clone(),
        (scalar, _) => {
            let example = SCALARS.iter().find(|(name, _)| *name == scalar);
            json!(
                example
                    .unwrap_or_else(|| panic!("{condition} compares with {scalar}: give an example of it"))
                    .1
            )
        }
    })
}

/// Whether an input type is the filter of a record, not a condition on a column.
trait FilterOfRecords {
    fn is_filter_of_records(&self) -> bool;
}

impl FilterOfRecords for MetaType {
    fn is_filter_of_records(&self) -> bool {
        matches!(self, Self::InputObject { input_fields, .. } if input_fields.contains_key("and"))
    }
}

/// Every question of REST, from the parameters in `openapi.json`.
pub(crate) fn of_rest() -> Vec<Question> {
    let document: Json = serde_json::from_str(include_str!("../../../openapi.json")).unwrap();
    let mut questions = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let references = operations["get"]["parameters"].as_array().into_iter().flatten();
        let component = |reference: &Json| {
            let place = reference["$ref"].as_str().unwrap().trim_start_matches('#');
            document.pointer(place).unwrap()
        };
        let parameters = references.map(component).filter(|parameter| parameter["in"] == "query");
        let parameters: Vec<&Json> = parameters.collect();
        let is_list = parameters.iter().any(|parameter| parameter["name"] == "per_page");
        if !is_list || path.contains('{') {
            continue;
        }
        let mut question = |asks: &str, by: &str, query: &str| {
            let (asks, by) = (asks.to_owned(), by.to_owned());
            let request = Request::Rest { path: format!("/api{path}?{query}") };
            questions.push(Question { list: format!("GET {path}"), asks, by, request });
        };
        question("page", "1", "per_page=25");
        question("page", "40", "per_page=25&page=40");
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap();
            for (asks, by) in rest_values(name, &parameter["schema"]) {
                question(asks, &by, &format!("{name}={by}"));
            }
        }
    }
    questions
}

/// What is asked by one parameter, each time with which value.
fn rest_values<'n>(name: &'n str, schema: &Json) -> Vec<(&'n str, String)> {
    let by = |value| (name, value);
    match name {
        "q" => vec![("q", "martin".to_owned())],
        "sort" => words(schema).flat_map(|word| [word.to_owned(), format!("-{word}")]).map(by).collect(),
        "include" => {
            let forms = |word| ["", "Count", "Exists"].map(|form| format!("{word}{form}"));
            words(schema).flat_map(forms).map(by).collect()
        }
        _ if name.starts_with("filter[") => vec![(name, "7".to_owned())],
        _ => Vec::new(),
    }
}

/// The names that a list of them takes: the first choice in its pattern.
fn words(schema: &Json) -> impl Iterator<Item = &str> {
    let pattern = schema["pattern"].as_str().unwrap();
    // The outermost brackets hold the whole list.
    let pattern = pattern.trim_start_matches("^(");
    let (choice, _) = pattern.split_once('(').and_then(|(_, behind)| behind.split_once(')')).unwrap();
    choice.split('|')
}
