//! Cursors: the signature of an order and a position in it, as Base64 of JSON.
//!
//! They have no cryptographic signature. A forged cursor reveals no more than a condition on the fields of the order,
//! which need the same abilities, and a cursor that is no position in the order is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{DbBackend, Value};
use serde_json::Value as Json;

use super::order::{Order, Position, cursor_values};
use crate::{Error, Result};

/// Writes a position as a cursor.
pub(super) fn write(signature: u32, position: &[Option<Value>]) -> String {
    let values: Vec<Json> = [Json::from(signature)].into_iter().chain(cursor_values(position)).collect();
    URL_SAFE_NO_PAD.encode(Json::from(values).to_string())
}

/// Reads a cursor of `list` in this order. `argument` is its name in error messages.
///
/// # Errors
/// [`Error::BadRequest`] when the text is no cursor, or belongs to another list or order.
pub(super) fn read(
    argument: &str,
    cursor: &str,
    order: &Order,
    list: &str,
    backend: DbBackend,
) -> Result<Position> {
    let none = || Error::BadRequest(format!("`{argument}` is no cursor."));
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| none())?;
    let values: Vec<Json> = serde_json::from_slice(&bytes).map_err(|_| none())?;
    let (signature, values) = values.split_first().ok_or_else(none)?;
    let signature = signature.as_u64().ok_or_else(none)?;
    if signature != u64::from(order.signature(list)) {
        return Err(Error::BadRequest(format!(
            "`{argument}` is a cursor of another list or order: ask with the `sort` and `search` that it came from."
        )));
    }
    order.parse(values, backend).ok_or_else(none)
}

#[cfg(test)]
mod properties {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::column::Column;
    use crate::filter::{Direction, SortKey};
    use crate::toy::book;

    const BACKENDS: [DbBackend; 3] = [DbBackend::MySql, DbBackend::Postgres, DbBackend::Sqlite];

    fn books() -> Order {
        let key = |name, column, direction| SortKey::of(name, Column::of(column), &[], direction);
        let mut order = Order::new();
        order.exact_first(Column::of(book::Column::Title), "x");
        order.add(key("title", book::Column::Title, Direction::Desc));
        order.add(key("boughtAt", book::Column::BoughtAt, Direction::Asc));
        order.add_primary_key(Column::of(book::Column::Id));
        order
    }

    fn read_back(position: &[Option<Value>], backend: DbBackend) -> Result<Position> {
        let order = books();
        read("after", &write(order.signature("books"), position), &order, "books", backend)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(exact in 0..2_i64, name in "[^\0]*", micros in -62_167_219_200_000_000..253_402_300_799_999_999_i64, id in any::<i64>()) {
            let time = DateTime::from_timestamp_micros(micros).unwrap().naive_utc();
            let position = [Some(exact.into()), Some(name.into()), Some(Value::from(time)), Some(id.into())];
            prop_assert_eq!(read_back(&position, DbBackend::MySql).unwrap(), position.clone());
            let empty = [position[0].clone(), position[1].clone(), None, position[3].clone()];
            prop_assert_eq!(read_back(&empty, DbBackend::Postgres).unwrap(), empty);
        }

        #[test]
        fn anything_else_is_refused(cursor in r"[A-Za-z0-9_-]{0,40}|\PC*", values in r#"(\[|\]|,|-?[0-9]{1,20}(\.5)?|"[a-z]{0,3}"|null|true){0,9}"#) {
            let order = books();
            let signed = format!("[{},{values}]", order.signature("books"));
            for cursor in [cursor, URL_SAFE_NO_PAD.encode(values), URL_SAFE_NO_PAD.encode(signed)] {
                for backend in BACKENDS {
                    if let Ok(position) = read("after", &cursor, &order, "books", backend) {
                        prop_assert_eq!(read_back(&position, backend).unwrap(), position);
                    }
                }
            }
        }

        /// A cursor of another list is refused, also where it holds as many values.
        #[test]
        fn other_orders_are_told_apart(id in any::<i64>()) {
            let mut order = Order::new();
            order.add_primary_key(Column::of(book::Column::Id));
            let cursor = write(order.signature("authors"), &[Some(id.into())]);
            prop_assert!(read("after", &cursor, &order, "authors", DbBackend::Sqlite).is_ok());
            prop_assert!(read("after", &cursor, &order, "books", DbBackend::Sqlite).is_err());
        }
    }
}
