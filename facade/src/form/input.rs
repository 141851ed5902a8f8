//! [`Form`]: an input object in the GraphQL schema that keeps the raw values for the rules.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::registry::{MetaTypeId, Registry};
use async_graphql::{InputType, InputValueError, InputValueResult, MaybeUndefined, Name, Value};

use super::check::{self, Values};
use super::definition::FormDefinition;
use super::{CheckScope, prepare};
use crate::{Error, Result};

/// A form declared with [`form!`](crate::form!).
pub trait FormInput: Sized + Send + Sync + 'static {
    /// Its fields and rules.
    #[doc(hidden)]
    fn definition() -> &'static FormDefinition;

    /// Makes the typed struct of values that passed the rules.
    #[doc(hidden)]
    fn from_cast(cast: &CastValues) -> Result<Self>;
}

/// Input as it was sent, before its rules were checked: the argument type of resolvers.
pub struct Form<T> {
    values: Values,
    form: PhantomData<fn() -> T>,
}

impl<T> Default for Form<T> {
    /// A form in which nothing was sent.
    fn default() -> Self {
        Self { values: Values::new(), form: PhantomData }
    }
}

impl<T: FormInput> Form<T> {
    /// Checks all rules; returns the typed values.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all broken rules; when the database fails.
    pub async fn check(self, scope: &CheckScope<'_>) -> Result<T> {
        let values = check::check(T::definition(), self.values, scope).await?;
        T::from_cast(&CastValues(values))
    }

    /// Whether the field was sent, null included.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The field as it was sent.
    pub fn raw(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}

impl<T> Form<T> {
    /// Sets a field that was not sent, or was sent as null. To be called before the check.
    pub fn set_default(&mut self, name: &'static str, value: Value) {
        let slot = self.values.entry(Name::new(name)).or_default();
        if *slot == Value::Null {
            *slot = value;
        }
    }
}

impl<T: FormInput> InputType for Form<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(T::definition().name)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry
            .create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| T::definition().meta(registry))
    }

    /// Accepts any value but null: a value that is no object counts as an empty form, and wrong types are reported
    /// by the rules. Its texts are [normalised](super::normalise()).
    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let values = match value {
            Some(Value::Object(fields)) => prepare::rename_and_normalise(T::definition(), fields),
            Some(Value::Null) => return Err(InputValueError::expected_type(Value::Null)),
            _ => Values::new(),
        };
        Ok(Self { values, form: PhantomData })
    }

    fn to_value(&self) -> Value {
        Value::Object(self.values.clone())
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

/// Values that passed the rules, converted for the types of their fields.
#[doc(hidden)]
pub struct CastValues(Values);

impl CastValues {
    /// Used by [`form!`](crate::form!).
    ///
    /// # Errors
    /// Never for values that were cast for this type.
    pub fn get<T: InputType>(&self, name: &str) -> Result<MaybeUndefined<T>> {
        let name = Name::new(name.strip_prefix("r#").unwrap_or(name));
        match self.0.get(&name) {
            None => Ok(MaybeUndefined::Undefined),
            Some(Value::Null) => Ok(MaybeUndefined::Null),
            Some(value) => match T::parse(Some(value.clone())) {
                Ok(value) => Ok(MaybeUndefined::Value(value)),
                Err(_) => Err(Error::internal(format!("{name} does not fit its type"))),
            },
        }
    }
}
