//! Pages: the query, and the envelopes around the rows.

use axum::http::{HeaderMap, Uri, header};
use serde::{Deserialize, Serialize};
use sqlx::Error;

/// Pages below this number are all linked.
const MAX_FULLY_LINKED: i64 = 14;
/// Pages around the current one that are linked.
const LINKED_NEIGHBOURS: i64 = 3;

/// The query of a list.
#[derive(Deserialize)]
pub struct Query {
    #[serde(default = "first")]
    pub page: i64,
    #[serde(default = "size")]
    pub per_page: i64,
    #[serde(default)]
    pub include: String,
}

fn first() -> i64 {
    1
}

fn size() -> i64 {
    25
}

impl Query {
    /// A page without more.
    pub fn new(page: i64, per_page: i64) -> Self {
        Self { page, per_page, include: String::new() }
    }

    /// Rows before the page.
    pub fn offset(&self) -> i64 {
        (self.page - 1) * self.per_page
    }

    /// Rows that the page has at the most.
    pub fn rows(&self) -> u32 {
        u32::try_from(self.per_page).unwrap_or(u32::MAX)
    }
}

/// The total, which is counted only if it does not follow from the page.
pub async fn total(
    query: &Query,
    here: usize,
    counted: impl Future<Output = Result<i64, Error>>,
) -> Result<i64, Error> {
    let here = i64::try_from(here).unwrap_or(i64::MAX);
    if here < query.per_page && (here > 0 || query.page == 1) {
        return Ok(query.offset() + here);
    }
    counted.await
}

/// How many rows these are.
pub fn number_of<T>(rows: &[T]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(u32::MAX)
}

#[derive(Serialize)]
struct Link {
    url: Option<String>,
    label: String,
    #[serde(skip_serializing_if = "Target::is_gap")]
    page: Target,
    active: bool,
}

/// The page of a link; a gap between pages has no such key.
#[derive(Serialize)]
#[serde(untagged)]
enum Target {
    Page(Option<i64>),
    #[serde(skip)]
    Gap,
}

impl Target {
    fn is_gap(&self) -> bool {
        matches!(self, Self::Gap)
    }
}

/// An envelope with rows and numbers on the same level.
#[derive(Serialize)]
pub struct Flat<T> {
    current_page: i64,
    data: Vec<T>,
    first_page_url: String,
    from: Option<i64>,
    last_page: i64,
    last_page_url: String,
    links: Vec<Link>,
    next_page_url: Option<String>,
    path: String,
    per_page: i64,
    prev_page_url: Option<String>,
    to: Option<i64>,
    total: i64,
}

/// An envelope with rows in `data` and numbers in `meta`.
#[derive(Serialize)]
pub struct Wrapped<T> {
    data: Vec<T>,
    links: Ends,
    meta: Meta,
}

#[derive(Serialize)]
struct Ends {
    first: String,
    last: String,
    prev: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Meta {
    current_page: i64,
    from: Option<i64>,
    last_page: i64,
    links: Vec<Link>,
    path: String,
    per_page: i64,
    to: Option<i64>,
    total: i64,
}

/// The position of a page, for the links to its neighbours.
pub struct PagePosition {
    path: String,
    query: String,
    page: i64,
    per_page: i64,
    total: i64,
    last: i64,
}

impl PagePosition {
    pub fn new(headers: &HeaderMap, uri: &Uri, query: &Query, total: i64) -> Self {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let kept = uri.query().unwrap_or("").split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
        Self {
            path: format!("http://{host}{}", uri.path()),
            query: kept.fold(String::new(), |query, pair| query + pair + "&"),
            page: query.page,
            per_page: query.per_page,
            total,
            last: ((total + query.per_page - 1) / query.per_page).max(1),
        }
    }

    fn url(&self, page: i64) -> String {
        format!("{}?{}page={page}", self.path, self.query)
    }

    fn previous(&self) -> Option<String> {
        (self.page > 1).then(|| self.url(self.page - 1))
    }

    fn next(&self) -> Option<String> {
        (self.page < self.last).then(|| self.url(self.page + 1))
    }

    fn from(&self) -> Option<i64> {
        let before = (self.page - 1) * self.per_page;
        (before < self.total).then_some(before + 1)
    }

    fn to(&self) -> Option<i64> {
        self.from().map(|from| self.total.min(from - 1 + self.per_page))
    }

    fn links(&self) -> Vec<Link> {
        let end = |label: &str, page: Option<i64>| Link {
            url: page.map(|page| self.url(page)),
            label: label.to_owned(),
            page: Target::Page(page),
            active: false,
        };
        let mut links = vec![end("&laquo; Précédent", (self.page > 1).then(|| self.page - 1))];
        links.extend(window(self.page, self.last).into_iter().map(|page| match page {
            Some(page) => Link {
                url: Some(self.url(page)),
                label: page.to_string(),
                page: Target::Page(Some(page)),
                active: page == self.page,
            },
            None => Link { url: None, label: "...".to_owned(), page: Target::Gap, active: false },
        }));
        links.push(end("Suivant &raquo;", (self.page < self.last).then(|| self.page + 1)));
        links
    }

    pub fn flat<T>(self, data: Vec<T>) -> Flat<T> {
        Flat {
            current_page: self.page,
            data,
            first_page_url: self.url(1),
            from: self.from(),
            last_page: self.last,
            last_page_url: self.url(self.last),
            links: self.links(),
            next_page_url: self.next(),
            per_page: self.per_page,
            prev_page_url: self.previous(),
            to: self.to(),
            total: self.total,
            path: self.path,
        }
    }

    pub fn wrapped<T>(self, data: Vec<T>) -> Wrapped<T> {
        let ends =
            Ends { first: self.url(1), last: self.url(self.last), prev: self.previous(), next: self.next() };
        let meta = Meta {
            current_page: self.page,
            from: self.from(),
            last_page: self.last,
            links: self.links(),
            per_page: self.per_page,
            to: self.to(),
            total: self.total,
            path: self.path,
        };
        Wrapped { data, links: ends, meta }
    }
}

/// The linked pages; `None` is a gap.
fn window(page: i64, last: i64) -> Vec<Option<i64>> {
    let pages = |from: i64, to: i64| (from..=to).map(Some);
    let edge = 2 * LINKED_NEIGHBOURS + 1;
    if last < MAX_FULLY_LINKED {
        pages(1, last).collect()
    } else if page <= edge {
        pages(1, edge + LINKED_NEIGHBOURS).chain([None]).chain(pages(last - 1, last)).collect()
    } else if page > last - edge {
        pages(1, 2).chain([None]).chain(pages(last - edge - LINKED_NEIGHBOURS + 1, last)).collect()
    } else {
        let middle = pages(page - LINKED_NEIGHBOURS, page + LINKED_NEIGHBOURS);
        pages(1, 2).chain([None]).chain(middle).chain([None]).chain(pages(last - 1, last)).collect()
    }
}
