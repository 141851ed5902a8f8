//! The body of an answer, made of the data of its operation: a value, or an envelope around the rows of a page.

use async_graphql::{Name, Response, Value};
use bytes::Bytes;

use super::document::{Answer, Checked, Document};
use super::fields::{self, Fields};
use super::variables::PageRequest;
use crate::engine::Texts;
use crate::{Error, Result};

/// With fewer pages than this number, all pages have a link (docs/contract/wire.md#4.2).
const ALL_LINKED: i64 = 14;
/// Number of pages with a link on each side of the current page.
const EACH_SIDE: i64 = 3;

/// The addresses of the pages of a list.
pub struct PageAddress {
    /// Scheme, host and path, without query.
    path: String,
    /// The whole address up to `page=`: the number of a page follows.
    before_number: String,
}

impl PageAddress {
    /// The addresses for a request with this path and query. The query's own `page` is left out.
    pub fn new(path: String, query: &Fields) -> Self {
        let kept = query.iter().filter(|(name, _)| name.as_str() != "page");
        let query = fields::to_query(kept);
        let separator = if query.is_empty() { "" } else { "&" };
        Self { before_number: format!("{path}?{query}{separator}page="), path }
    }

    fn of_page(&self, page: i64) -> String {
        format!("{}{page}", self.before_number)
    }
}

/// The data of an operation that had no error.
///
/// # Errors
/// The first error of the operation: the [`Error`] that a resolver returned, otherwise an internal one.
pub fn data(response: Response) -> Result<Value> {
    let Some(error) = response.errors.into_iter().next() else { return Ok(response.data) };
    match error.source {
        Some(source) => match source.downcast::<Error>() {
            Ok(error) => {
                Err(std::sync::Arc::try_unwrap(error).unwrap_or_else(|shared| shared.clone_for_waiter()))
            }
            Err(_) => Err(Error::internal(error.message)),
        },
        None => Err(Error::internal(error.message)),
    }
}

/// Whether the first root field is null.
pub fn is_null(data: &Value) -> bool {
    match data {
        Value::Object(fields) => fields.values().next().is_none_or(|value| *value == Value::Null),
        value => *value == Value::Null,
    }
}

/// The value of the first root field.
fn root(data: Value) -> Value {
    match data {
        Value::Object(fields) => fields.into_iter().next().map_or(Value::Null, |(_, value)| value),
        other => other,
    }
}

/// Removes the key at a path of response keys if its value is null. A list on the path stands for all of its elements.
fn remove_null(value: &mut Value, path: &[String]) {
    match (value, path) {
        (Value::List(items), _) => items.iter_mut().for_each(|item| remove_null(item, path)),
        (Value::Object(fields), [key]) if fields.get(key.as_str()) == Some(&Value::Null) => {
            fields.shift_remove(key.as_str());
        }
        (Value::Object(fields), [key, below @ ..]) => {
            if let Some(value) = fields.get_mut(key.as_str()) {
                remove_null(value, below);
            }
        }
        _ => {}
    }
}

/// The body of an answer: empty for the status 204, the document's `message`, or the data in the shape that the
/// document declares. Bytes in it are JSON text.
pub fn body(
    document: &Document<Checked>,
    mut data: Value,
    requested: PageRequest,
    address: &PageAddress,
    texts: &dyn Texts,
) -> Value {
    if document.has_no_body() {
        return Value::Binary(Bytes::new());
    }
    if let Some(message) = &document.message {
        return object(vec![("message", message.clone().into())]);
    }
    document.optional.iter().for_each(|path| remove_null(&mut data, path));
    let mut body = match document.answer {
        Answer::Value => return root(data),
        Answer::Object => data,
        Answer::Data => object(vec![("data", root(data))]),
        envelope => page(envelope, root(data), requested, address, texts),
    };
    if let Value::Object(fields) = &mut body
        && !document.beside.is_empty()
    {
        fields.extend(document.beside.clone());
    }
    body
}

/// A page of rows in its envelope. `connection` is the value of the root field.
fn page(
    envelope: Answer,
    connection: Value,
    requested: PageRequest,
    address: &PageAddress,
    texts: &dyn Texts,
) -> Value {
    let Value::Object(mut connection) = connection else { return Value::Null };
    let rows = connection.swap_remove("nodes").unwrap_or_default();
    let total = match connection.get("total") {
        Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
        _ => 0,
    };
    let numbers = PageNumbers::new(requested, total);
    match envelope {
        Answer::WrappedPage => wrapped_page(rows, &numbers, address, texts),
        Answer::DataPage => data_page(rows, &numbers),
        _ => flat_page(rows, &numbers, address, texts),
    }
}

/// The numbers of a page.
struct PageNumbers {
    /// The page, from 1.
    page: i64,
    per_page: i64,
    /// Number of rows on all pages.
    total: i64,
    /// The last page; 1 if there are no rows.
    last: i64,
    /// Number of the first row on the page, from 1; `None` if the page is empty.
    from: Option<i64>,
    /// Number of the last row on the page.
    to: Option<i64>,
}

impl PageNumbers {
    fn new(requested: PageRequest, total: i64) -> Self {
        let PageRequest { number: page, per_page, .. } = requested;
        let last = total.div_euclid(per_page) + i64::from(total % per_page > 0);
        let before = (page - 1).saturating_mul(per_page);
        let has_rows = before < total;
        Self {
            page,
            per_page,
            total,
            last: last.max(1),
            from: has_rows.then(|| before + 1),
            to: has_rows.then(|| total.min(before.saturating_add(per_page))),
        }
    }

    fn previous(&self, address: &PageAddress) -> Option<String> {
        (self.page > 1).then(|| address.of_page(self.page - 1))
    }

    fn next(&self, address: &PageAddress) -> Option<String> {
        (self.page < self.last).then(|| address.of_page(self.page + 1))
    }

    /// The members that every envelope has.
    fn members(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("current_page", self.page.into()),
            ("last_page", self.last.into()),
            ("per_page", self.per_page.into()),
            ("total", self.total.into()),
        ]
    }

    /// The members that flat and wrapped pages have.
    fn members_with_links(&self, address: &PageAddress, texts: &dyn Texts) -> Vec<(&'static str, Value)> {
        let mut members = self.members();
        members.extend([
            ("from", self.from.into()),
            ("links", links(self, address, texts)),
            ("path", address.path.clone().into()),
            ("to", self.to.into()),
        ]);
        members
    }
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (Name::new(key), value)).collect())
}

/// An object whose keys are in alphabetical order, as the original writes the numbers of a page.
fn sorted_object(mut fields: Vec<(&str, Value)>) -> Value {
    fields.sort_unstable_by_key(|(key, _)| *key);
    object(fields)
}

/// A page with its numbers beside the rows.
fn flat_page(rows: Value, numbers: &PageNumbers, address: &PageAddress, texts: &dyn Texts) -> Value {
    let mut members = numbers.members_with_links(address, texts);
    members.extend([
        ("data", rows),
        ("first_page_url", address.of_page(1).into()),
        ("last_page_url", address.of_page(numbers.last).into()),
        ("next_page_url", numbers.next(address).into()),
        ("prev_page_url", numbers.previous(address).into()),
    ]);
    sorted_object(members)
}

/// A page with its numbers under `links` and `meta`.
fn wrapped_page(rows: Value, numbers: &PageNumbers, address: &PageAddress, texts: &dyn Texts) -> Value {
    let links = object(vec![
        ("first", address.of_page(1).into()),
        ("last", address.of_page(numbers.last).into()),
        ("prev", numbers.previous(address).into()),
        ("next", numbers.next(address).into()),
    ]);
    let meta = sorted_object(numbers.members_with_links(address, texts));
    object(vec![("data", rows), ("links", links), ("meta", meta)])
}

/// A page with four numbers under `meta`.
fn data_page(rows: Value, numbers: &PageNumbers) -> Value {
    object(vec![("data", rows), ("meta", sorted_object(numbers.members()))])
}

/// The links to the previous page, to the pages of [`window`], and to the next page. A gap has no key `page`.
fn links(numbers: &PageNumbers, address: &PageAddress, texts: &dyn Texts) -> Value {
    let names = ["url", "label", "page", "active"].map(Name::new);
    let link = |url: Option<i64>, label: String, page: Option<Option<i64>>, active: bool| {
        let [url_name, label_name, page_name, active_name] = &names;
        let mut link = Fields::with_capacity(names.len());
        link.insert(url_name.clone(), url.map(|page| address.of_page(page)).into());
        link.insert(label_name.clone(), label.into());
        if let Some(page) = page {
            link.insert(page_name.clone(), page.into());
        }
        link.insert(active_name.clone(), active.into());
        Value::Object(link)
    };
    let neighbour = |label: &str, page: i64, exists: bool| {
        let page = exists.then_some(page);
        link(page, texts.text(label, &[]), Some(page), false)
    };
    let mut links = vec![neighbour("pagination.previous", numbers.page - 1, numbers.page > 1)];
    links.extend(window(numbers.page, numbers.last).into_iter().map(|page| match page {
        Some(page) => link(Some(page), page.to_string(), Some(Some(page)), page == numbers.page),
        None => link(None, "...".to_owned(), None, false),
    }));
    links.push(neighbour("pagination.next", numbers.page.saturating_add(1), numbers.page < numbers.last));
    Value::List(links)
}

/// The pages with a link; `None` is a gap.
fn window(page: i64, last: i64) -> Vec<Option<i64>> {
    let pages = |from: i64, to: i64| (from..=to).map(Some);
    let edge = 2 * EACH_SIDE + 1;
    if last < ALL_LINKED {
        return pages(1, last).collect();
    }
    if page <= edge {
        return pages(1, edge + EACH_SIDE).chain([None]).chain(pages(last - 1, last)).collect();
    }
    if page > last - edge {
        return pages(1, 2).chain([None]).chain(pages(last - edge - EACH_SIDE + 1, last)).collect();
    }
    let middle = pages(page - EACH_SIDE, page + EACH_SIDE);
    pages(1, 2).chain([None]).chain(middle).chain([None]).chain(pages(last - 1, last)).collect()
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn optional_nulls_are_removed() {
        let mut answer = value!({"a": [{"b": null, "c": null}, {"b": 1}], "b": null});
        remove_null(&mut answer, &["a".to_owned(), "b".to_owned()]);
        assert_eq!(answer, value!({"a": [{"c": null}, {"b": 1}], "b": null}));
    }

    struct NoTexts;

    impl Texts for NoTexts {
        fn text(&self, _: &str, _: &[(&str, &str)]) -> String {
            String::new()
        }

        fn field_name(&self, field: &str, _: bool) -> String {
            field.to_owned()
        }
    }

    fn keys(value: &Value) -> String {
        let Value::Object(fields) = value else { panic!("{value}") };
        fields.keys().map(Name::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_of_pages_are_in_the_order_of_the_original() {
        let numbers = PageNumbers::new(PageRequest { number: 2, per_page: 10, condition_points: 0 }, 25);
        let address = PageAddress::new("/".to_owned(), &Fields::new());
        let flat = flat_page(Value::Null, &numbers, &address, &NoTexts);
        assert_eq!(
            keys(&flat),
            "current_page data first_page_url from last_page last_page_url links next_page_url path per_page \
             prev_page_url to total"
        );
        let Value::Object(wrapped) = wrapped_page(Value::Null, &numbers, &address, &NoTexts) else {
            panic!()
        };
        assert_eq!(keys(&wrapped["links"]), "first last prev next");
        assert_eq!(keys(&wrapped["meta"]), "current_page from last_page links path per_page to total");
        let Value::Object(data) = data_page(Value::Null, &numbers) else { panic!() };
        assert_eq!(keys(&data["meta"]), "current_page last_page per_page total");
    }

    fn shown(page: i64, last: i64) -> String {
        let pages =
            window(page, last).into_iter().map(|page| page.map_or("…".to_owned(), |page| page.to_string()));
        pages.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn windows_are_those_of_the_recordings() {
        assert_eq!(shown(1, 3), "1 2 3");
        assert_eq!(shown(7, 15), "1 2 3 4 5 6 7 8 9 10 … 14 15");
        assert_eq!(shown(8, 15), "1 2 … 5 6 7 8 9 10 11 … 14 15");
        assert_eq!(shown(9, 15), "1 2 … 6 7 8 9 10 11 12 13 14 15");
        assert_eq!(shown(10, 28), "1 2 … 7 8 9 10 11 12 13 … 27 28");
        assert_eq!(shown(27, 28), "1 2 … 19 20 21 22 23 24 25 26 27 28");
    }
}
