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
pub use input::{CastValues, Form, FormInput};
pub use normalise::normalise;
pub use rules::{CustomRule, Rule};
use sea_orm::DatabaseConnection;
#[doc(hidden)]
pub use shape::{FormDefinition, FormField};
pub use value::BROKEN_UPLOAD;

use crate::engine::{Settings, Texts};

/// What a check may lean on beside the input itself.
#[derive(Clone, Copy)]
pub struct CheckScope<'a> {
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
/// Makes a struct of the same name whose fields are [`MaybeUndefined`](async_graphql::MaybeUndefined).
#[macro_export]
macro_rules! form {
    (
        $(#[doc = $about:expr])*
        $visibility:vis struct $name:ident {
            $($(#[doc = $doc:expr])* $field:ident: $ty:ty => [$($rule:expr),* $(,)?]),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[allow(dead_code, reason = "a field may be there for the rules of another")]
        $visibility struct $name {
            $($(#[doc = $doc])* $visibility $field: ::async_graphql::MaybeUndefined<$ty>,)*
        }

        impl $crate::form::FormInput for $name {
            fn shape() -> &'static $crate::form::FormDefinition {
                static SHAPE: ::std::sync::OnceLock<$crate::form::FormDefinition> = ::std::sync::OnceLock::new();
                SHAPE.get_or_init(|| {
                    #[allow(unused_imports)]
                    use $crate::form::rules::*;
                    let fields = vec![
                        $($crate::form::FormField::new::<$ty>(stringify!($field), &[$($doc),*], vec![$($rule),*])),*
                    ];
                    $crate::form::FormDefinition::new(stringify!($name), &[$($about),*], fields)
                })
            }

            fn from_cast(cast: &$crate::form::CastValues) -> $crate::Result<Self> {
                Ok(Self { $($field: cast.get(stringify!($field))?),* })
            }
        }
    };
}
