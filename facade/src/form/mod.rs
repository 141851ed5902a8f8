//! Input rules that speak as Laravel's do: one pass, every broken rule, in the words of the host
//! (docs/contract/wire.md#2.3, docs/contract/wire.md#3).
//!
//! A resource lists its fields once with [`form!`](crate::form!): name, type, rules. Its resolver
//! takes a [`Form`] and gets typed values from [`Form::check`]. GraphQL clients see an input object;
//! what REST clients sent arrives untouched, whatever its types.

mod cast;
mod check;
mod constraint;
mod file;
mod input;
mod normalise;
mod prepare;
pub mod rules;
mod shape;
pub mod value;

use async_graphql::UploadValue;
pub use check::Subject;
use chrono::{DateTime, Utc};
pub use constraint::Constraint;
pub use file::File;
pub use input::{Cast, Form, FormInput};
pub use normalise::normalise;
pub use rules::{CustomRule, Rule};
use sea_orm::DatabaseConnection;
#[doc(hidden)]
pub use shape::{Field, Shape};
pub use value::BROKEN_UPLOAD;

use crate::engine::{Settings, Texts};

/// What a check may lean on beside the input itself.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Where `exists` and `unique` look.
    pub db: &'a DatabaseConnection,
    /// The messages.
    pub texts: &'a dyn Texts,
    /// Where rules of the host ask for settings.
    pub settings: &'a dyn Settings,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// Files sent beside the input.
    pub uploads: &'a [UploadValue],
    /// The record under update, which `unique` does not count.
    pub own_id: Option<i64>,
    /// Whether absent fields stay as they are: a required field may then be left out.
    pub partial: bool,
    /// Whether the input came through REST; GraphQL spells enum words in capitals.
    pub rest: bool,
    /// Columns of the record under update that a rule asks for when its field was not sent.
    pub stored: &'a [(&'a str, &'a str)],
}

/// Declares a form: its fields with their types and [rules](crate::form::rules), in the order of their messages.
///
/// Makes a struct of the same name whose fields are [`MaybeUndefined`](async_graphql::MaybeUndefined). With `for` an
/// entity, `write_to` puts the fields into the columns of their names in an active model of it; what is no column, or is
/// written in a way of its own, says `#[no_column]`. A field with `#[rest_only]` is one of REST alone.
///
/// ```ignore
/// form! {
///     /// What a new group is made from.
///     pub struct GroupCreateInput for entity::group {
///         /// Name shown in the shop.
///         name: String => [required(), string(), max(255)],
///         /// Its picture.
///         #[no_column]
///         image: File => [nullable(), image(), max(2048)],
///     }
/// }
/// ```
#[macro_export]
macro_rules! form {
    (
        $(#[doc = $about:expr])*
        $visibility:vis struct $name:ident for $($entity:ident)::+ {
            $(
                $(#[doc = $doc:expr])* $(#[no_column $($no_column:tt)?])? $(#[rest_only $($rest_only:tt)?])?
                $field:ident: $ty:ty => [$($rule:expr),* $(,)?]
            ),* $(,)?
        }
    ) => {
        $crate::form! {
            $(#[doc = $about])*
            $visibility struct $name {
                $($(#[doc = $doc])* $(#[rest_only $($rest_only)?])? $field: $ty => [$($rule),*]),*
            }
        }

        impl $name {
            /// Puts what was given into the columns of a row.
            $visibility fn write_to(&self, row: &mut $($entity)::+::ActiveModel) {
                $($crate::form!(@column [$(no_column $($no_column)?)?] row self $field);)*
            }
        }
    };
    (@column [] $row:ident $this:ident $field:ident) => {
        $crate::write::put(&mut $row.$field, $this.$field.clone())
    };
    (@column [no_column] $row:ident $this:ident $field:ident) => {};
    (
        $(#[doc = $about:expr])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $doc:expr])* $(#[rest_only $($rest_only:tt)?])? $field:ident: $ty:ty => [$($rule:expr),* $(,)?]
            ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[allow(dead_code, reason = "a field may be there for the rules of another")]
        $visibility struct $name {
            $($(#[doc = $doc])* $visibility $field: ::async_graphql::MaybeUndefined<$ty>,)*
        }

        impl $crate::form::FormInput for $name {
            fn shape() -> &'static $crate::form::Shape {
                static SHAPE: ::std::sync::OnceLock<$crate::form::Shape> = ::std::sync::OnceLock::new();
                SHAPE.get_or_init(|| {
                    #[allow(unused_imports)]
                    use $crate::form::rules::*;
                    let fields = vec![
                        $(
                            $crate::form::Field::new::<$ty>(stringify!($field), &[$($doc),*], vec![$($rule),*])
                                $(.rest_only($($rest_only)?))?
                        ),*
                    ];
                    $crate::form::Shape::new(stringify!($name), &[$($about),*], fields)
                })
            }

            fn from_cast(cast: &$crate::form::Cast) -> $crate::Result<Self> {
                Ok(Self { $($field: cast.get(stringify!($field))?),* })
            }
        }
    };
}
