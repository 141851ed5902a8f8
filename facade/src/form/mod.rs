//! Validation of input with the rules of Laravel: all broken rules are reported at once, in the texts of the host
//! (docs/contract/wire.md#2.3, docs/contract/wire.md#3).
//!
//! A resource declares a form once with [`form!`](crate::form!): names, types and rules of its fields. A resolver
//! takes a [`Form`] and gets typed values from [`Form::check`]. In the GraphQL schema a form is an input object;
//! input of REST reaches the rules with whatever types the client has sent.

mod cast;
mod check;
mod constraint;
mod definition;
mod file;
mod input;
mod normalise;
mod prepare;
pub mod rules;
pub mod value;

use async_graphql::UploadValue;
pub use check::Subject;
use chrono::{DateTime, Utc};
pub use constraint::{Constrained, Constraint};
#[doc(hidden)]
pub use definition::{FormDefinition, FormField};
pub use file::File;
pub use input::{CastValues, Form, FormInput};
pub use normalise::normalise;
pub use rules::file::is_of_type;
pub use rules::{CustomRule, Rule};
use sea_orm::sea_query::SelectStatement;
use sea_orm::{DbBackend, QueryResult};
pub use value::BROKEN_UPLOAD;

use crate::Result;
use crate::engine::{Host, Settings, Texts};

/// What the check of a form needs beside the input.
#[derive(Clone, Copy)]
pub struct CheckScope<'a> {
    /// The application, whose database `exists` and `unique` ask.
    pub host: &'a dyn Host,
    /// The texts of messages.
    pub texts: &'a dyn Texts,
    /// The settings that rules of the host read.
    pub settings: &'a dyn Settings,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// The uploaded files of the request.
    pub uploads: &'a [UploadValue],
    /// Primary key of the record that is updated, which `unique` ignores.
    pub own_id: Option<i64>,
    /// Whether fields that are not sent stay as they are, so that required fields may be left out.
    pub partial: bool,
    /// Whether the input came through REST. GraphQL sends enum words in capital letters.
    pub rest: bool,
    /// Stored values of the updated record that rules read where a field was not sent: column and value.
    pub stored: &'a [(&'a str, &'a str)],
}

impl CheckScope<'_> {
    /// The kind of database.
    pub(crate) fn backend(&self) -> DbBackend {
        self.host.database().get_database_backend()
    }

    /// The rows of a statement, from the primary.
    pub(crate) async fn rows(&self, select: &SelectStatement) -> Result<Vec<QueryResult>> {
        Ok(self.host.rows(self.backend().build(select), true).await?)
    }

    /// The name of a field in messages.
    pub(crate) fn display_name(&self, field: &str) -> String {
        self.texts.field_name(field, self.rest)
    }

    /// The number in a value: in GraphQL as the scalar `Decimal` is described, in REST as PHP reads it.
    pub fn number(&self, value: &async_graphql::Value) -> Option<f64> {
        if self.rest { value::number(value) } else { value::plain_number(value) }
    }
}

/// Declares a form: its fields with their types and [rules](crate::form::rules). Messages are reported in this order.
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
            fn definition() -> &'static $crate::form::FormDefinition {
                static DEFINITION: ::std::sync::OnceLock<$crate::form::FormDefinition> = ::std::sync::OnceLock::new();
                DEFINITION.get_or_init(|| {
                    #[allow(unused_imports)]
                    use $crate::form::rules::*;
                    let fields = vec![
                        $(
                            $crate::form::FormField::new::<$ty>(stringify!($field), &[$($doc),*], vec![$($rule),*])
                                $(.rest_only($($rest_only)?))?
                        ),*
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
