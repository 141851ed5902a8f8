//! Lists are walked by cursors: every list of the schema, in every order that it offers, forwards and
//! backwards, also while rows come and go.

use async_graphql::registry::{MetaField, MetaType, Registry};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use facade::Ability;
use facade::node::{NodeType, NodeTypes as _};
use guichet::resource::Nodes;
use guichet::server::schema;
use sea_orm::DbBackend;
use serde_json::{Value as Json, json};

use crate::harness::rows::SCHEMA;
use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;
use crate::harness::walk::needs_of;

/// The member of staff whose key asks here.
const KEY_OWNER: i64 = 1;

/// A list at the root of the schema.
pub(crate) struct Listing {
    pub(crate) field: String,
    /// Name of the type of its rows.
    row: String,
    pub(crate) sort: String,
    sorts: Vec<String>,
    searches: bool,
}

impl Listing {
    /// The table that holds the rows.
    fn table(&self) -> String {
        let mut records = Nodes::NODES.iter().map(NodeType::record);
        let record = records.find(|record| record.name == self.row);
        record.unwrap_or_else(|| panic!("{} is no node", self.row)).table.to_owned()
    }

    /// A list with the arguments of a field.
    pub(crate) fn of(registry: &Registry, field: &MetaField) -> Self {
        let sort = registry.concrete_type_by_name(&field.args["sort"].ty).unwrap();
        let MetaType::InputObject { input_fields, .. } = sort else { panic!("{} has no order", field.name) };
        let Some(MetaType::Enum { enum_values, .. }) =
            registry.concrete_type_by_name(&input_fields["field"].ty)
        else {
            panic!("{} has no order", field.name)
        };
        Self {
            field: field.name.clone(),
            row: row(registry, &field.ty),
            sort: sort.name().to_owned(),
            sorts: enum_values.keys().cloned().collect(),
            searches: field.args.contains_key("search"),
        }
    }

    /// The order by primary key, each other one in both directions, and some by two keys.
    pub(crate) fn orders(&self) -> Vec<Json> {
        let key = |field: &String, direction: &str| json!({"field": field, "direction": direction});
        let single = self.sorts.iter().flat_map(|field| ["ASC", "DESC"].map(|way| json!([key(field, way)])));
        let pairs = self.sorts.windows(2).map(|pair| json!([key(&pair[0], "DESC"), key(&pair[1], "ASC")]));
        let all =
            self.sorts.iter().enumerate().map(|(at, field)| key(field, ["ASC", "DESC"][at % 2])).skip(1);
        let all = json!(all.collect::<Vec<_>>());
        [Json::Null, all].into_iter().chain(single).chain(pairs).collect()
    }
}

pub(crate) fn listings() -> Vec<Listing> {
    let registry = schema::registry();
    let lists =
        registry.types["Query"].fields().unwrap().values().filter(|field| field.args.contains_key("after"));
    lists.map(|field| Listing::of(&registry, field)).collect()
}

/// Name of the type of a connection's rows.
fn row(registry: &Registry, connection: &str) -> String {
    let nodes = &registry.concrete_type_by_name(connection).unwrap().field_by_name("nodes").unwrap().ty;
    registry.concrete_type_by_name(nodes).unwrap().name().to_owned()
}

/// The recorded shop with the example rows of the resources, and rows that are hard to order: ties, nothing, accents,
/// long texts.
pub(crate) async fn shop() -> Shop {
    let shop = Shop::with("fr", |config| {
        config.rate_limit = None;
        config.cost_limit = None;
    })
    .await;
    shop.add_examples().await;
    let long = "x".repeat(300);
    let names = ["Été", "ete", "ETE", "Zoé", "a_b", "A b", "%", "'", "œuf", "oeuf", "été ", "Ünique"];
    for (at, name) in names.iter().enumerate() {
        let (id, name) = (101 + at, name.replace('\'', "''"));
        let status = ["active", "hidden", "unreferenced"][at % 3];
        let text = format!("{}{}", ["", "é", &long, &long][at % 4], at % 2);
        // In the hour that autumn repeats, or in the one that spring skips.
        let made = ["NULL", "'2026-10-25 02:30:00'", "'2026-03-29 02:30:00'"][at % 3];
        let pinned = if at % 2 == 0 { "TRUE" } else { "FALSE" };
        let statements = [
            format!(
                "INSERT INTO {} (id, name, slug, status, description, pinned, sort_order, parent_id, created_at) \
                 VALUES ({id}, '{name}', 'slug-{id}', '{status}', '{text}', {pinned}, {}, {}, {made})",
                shop.quoted("groups"),
                at as i64 % 3 - 1,
                if at % 2 == 0 { "NULL" } else { "1" },
            ),
            format!(
                "INSERT INTO products (id, name, group_id, status, description, pinned, stock, type, sort_order, \
                 created_at, updated_at) VALUES ({id}, '{name}', {}, '{status}', '{text}', {pinned}, {}, 'none', 1, \
                 {made}, {made})",
                at % 3 + 1,
                at as i64 % 2 - 1,
            ),
            format!(
                "INSERT INTO pricings (id, related_id, currency, weekly, monthly, setup_monthly) VALUES \
                 ({id}, {id}, 'EUR', {}, {}, {})",
                ["NULL", "2.99", "0.1"][at % 3],
                ["2.99", "0.1", "NULL", "16777217", "0.30000001"][at % 5],
                ["NULL", "0"][at % 2],
            ),
        ];
        for statement in statements {
            shop.sql(&statement).await;
        }
    }
    shop
}

/// One part of a list.
pub(crate) struct Part {
    pub(crate) ids: Vec<i64>,
    pub(crate) info: Json,
}

/// Asks for a part of a list that must be answered.
pub(crate) async fn part(
    shop: &Shop,
    list: &Listing,
    sort: &Json,
    paging: &str,
    cursor: Option<&str>,
) -> Part {
    let answer = ask(shop, list, sort, paging, cursor).await;
    assert!(answer.get("errors").is_none(), "{} {sort} {paging}: {answer}", list.field);
    let part = &answer["data"]["list"];
    let edges = part["edges"].as_array().unwrap();
    let ids = edges.iter().map(|edge| edge["node"]["databaseId"].as_i64().unwrap()).collect();
    let ends = [edges.first(), edges.last()].map(|edge| edge.map_or(&Json::Null, |edge| &edge["cursor"]));
    assert_eq!([&part["pageInfo"]["startCursor"], &part["pageInfo"]["endCursor"]], ends);
    Part { ids, info: part["pageInfo"].clone() }
}

pub(crate) async fn ask(
    shop: &Shop,
    list: &Listing,
    sort: &Json,
    paging: &str,
    cursor: Option<&str>,
) -> Json {
    let query = format!(
        "query($sort: [{}!], $cursor: String) {{ list: {}(sort: $sort, {}) {{ edges {{ cursor node {{ databaseId }} }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}",
        list.sort,
        list.field,
        if cursor.is_some() {
            paging.to_owned()
        } else {
            paging.replace("after: $cursor", "").replace("before: $cursor", "")
        }
    );
    let query = if cursor.is_some() { query } else { query.replace(", $cursor: String", "") };
    shop.graphql(&query, json!({"sort": sort, "cursor": cursor}), "all").await
}

/// The whole list.
pub(crate) async fn all(shop: &Shop, list: &Listing, sort: &Json) -> Vec<i64> {
    let whole = part(shop, list, sort, "first: 100", None).await;
    assert_eq!(whole.info["hasNextPage"], false, "{} is too long for this test", list.field);
    whole.ids
}

#[tokio::test]
async fn every_list_is_walked_in_every_order() {
    let shop = shop().await;
    let mut walks = 0;
    for list in listings() {
        for (at, sort) in list.orders().into_iter().enumerate() {
            let whole = all(&shop, &list, &sort).await;
            assert!(whole.len() > 10, "{} has too few rows", list.field);
            // The order by primary key in both directions and several sizes, each other one in one direction.
            let sizes = if sort.is_null() { vec![1, 2, 5, 100] } else { vec![[3, 4, 7][at % 3]] };
            let backward = (at + at / 2) % 2 == 1;
            for size in sizes {
                let label = format!("{} by {sort}, {size} at a time", list.field);
                if sort.is_null() || !backward {
                    assert_eq!(forwards(&shop, &list, &sort, size).await, whole, "{label}, forwards");
                    walks += 1;
                }
                if sort.is_null() || backward {
                    assert_eq!(backwards(&shop, &list, &sort, size).await, whole, "{label}, backwards");
                    walks += 1;
                }
            }
        }
    }
    println!("{walks} walks");
    shop.close().await;
}

async fn forwards(shop: &Shop, list: &Listing, sort: &Json, size: usize) -> Vec<i64> {
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let paging = format!("first: {size}, after: $cursor");
        let part = part(shop, list, sort, &paging, cursor.as_deref()).await;
        assert_eq!(part.info["hasPreviousPage"], !seen.is_empty(), "{} {sort} {seen:?}", list.field);
        seen.extend(part.ids);
        if part.info["hasNextPage"] != true {
            return seen;
        }
        assert_eq!(seen.len() % size, 0);
        assert!(seen.len() <= 100, "{} {sort} has no end: {seen:?}", list.field);
        cursor = part.info["endCursor"].as_str().map(ToOwned::to_owned);
    }
}

async fn backwards(shop: &Shop, list: &Listing, sort: &Json, size: usize) -> Vec<i64> {
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let paging = format!("last: {size}, before: $cursor");
        let part = part(shop, list, sort, &paging, cursor.as_deref()).await;
        assert_eq!(part.info["hasNextPage"], !seen.is_empty(), "{} {sort} {seen:?}", list.field);
        seen.splice(0..0, part.ids);
        if part.info["hasPreviousPage"] != true {
            return seen;
        }
        assert!(seen.len() <= 100, "{} {sort} has no end: {seen:?}", list.field);
        cursor = part.info["startCursor"].as_str().map(ToOwned::to_owned);
    }
}

/// A search puts exact matches first, and is walked in that order.
#[tokio::test]
async fn searches_are_walked_too() {
    let shop = shop().await;
    for list in listings().iter().filter(|list| list.searches) {
        for text in ["e", "ete", "été", "customer1@example.com"] {
            let query = format!(
                "query($text: String, $size: Int, $after: String, $last: Int, $before: String) {{ list: {}(search: $text, \
                 first: $size, after: $after, last: $last, before: $before) {{ edges {{ cursor node {{ databaseId }} }} \
                 nodes {{ databaseId }} pageInfo {{ hasNextPage hasPreviousPage }} }} }}",
                list.field
            );
            let whole = shop.graphql(&query, json!({"text": text, "size": 100}), "all").await;
            let whole =
                whole["data"]["list"]["nodes"].as_array().unwrap_or_else(|| panic!("{whole}")).clone();
            for (size, after, far) in
                [("size", "after", "hasNextPage"), ("last", "before", "hasPreviousPage")]
            {
                let (mut seen, mut cursor) = (Vec::new(), Json::Null);
                loop {
                    let answer =
                        shop.graphql(&query, json!({"text": text, size: 2, after: cursor}), "all").await;
                    let part = &answer["data"]["list"];
                    let nodes = part["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
                    let edges = part["edges"].as_array().unwrap();
                    let next = if after == "after" { edges.last() } else { edges.first() };
                    let at = if after == "after" { seen.len() } else { 0 };
                    cursor = next.map_or(Json::Null, |edge| edge["cursor"].clone());
                    seen.splice(at..at, nodes);
                    if part["pageInfo"][far] != true {
                        break;
                    }
                    assert!(seen.len() <= 100, "{} {text} has no end", list.field);
                }
                assert_eq!(seen, whole, "{} with {text}, by {after}", list.field);
            }
        }
    }
    // A cursor stands in the order of its own search.
    let query = "query($text: String, $after: String) { products(search: $text, after: $after) { edges { cursor } } }";
    let answer = shop.graphql(query, json!({"text": "e"}), "all").await;
    let cursor = &answer["data"]["products"]["edges"][0]["cursor"];
    for (text, works) in [(json!("e"), true), (json!("ete"), false), (Json::Null, false)] {
        let answer = shop.graphql(query, json!({"text": text, "after": cursor}), "all").await;
        assert_eq!(answer.get("errors").is_none(), works, "{text}: {answer}");
    }
    shop.close().await;
}

/// While a list is walked, rows come and go at every place of it, those under the cursors included. What
/// was there all the time is seen once, and everything that is seen is in its order.
#[tokio::test]
async fn walks_bear_rows_that_come_and_go() {
    let shop = shop().await;
    for list in listings() {
        // Rows of other tables do not come back.
        if !SCHEMA[&list.table()].names().any(|column| column == "deleted_at") {
            continue;
        }
        let table = shop.quoted(&list.table());
        for (at, sort) in list.orders().iter().step_by(2).enumerate() {
            // The order by primary key in both directions, each other one in one.
            let directions = [false, true].into_iter();
            for backward in directions.filter(|way| sort.is_null() || *way == (at % 2 == 1)) {
                let mut whole = all(&shop, &list, sort).await;
                if backward {
                    whole.reverse();
                }
                let place = |id: &i64| whole.iter().position(|known| known == id).unwrap();
                let set = |ids: Vec<i64>, value: &'static str| {
                    let ids: String = ids.iter().map(|id| format!(", {id}")).collect();
                    format!("UPDATE {table} SET deleted_at = {value} WHERE id IN (0{ids})")
                };
                const GONE: &str = "'2026-11-20 10:00:00'";
                // The key would end with its owner.
                let may_go = |id: &i64| list.table() != "admins" || *id != KEY_OWNER;
                // Every fourth row comes later.
                let hidden: Vec<i64> = whole.iter().copied().step_by(4).filter(may_go).collect();
                shop.sql(&set(hidden.clone(), GONE)).await;
                let (mut seen, mut gone, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
                for round in 0.. {
                    let paging =
                        if backward { "last: 3, before: $cursor" } else { "first: 3, after: $cursor" };
                    let mut part = part(&shop, &list, sort, paging, cursor.as_deref()).await;
                    if backward {
                        part.ids.reverse();
                    }
                    seen.extend(part.ids);
                    let (more, next) = if backward {
                        ("hasPreviousPage", "startCursor")
                    } else {
                        ("hasNextPage", "endCursor")
                    };
                    if part.info[more] != true {
                        break;
                    }
                    cursor = part.info[next].as_str().map(ToOwned::to_owned);
                    assert!(round < 100, "{} {sort} has no end", list.field);
                    // The row under the cursor goes, and one further on; two come.
                    let under = *seen.last().unwrap();
                    let goes = [Some(under), whole.get(place(&under) + 3).copied()];
                    let goes = goes.into_iter().flatten().filter(may_go);
                    let goes: Vec<i64> = goes.filter(|id| !hidden.contains(id)).collect();
                    shop.sql(&set(goes.clone(), GONE)).await;
                    gone.extend(goes);
                    let comes = [hidden.get(round), hidden.get(hidden.len().saturating_sub(round + 1))];
                    shop.sql(&set(comes.into_iter().flatten().copied().collect(), "NULL")).await;
                }
                let label = format!("{} by {sort}, backward: {backward}: {seen:?} of {whole:?}", list.field);
                assert!(seen.is_sorted_by(|one, other| place(one) < place(other)), "{label}");
                let stayed = whole.iter().filter(|id| !hidden.contains(id) && !gone.contains(id));
                assert!(stayed.clone().all(|id| seen.contains(id)), "{label}");
                shop.sql(&set(whole.clone(), "NULL")).await;
            }
        }
    }
    shop.close().await;
}

/// Whatever a cursor is, it is a position in this order or refused.
#[tokio::test]
async fn made_up_cursors_are_refused() {
    let shop = shop().await;
    let plain = |value: &str| URL_SAFE_NO_PAD.encode(value);
    for list in listings() {
        // Each order upwards, and none by several keys: those are read key by key.
        for sort in list
            .orders()
            .into_iter()
            .step_by(2)
            .filter(|sort| sort.as_array().is_none_or(|keys| keys.len() < 2))
        {
            let first = part(&shop, &list, &sort, "first: 1", None).await;
            let real = first.info["startCursor"].as_str().unwrap().to_owned();
            let values: Vec<Json> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&real).unwrap()).unwrap();
            assert!((2..=3).contains(&values.len()), "{values:?}");
            let mut made_up = vec![
                real.clone() + "A",
                real.to_lowercase(),
                plain("[]"),
                plain(&json!(values[..1]).to_string()),
            ];
            for at in 1..values.len() {
                for value in [
                    Json::Null,
                    json!("1"),
                    json!("a\0"),
                    json!(""),
                    json!(1.5),
                    json!(true),
                    json!([]),
                    json!({}),
                    json!(-1),
                    json!(i64::MAX),
                    json!(i64::MIN),
                    json!(u64::MAX),
                    json!(f64::NAN.to_bits()),
                    json!(4_000_000_000_u64),
                ] {
                    let mut values = values.clone();
                    values[at] = value;
                    made_up.push(plain(&json!(values).to_string()));
                }
            }
            let pagings = ["first: 1, after: $cursor", "last: 1, before: $cursor"];
            for (cursor, paging) in made_up.iter().zip(pagings.into_iter().cycle()) {
                let answer = ask(&shop, &list, &sort, paging, Some(cursor)).await;
                let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
                assert!(["", "BAD_USER_INPUT"].contains(&code), "{} {sort} {cursor}: {answer}", list.field);
            }
        }
        for cursor in [
            "",
            "x",
            "cm93OjEy",
            "😀",
            &plain("row:12"),
            &plain("[1,2]"),
            &plain("[null]"),
            &plain(&"[".repeat(10_000)),
        ] {
            let answer = ask(&shop, &list, &Json::Null, "first: 1, after: $cursor", Some(cursor)).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{cursor}: {answer}");
        }
    }
    shop.close().await;
}

/// A cursor belongs to its list and order, and says so.
#[tokio::test]
async fn cursors_belong_to_an_order() {
    let shop = shop().await;
    let listings = listings();
    for list in &listings {
        let orders = list.orders();
        let own = part(&shop, list, &orders[0], "first: 1", None).await.info["endCursor"].clone();
        let own = own.as_str().unwrap();
        assert!(own.len() < 40, "{own}");
        let other = listings.iter().find(|other| other.row != list.row).unwrap();
        let by_name = json!([{"field": list.sorts[1], "direction": "ASC"}]);
        let against = json!([{"field": "ID", "direction": "DESC"}]);
        for (list, sort) in [(list, &by_name), (list, &against), (other, &Json::Null)] {
            let answer = ask(&shop, list, sort, "first: 1, after: $cursor", Some(own)).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
            assert!(error["message"].as_str().unwrap().contains("another list or order"), "{answer}");
        }
        // What says the same as the order by primary key is the same order.
        let same =
            json!([{"field": "ID", "direction": "ASC"}, {"field": list.sorts[1], "direction": "DESC"}]);
        part(&shop, list, &same, "first: 1, after: $cursor", Some(own)).await;
    }
    shop.close().await;
}

/// Cursors reveal the values that a list is ordered by: it must be what everybody sees who may ask for the list.
#[test]
fn orders_tell_nothing_that_is_guarded() {
    let registry = schema::registry();
    for list in listings() {
        for sort in &list.sorts {
            let name = if sort == "ID" { "databaseId".to_owned() } else { camel(sort) };
            let field = registry.types[&list.row].field_by_name(&name);
            if field.is_none() && is_computed(&registry, &list, &name) {
                continue;
            }
            let field =
                field.unwrap_or_else(|| panic!("{} is ordered by {sort}, which it doesn't show", list.row));
            let asked = needs_of(registry.types["Query"].field_by_name(&list.field).unwrap());
            let asked = asked.filter(|needs| !needs.is_empty());
            let is_seen = |needs: Vec<Ability>| {
                asked.as_ref().is_some_and(|asked| asked.iter().all(|ability| needs.contains(ability)))
            };
            assert!(needs_of(field).is_none_or(is_seen), "{} is ordered by {name}", list.row);
        }
    }
}

/// Whether a list is ordered by what no column holds. The order has the guard of the condition on it.
fn is_computed(registry: &Registry, list: &Listing, name: &str) -> bool {
    let filter = registry.concrete_type_by_name(&list.sort.replace("Sort", "Filter"));
    let Some(MetaType::InputObject { input_fields, .. }) = filter else { return false };
    input_fields.get(name).is_some_and(|input| facade::guard::Can::read_input(input).is_some())
}

fn camel(upper: &str) -> String {
    let mut words = upper.split('_').map(str::to_lowercase);
    let first = words.next().unwrap();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

/// Columns without a length are compared by the beginning of their texts, which is all that a cursor holds
/// of them: `#[sea_orm(column_type = "Text")]` in the entity says that.
#[tokio::test]
async fn long_texts_make_no_long_cursors() {
    let shop = shop().await;
    let mut long = 0;
    for list in listings() {
        for sort in list.sorts.iter().filter(|sort| *sort != "ID") {
            let (table, column) = (list.table(), sort.to_lowercase());
            let kind = match *BACKEND {
                DbBackend::Sqlite => {
                    format!("SELECT type FROM pragma_table_info('{table}') WHERE name = '{column}'")
                }
                DbBackend::Postgres => format!(
                    "SELECT data_type::text FROM information_schema.columns WHERE table_name = '{table}' AND column_name = '{column}'"
                ),
                _ => format!(
                    "SELECT CAST(data_type AS CHAR) FROM information_schema.columns WHERE table_schema = DATABASE() \
                     AND table_name = '{table}' AND column_name = '{column}'"
                ),
            };
            // What is computed has no column.
            let Some(kind) = shop.text(&kind).await else { continue };
            if !kind.to_lowercase().starts_with("text") {
                continue;
            }
            let text = "x".repeat(10_000);
            shop.sql(&format!("UPDATE {} SET {column} = '{text}'", shop.quoted(&table))).await;
            let sort = json!([{"field": sort, "direction": "ASC"}]);
            let first = part(&shop, &list, &sort, "first: 1", None).await;
            assert!(first.info["endCursor"].as_str().unwrap().len() < 500, "{table}.{column}");
            long += 1;
        }
    }
    assert!(long > 1, "{long}");
    shop.close().await;
}
