//! Slices of lists: which rows they have, their `pageInfo` and `totalCount`, and the statements that they cost.

use std::time::Duration;

use sea_orm::DbBackend;
use serde_json::{Value as Json, json};

use crate::graphql::cursors::{all, ask, listings, part, shop};
use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;

#[tokio::test]
async fn sizes_and_ends_are_as_relay_says() {
    let shop = shop().await;
    let list = &listings().into_iter().find(|list| list.field == "products").unwrap();
    let whole = all(&shop, list, &Json::Null).await;
    let cursor = |at: usize| {
        let (shop, list) = (&shop, list);
        async move {
            let page = format!("page: {}, perPage: 1", at + 1);
            part(shop, list, &Json::Null, &page, None).await.info["endCursor"].as_str().unwrap().to_owned()
        }
    };
    let (second, sixth) = (cursor(1).await, cursor(5).await);
    let between = format!("after: \"{second}\", before: \"{sixth}\"");
    // Rows 2, 3 and 4 lie between the cursors.
    for (paging, rows, previous, next) in [
        ("first: 0".to_owned(), 0..0, false, true),
        ("last: 0".to_owned(), 0..0, true, false),
        ("first: 2".to_owned(), 0..2, false, true),
        ("first: 100".to_owned(), 0..whole.len(), false, false),
        ("last: 100".to_owned(), 0..whole.len(), false, false),
        ("last: 2".to_owned(), whole.len() - 2..whole.len(), true, false),
        (between.clone(), 2..5, true, true),
        (format!("{between}, first: 2"), 2..4, true, true),
        // Of what lies behind `before`, Relay asks nothing where `first` is given.
        (format!("{between}, first: 3"), 2..5, true, false),
        (format!("{between}, last: 2"), 3..5, true, true),
        (format!("{between}, last: 3"), 2..5, false, true),
        (format!("after: \"{sixth}\", before: \"{second}\""), 0..0, true, true),
        (format!("before: \"{sixth}\""), 0..5, false, true),
        (format!("perPage: 2, after: \"{second}\""), 2..4, true, true),
        ("page: 2, perPage: 3".to_owned(), 3..6, true, true),
        ("page: 2, first: 3".to_owned(), 3..6, true, true),
        ("page: 100".to_owned(), 0..0, true, false),
    ] {
        let part = part(&shop, list, &Json::Null, &paging, None).await;
        assert_eq!(part.ids, whole[rows], "{paging}");
        assert_eq!(
            (&part.info["hasPreviousPage"], &part.info["hasNextPage"]),
            (&json!(previous), &json!(next)),
            "{paging}"
        );
    }
    for paging in [
        "first: 1, last: 1".to_owned(),
        "perPage: 1, last: 1".to_owned(),
        "page: 1, last: 1".to_owned(),
        format!("page: 1, after: \"{second}\""),
        format!("page: 1, before: \"{second}\""),
        "first: -1".to_owned(),
        "page: 0".to_owned(),
    ] {
        let answer = ask(&shop, list, &Json::Null, &paging, None).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{paging}: {answer}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains('`'), "{answer}");
    }
    // If all rows were deleted, none precede and none follow.
    shop.sql("UPDATE products SET deleted_at = '2026-11-20 10:00:00'").await;
    for paging in
        [format!("after: \"{second}\""), format!("last: 2, before: \"{second}\""), "page: 3".to_owned()]
    {
        let part = part(&shop, list, &Json::Null, &paging, None).await;
        assert_eq!(
            (part.ids.len(), &part.info["hasPreviousPage"], &part.info["hasNextPage"]),
            (0, &json!(false), &json!(false)),
            "{paging}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn totals_are_those_of_the_whole_list() {
    let shop = Shop::with("fr", |config| config.count_ttl = Duration::ZERO).await;
    let query = |paging: &str| {
        format!("{{ products({paging}) {{ totalCount edges {{ cursor }} pageInfo {{ hasNextPage }} }} }}")
    };
    let answer = shop.graphql(&query("first: 100"), json!({}), "all").await;
    let total = answer["data"]["products"]["edges"].as_array().unwrap().len();
    let cursor = &answer["data"]["products"]["edges"][2]["cursor"];
    for (paging, statements) in [
        ("first: 100".to_owned(), 1),
        ("last: 100".to_owned(), 1),
        (format!("first: {total}"), 1),
        ("first: 2".to_owned(), 2),
        ("last: 2".to_owned(), 2),
        ("page: 2, perPage: 5".to_owned(), 2),
        (format!("after: {cursor}"), 2),
        (format!("last: 50, before: {cursor}"), 2),
    ] {
        let before = shop.statements();
        let answer = shop.graphql(&query(&paging), json!({}), "all").await;
        assert_eq!(answer["data"]["products"]["totalCount"], total, "{paging}: {answer}");
        assert_eq!(shop.statements() - before, statements, "{paging}");
    }
    shop.close().await;
}

/// Everything that a connection tells costs one statement; what isn't asked for isn't read, and REST reads
/// its rows alone.
#[tokio::test]
async fn cursors_cost_no_statement() {
    let shop = shop().await;
    let sort = json!([{"field": "NAME", "direction": "ASC"}]);
    let query = "query($sort: [ProductSort!], $first: Int, $after: String, $last: Int, $before: String) { products(sort: \
                 $sort, first: $first, after: $after, last: $last, before: $before) { edges { cursor node { name } } \
                 pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let answer = shop.graphql(query, json!({"sort": sort, "first": 5}), "all").await;
    let cursor = &answer["data"]["products"]["edges"][3]["cursor"];
    for paging in [
        json!({"first": 3}),
        json!({"last": 3}),
        json!({"first": 3, "after": cursor}),
        json!({"last": 3, "before": cursor}),
        json!({"after": cursor}),
        json!({"before": cursor}),
    ] {
        let before = shop.statements();
        let mut variables = paging.clone();
        variables["sort"] = sort.clone();
        let answer = shop.graphql(query, variables, "all").await;
        assert!(answer.get("errors").is_none(), "{answer}");
        assert_eq!(shop.statements() - before, 1, "{paging}");
        assert!(shop.last_statement().contains("position_0"));
    }
    for part in [
        "nodes { name }",
        "edges { node { name } }",
        "nodes { name } totalCount",
        "nodes { name } pageInfo { hasNextPage hasPreviousPage }",
        "edges { node { name } cursor @skip(if: true) } pageInfo { hasNextPage }",
    ] {
        let query = format!("{{ products(sort: [{{field: NAME}}], page: 2, perPage: 50) {{ {part} }} }}");
        let answer = shop.graphql(&query, json!({}), "all").await;
        assert!(answer.get("errors").is_none(), "{answer}");
        let sql = shop.last_statement();
        assert!(!sql.contains("position_") && !sql.contains("rows_"), "{query} {sql}");
    }
    let (status, _, _) = shop.get("/api/application/products?sort=name&per_page=2&page=2", "all").await;
    assert_eq!(status, 200);
    assert!(!shop.last_statement().contains("position_"), "{}", shop.last_statement());
    shop.close().await;
}

/// The default order is by primary key, for every cursor.
#[tokio::test]
async fn the_default_order_is_read_from_the_primary_key() {
    let shop = shop().await;
    for list in listings() {
        let first = part(&shop, &list, &Json::Null, "first: 5", None).await;
        let cursor = first.info["endCursor"].as_str().unwrap().to_owned();
        for paging in ["first: 2, after: $cursor", "last: 2, before: $cursor"] {
            part(&shop, &list, &Json::Null, paging, Some(&cursor)).await;
            let plan = shop.plan(&shop.last_statement()).await;
            let by_key = match *BACKEND {
                DbBackend::MySql => plan.contains("PRIMARY") && !plan.contains("filesort"),
                DbBackend::Postgres => plan.contains("_pkey") && !plan.contains("Sort"),
                _ => plan.contains("USING INTEGER PRIMARY KEY (rowid") && !plan.contains("TEMP B-TREE"),
            };
            assert!(by_key, "{} {paging}: {plan}", list.field);
        }
    }
    shop.close().await;
}

/// Behind 1,000 rows, a page is found by its keys, and the next one begins where that ended; in any order.
#[tokio::test]
async fn deep_pages_are_those_of_the_list() {
    let shop = Shop::with("en", |config| {
        (config.count_ttl, config.rate_limit, config.cost_limit) = (Duration::from_secs(1), None, None);
    })
    .await;
    let rows = (2000..3400).map(|id| {
        let deleted = if id % 7 == 0 { "'2026-11-20 10:00:00'" } else { "NULL" };
        format!("({id}, 'Name {:03}', 'slug-{id}', 'active', '', {}, {deleted})", id % 40, id % 3)
    });
    let rows: Vec<_> = rows.collect();
    let columns = "id, name, slug, status, description, sort_order, deleted_at";
    shop.sql(&format!("INSERT INTO {} ({columns}) VALUES {}", shop.quoted("groups"), rows.join(", "))).await;
    for sort in
        ["[]", "[{field: NAME, direction: DESC}, {field: SORT_ORDER}]", "[{field: ID, direction: DESC}]"]
    {
        let ids = async |page: usize, per_page: usize| {
            let query = format!(
                "{{ groups(sort: {sort}, page: {page}, perPage: {per_page}) {{ nodes {{ databaseId }} pageInfo {{ hasNextPage }} }} }}"
            );
            let answer = shop.graphql(&query, json!({}), "all").await;
            let nodes = answer["data"]["groups"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
            nodes.iter().map(|node| node["databaseId"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        let mut whole = Vec::new();
        for page in 1..=14 {
            whole.extend(ids(page, 100).await);
        }
        assert!(whole.len() > 1200, "{}", whole.len());
        // Once from the beginning, and once from where the pages before began.
        for page in [30, 31, 32, 30, 29, 33, 40] {
            let offset = (page - 1) * 40;
            let expected = whole.get(offset..).unwrap_or_default();
            assert_eq!(ids(page, 40).await, expected[..expected.len().min(40)], "{sort}, page {page}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn a_write_moves_the_deep_pages_at_once() {
    let shop = Shop::with("en", |config| config.count_ttl = Duration::from_secs(1)).await;
    let rows: Vec<_> = (2000..3400).map(|id| format!("({id}, 'Name', 'slug-{id}', 'active', '')")).collect();
    let columns = "id, name, slug, status, description";
    shop.sql(&format!("INSERT INTO {} ({columns}) VALUES {}", shop.quoted("groups"), rows.join(", "))).await;
    let first = async |page: usize| {
        let (status, _, body) =
            shop.get(&format!("/api/application/groups?per_page=50&page={page}"), "all").await;
        assert_eq!(status, 200, "{body}");
        body["data"][0]["id"].as_i64().unwrap()
    };
    let (there, next) = (first(25).await, first(26).await);
    assert_eq!((next - there, first(25).await), (50, there));
    let (status, ..) = shop.ask("DELETE", "/api/application/groups/2100", "all", None).await;
    assert_eq!(status, 200);
    assert_eq!((first(25).await, first(26).await), (there + 1, next + 1));
    shop.close().await;
}
