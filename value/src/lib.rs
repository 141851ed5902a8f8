//! Column types for which Rust's own types do not fit all three databases, or do not express how the value is shown.
//!
//! | Type | Column in the shop | Why not the plain type |
//! |---|---|---|
//! | [`Id`] | `bigint unsigned`, keys and references | sqlx refuses `i64` on unsigned columns |
//! | [`Int`] | `int`, `int unsigned`, `tinyint` | the same, and widths differ between databases |
//! | [`Flag`] | `tinyint(1)` that is printed as `0`/`1` | `bool` is for columns that are printed as a boolean |
//! | [`Amount`] | `customers.balance` | printed as a text with two decimals |
//! | [`Price`] | `float` | 2.99 must not come back as 2.9900000095… |
//! | [`Decimal2`] | `decimal(10,2)` | printed as a text with two decimals; MariaDB sends it as text |
//! | [`Encrypted`] | texts under the shop's key | not to be mistaken for a text that may be shown |
//! | [`ShopTime`] | `timestamp`, `datetime` | holds the local time of the shop, without a zone |
//! | [`ShopDate`] | `date` | a day of the shop, which begins at its midnight |

mod cell;
mod encrypted;
mod number;
mod time;

pub use encrypted::Encrypted;
pub use number::{Amount, Decimal2, Flag, Id, Int, Price};
pub use time::{LocalTime, ShopDate, ShopTime, ZoneAlreadySet, set_zone, zone};
