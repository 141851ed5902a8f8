//! Uploaded files as input.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaType, MetaTypeId, Registry};
use async_graphql::{InputType, InputValueError, InputValueResult, Name, UploadValue, Value};
use bytes::Bytes;

/// An uploaded file: `Upload` in GraphQL, a part of a `multipart/form-data` body in REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Name that the client has sent. It must not be used as a path.
    pub name: String,
    /// Content type that the client has sent.
    pub content_type: Option<String>,
    /// The content.
    pub bytes: Bytes,
}

const NAME: &str = "name";
const TYPE: &str = "type";
const BYTES: &str = "bytes";

impl File {
    /// The value of an upload that [`File`] is parsed from.
    pub(crate) fn to_cast_value(upload: &UploadValue) -> Value {
        let content_type = upload.content_type.clone().map_or(Value::Null, Value::String);
        Value::Object(IndexMap::from_iter([
            (Name::new(NAME), Value::String(upload.filename.clone())),
            (Name::new(TYPE), content_type),
            (Name::new(BYTES), Value::Binary(upload.content.clone())),
        ]))
    }

    /// File extension by the content, such as `png`.
    pub fn extension(&self) -> Option<&'static str> {
        super::rules::file::extension(&self.bytes)
    }
}

impl InputType for File {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Upload")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Scalar, |_| MetaType::Scalar {
            name: Self::type_name().to_string(),
            description: Some("A file, sent beside the request as `multipart/form-data`.".to_owned()),
            is_valid: Some(Arc::new(|value| matches!(value, Value::String(_)))),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            specified_by_url: Some(
                "https://github.com/jaydenseric/graphql-multipart-request-spec".to_owned(),
            ),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let Some(Value::Object(mut parts)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        match (parts.swap_remove(NAME), parts.swap_remove(TYPE), parts.swap_remove(BYTES)) {
            (Some(Value::String(name)), content_type, Some(Value::Binary(bytes))) => {
                let content_type = match content_type {
                    Some(Value::String(content_type)) => Some(content_type),
                    _ => None,
                };
                Ok(Self { name, content_type, bytes })
            }
            _ => Err(InputValueError::custom("not an uploaded file")),
        }
    }

    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}
