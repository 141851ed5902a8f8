//! Cursors: an order's signature and a position in it, as an opaque text.
//!
//! They aren't signed: whoever makes one up learns no more than by a condition on the fields that the
//! list is ordered by, and what is no position in the order is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{ColumnTrait, DbBackend, Value};
use serde_json::Value as Json;

use super::order::{Order, Position, told};
use crate::{Error, Result};

/// The cursor of a position.
pub(super) fn write(signature: u32, position: &[Option<Value>]) -> String {
    let values: Vec<Json> = [Json::from(signature)].into_iter().chain(told(position)).collect();
    URL_SAFE_NO_PAD.encode(Json::from(values).to_string())
}

/// The position in an order of `list` that the argument's cursor names.
///
/// # Errors
/// When it is none, or one in another order.
pub(super) fn read<C: ColumnTrait>(
    argument: &str,
    cursor: &str,
    order: &Order<C>,
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
