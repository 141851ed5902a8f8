//! An executed operation as REST answer: the value itself or one of the two page envelopes.

use async_graphql::{Name, Response, Value};
use bytes::Bytes;

use super::bag::{self, Fields};
use super::document::{Answer, Checked, Document};
use super::request::Asked;
use crate::engine::Texts;
use crate::{Error, Result};

/// Pages below this number are all linked (docs/contract/wire.md#4.2).
const ALL_LINKED: i64 = 14;
/// Pages around the current one that are linked.
const AROUND: i64 = 3;

/// Where a page's address points, up to its number.
pub struct Address {
    /// Scheme, host and path, without query.
    path: String,
    /// The whole address, without the page's number.
    numberless: String,
}

impl Address {
    /// The address of a request with this path and query; the query's own `page` doesn't count.
    pub fn new(path: String, query: &Fields) -> Self {
        let kept = query.iter().filter(|(name, _)| name.as_str() != "page");
        let query = bag::to_query(kept);
        let joint = if query.is_empty() { "" } else { "&" };
        Self { numberless: format!("{path}?{query}{joint}page="), path }
    }

    fn page(&self, page: i64) -> String {
        format!("{}{page}", self.numberless)
    }
}

/// The error of a response, if it has one: our own where a resolver returned it.
pub fn failure(response: Response) -> Result<Value> {
    let Some(error) = response.errors.into_iter().next() else { return Ok(response.data) };
    match error.source {
        Some(source) => match source.downcast::<Error>() {
            Ok(own) => {
                Err(std::sync::Arc::try_unwrap(own).unwrap_or_else(|shared| shared.clone_for_waiter()))
            }
            Err(_) => Err(Error::internal(error.message)),
        },
        None => Err(Error::internal(error.message)),
    }
}

/// Whether the first root field found nothing.
pub fn is_null(data: &Value) -> bool {
    match data {
        Value::Object(fields) => fields.values().next().is_none_or(|value| *value == Value::Null),
        value => *value == Value::Null,
    }
}

/// The value of the only root field.
fn root(data: Value) -> Value {
    match data {
        Value::Object(fields) => fields.into_iter().next().map_or(Value::Null, |(_, value)| value),
        other => other,
    }
}

/// Takes a null away, in every element where lists are on the way.
fn leave_out_null(value: &mut Value, path: &[String]) {
    match (value, path) {
        (Value::List(items), _) => items.iter_mut().for_each(|item| leave_out_null(item, path)),
        (Value::Object(fields), [key]) if fields.get(key.as_str()) == Some(&Value::Null) => {
            fields.shift_remove(key.as_str());
        }
        (Value::Object(fields), [key, below @ ..]) => {
            if let Some(value) = fields.get_mut(key.as_str()) {
                leave_out_null(value, below);
            }
        }
        _ => {}
    }
}

/// The whole body of an answer; empty where the operation's status has none.
pub fn body(
    document: &Document<Checked>,
    mut data: Value,
    asked: Asked,
    address: &Address,
    texts: &dyn Texts,
) -> Value {
    if document.has_no_body() {
        return Value::Binary(Bytes::new());
    }
    if let Some(message) = &document.message {
        return object(vec![("message", message.clone().into())]);
    }
    document.optional.iter().for_each(|path| leave_out_null(&mut data, path));
    let mut body = match document.answer {
        Answer::Value => return root(data),
        Answer::Object => data,
        Answer::Data => object(vec![("data", root(data))]),
        envelope => page(envelope, root(data), asked, address, texts),
    };
    if let Value::Object(fields) = &mut body
        && !document.beside.is_empty()
    {
        fields.extend(document.beside.clone());
    }
    body
}

/// A page in its envelope.
fn page(envelope: Answer, root: Value, asked: Asked, address: &Address, texts: &dyn Texts) -> Value {
    let Value::Object(mut page) = root else { return Value::Null };
    let rows = page.swap_remove("nodes").unwrap_or_default();
    let total = match page.get("total") {
        Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
        _ => 0,
    };
    let numbers = Numbers::new(asked, total);
    match envelope {
        Answer::WrappedPage => wrapped(rows, &numbers, address, texts),
        Answer::DataPage => short(rows, &numbers),
        _ => flat(rows, &numbers, address, texts),
    }
}

struct Numbers {
    page: i64,
    per_page: i64,
    total: i64,
    last: i64,
    from: Option<i64>,
    to: Option<i64>,
}

impl Numbers {
    fn new(asked: Asked, total: i64) -> Self {
        let last = total.div_euclid(asked.per_page) + i64::from(total % asked.per_page > 0);
        let before = (asked.page - 1).saturating_mul(asked.per_page);
        let any = before < total;
        Self {
            page: asked.page,
            per_page: asked.per_page,
            total,
            last: last.max(1),
            from: any.then(|| before + 1),
            to: any.then(|| total.min(before.saturating_add(asked.per_page))),
        }
    }

    fn previous(&self, address: &Address) -> Option<String> {
        (self.page > 1).then(|| address.page(self.page - 1))
    }

    fn next(&self, address: &Address) -> Option<String> {
        (self.page < self.last).then(|| address.page(self.page + 1))
    }
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (Name::new(key), value)).collect())
}

fn flat(rows: Value, numbers: &Numbers, address: &Address, texts: &dyn Texts) -> Value {
    object(vec![
        ("current_page", numbers.page.into()),
        ("data", rows),
        ("first_page_url", address.page(1).into()),
        ("from", numbers.from.into()),
        ("last_page", numbers.last.into()),
        ("last_page_url", address.page(numbers.last).into()),
        ("links", links(numbers, address, texts)),
        ("next_page_url", numbers.next(address).into()),
        ("path", address.path.clone().into()),
        ("per_page", numbers.per_page.into()),
        ("prev_page_url", numbers.previous(address).into()),
        ("to", numbers.to.into()),
        ("total", numbers.total.into()),
    ])
}

fn wrapped(rows: Value, numbers: &Numbers, address: &Address, texts: &dyn Texts) -> Value {
    let ends = object(vec![
        ("first", address.page(1).into()),
        ("last", address.page(numbers.last).into()),
        ("prev", numbers.previous(address).into()),
        ("next", numbers.next(address).into()),
    ]);
    let meta = object(vec![
        ("current_page", numbers.page.into()),
        ("from", numbers.from.into()),
        ("last_page", numbers.last.into()),
        ("links", links(numbers, address, texts)),
        ("path", address.path.clone().into()),
        ("per_page", numbers.per_page.into()),
        ("to", numbers.to.into()),
        ("total", numbers.total.into()),
    ]);
    object(vec![("data", rows), ("links", ends), ("meta", meta)])
}

fn short(rows: Value, numbers: &Numbers) -> Value {
    let meta = object(vec![
        ("current_page", numbers.page.into()),
        ("last_page", numbers.last.into()),
        ("per_page", numbers.per_page.into()),
        ("total", numbers.total.into()),
    ]);
    object(vec![("data", rows), ("meta", meta)])
}

/// Previous, the window of pages, next. A gap in the window has no key `page`.
fn links(numbers: &Numbers, address: &Address, texts: &dyn Texts) -> Value {
    let names = ["url", "label", "page", "active"].map(Name::new);
    let link = |url: Option<i64>, label: String, page: Option<Option<i64>>, active: bool| {
        let [url_name, label_name, page_name, active_name] = &names;
        let mut link = Fields::with_capacity(names.len());
        link.insert(url_name.clone(), url.map(|page| address.page(page)).into());
        link.insert(label_name.clone(), label.into());
        if let Some(page) = page {
            link.insert(page_name.clone(), page.into());
        }
        link.insert(active_name.clone(), active.into());
        Value::Object(link)
    };
    let end = |label: &str, page: i64, there: bool| {
        let page = there.then_some(page);
        link(page, texts.text(label, &[]), Some(page), false)
    };
    let mut links = vec![end("pagination.previous", numbers.page - 1, numbers.page > 1)];
    links.extend(window(numbers.page, numbers.last).into_iter().map(|page| match page {
        Some(page) => link(Some(page), page.to_string(), Some(Some(page)), page == numbers.page),
        None => link(None, "...".to_owned(), None, false),
    }));
    links.push(end("pagination.next", numbers.page.saturating_add(1), numbers.page < numbers.last));
    Value::List(links)
}

/// The linked pages; `None` is a gap.
fn window(page: i64, last: i64) -> Vec<Option<i64>> {
    let pages = |from: i64, to: i64| (from..=to).map(Some);
    let edge = 2 * AROUND + 1;
    if last < ALL_LINKED {
        return pages(1, last).collect();
    }
    if page <= edge {
        return pages(1, edge + AROUND).chain([None]).chain(pages(last - 1, last)).collect();
    }
    if page > last - edge {
        return pages(1, 2).chain([None]).chain(pages(last - edge - AROUND + 1, last)).collect();
    }
    let middle = pages(page - AROUND, page + AROUND);
    pages(1, 2).chain([None]).chain(middle).chain([None]).chain(pages(last - 1, last)).collect()
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::{leave_out_null, window};

    #[test]
    fn optional_nulls_are_left_out() {
        let mut answer = value!({"a": [{"b": null, "c": null}, {"b": 1}], "b": null});
        leave_out_null(&mut answer, &["a".to_owned(), "b".to_owned()]);
        assert_eq!(answer, value!({"a": [{"c": null}, {"b": 1}], "b": null}));
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
