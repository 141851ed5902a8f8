//! Limits of requests and points, as both faces tell them.

use serde_json::json;

use crate::harness::shop::{Headers, Shop};

const PRODUCT: &str = "/api/application/products/1";
const PRODUCTS: &str = "/api/application/products?per_page=5";

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What is left of requests and points.
fn left(headers: &Headers) -> [u32; 2] {
    let text = header(headers, "ratelimit").expect("a standing");
    let items: Vec<&str> = text.split(", ").collect();
    ["requests", "points"].map(|name| {
        let item = items.iter().find_map(|item| item.strip_prefix(&format!("\"{name}\";r=")));
        item.and_then(|item| item.split(';').next()).expect(text).parse().unwrap()
    })
}

#[tokio::test]
async fn both_faces_draw_on_the_same_limits() {
    let shop = Shop::with("en", |config| config.cost_limit = Some(1000)).await;
    let (status, headers, body) = shop.get(PRODUCTS, "all").await;
    assert_eq!((status, body["data"].as_array().unwrap().len()), (200, 5));
    // One for the request, one for each row, and one for the group that all of them are in.
    assert_eq!(left(&headers), [59, 993]);
    let policy = r#""requests";q=60;w=60, "points";q=1000;qu="points";w=60"#;
    assert_eq!(header(&headers, "ratelimit-policy"), Some(policy));
    assert_eq!(header(&headers, "x-ratelimit-remaining"), Some("59"));
    // Prices hang on the rows: they are rows too.
    let (_, headers, body) = shop.get(&format!("{PRODUCTS}&pricing=1"), "all").await;
    let prices: usize =
        body["data"].as_array().unwrap().iter().map(|row| row["pricing"].as_array().unwrap().len()).sum();
    assert_eq!(left(&headers), [58, 993 - 7 - u32::try_from(prices).unwrap()]);
    let [_, before] = left(&headers);
    let query = json!({"query": "{ products(first: 5) { nodes { name } } }"});
    let (status, headers, _) = shop.post("/graphql", "all", &query).await;
    assert_eq!((status, left(&headers)), (200, [57, before - 7]));
    let exposed = header(&headers, "access-control-expose-headers");
    assert_eq!(
        exposed,
        Some("ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"),
        "a frontend can read them"
    );
    // A document that cannot be read draws nothing but its request, and tells both all the same.
    let (_, headers, _) = shop.post("/graphql", "all", &json!({"query": "{"})).await;
    assert_eq!(left(&headers), [56, before - 7]);
    // Whoever has no key is counted by address.
    let (_, headers, _) = shop.post("/graphql", "", &query).await;
    assert_eq!(left(&headers)[0], 59);
    assert!(header(&shop.get(PRODUCT, "").await.1, "ratelimit").is_none());
    shop.close().await;
}

/// A comparison is a point, whatever it finds, and so are ten further texts of it.
#[tokio::test]
async fn conditions_of_rest_have_a_price() {
    let shop = Shop::with("en", |config| config.cost_limit = Some(10_000)).await;
    let mut before = 10_000;
    for (filter, points) in [
        ("a", 1),
        ("", 0),
        ("a,b", 2),
        ("a,a,a", 1),
        ("a,b,c,d,e,f,g,h,i,j,k", 2),
        ("a,b,c,d,e,f,g,h,i,j,k,l", 3),
    ] {
        let path = format!("/api/application/products?filter[name]=zz{}", filter.replace(',', ",zz"));
        let path =
            if filter.is_empty() { "/api/application/products?filter[name]=".to_owned() } else { path };
        let (_, headers, body) = shop.get(&path, "all").await;
        let rows = body["data"].as_array().unwrap().len();
        let [_, left] = left(&headers);
        if !filter.is_empty() {
            assert_eq!((rows, before - left), (0, 1 + points), "{filter}");
        }
        before = left;
    }
    shop.close().await;
}

/// A page counts in full before it is read; the answer is the contract's own.
#[tokio::test]
async fn rest_is_refused_where_no_points_are_left() {
    let shop = Shop::with("en", |config| config.cost_limit = Some(40)).await;
    let before = shop.statements();
    let (status, headers, body) = shop.get("/api/application/products?per_page=50", "all").await;
    assert_eq!((status, &body), (429, &json!({"message": "Too Many Attempts."})));
    assert_eq!(shop.statements(), before);
    assert_eq!(header(&headers, "retry-after"), Some("60"));
    assert_eq!(header(&headers, "x-ratelimit-remaining"), Some("0"));
    let reset = crate::harness::shop::now().timestamp() + 60;
    assert_eq!(header(&headers, "x-ratelimit-reset"), Some(reset.to_string().as_str()));
    assert_eq!(left(&headers), [59, 40]);
    assert_eq!(shop.get(PRODUCT, "all").await.0, 200, "a smaller one is answered");
    shop.close().await;
}

/// Pages as integrations ask for them, as many as the limit of requests allows.
#[tokio::test]
async fn no_integration_within_its_requests_runs_out_of_points() {
    let shop = Shop::golden("en").await;
    for request in 0..60 {
        let path = match request % 3 {
            0 => "/api/application/products?per_page=100&pricing=1&include=group,metadata",
            1 => "/api/application/customers?per_page=1000",
            _ => "/api/application/services?per_page=100&include=customer,pricing",
        };
        let (status, _, body) = shop.get(path, "all").await;
        assert_ne!(status, 429, "{request}: {body}");
    }
    assert_eq!(shop.get(PRODUCT, "all").await.0, 429);
    shop.close().await;
}

#[tokio::test]
async fn without_limits_nothing_is_told() {
    let shop = Shop::with("en", |config| (config.rate_limit, config.cost_limit) = (None, None)).await;
    let (_, headers, _) = shop.get(PRODUCT, "all").await;
    assert!(!headers.iter().any(|(name, _)| name.contains("ratelimit")), "{headers:?}");
    shop.close().await;
}
