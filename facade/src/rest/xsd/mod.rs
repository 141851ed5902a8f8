//! The XML Schema (XSD 1.0) of what REST writes and reads as XML, made from the OpenAPI document. It knows no resource.
//!
//! | Module | Contents |
//! |---|---|
//! | `shape` | the schemas of OpenAPI, read as shapes of XML elements |
//! | `types` | the types of XSD that these shapes are |
//!
//! Each component of the OpenAPI document is a type with its name. XSD gives the root element one type, while each
//! operation answers another: the type of the root is chosen by who asks for the schema.

mod shape;
mod types;

use std::fmt;
use std::io;
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value as Json;

use self::shape::Components;
use self::types::TypeWriter;
use crate::operation::suggestion;

/// The XML Schema of REST.
#[derive(Clone, Debug)]
pub struct XmlSchema {
    text: Bytes,
    /// Where the text has the type of the root element.
    root: Range<usize>,
    /// The types that the root element may have.
    names: Vec<String>,
}

impl XmlSchema {
    /// The XML Schema of the components of an OpenAPI document.
    ///
    /// # Errors
    /// When the schema cannot be written into memory, which does not happen.
    pub fn new(openapi: &Json) -> io::Result<Self> {
        let components = Components::new(openapi);
        let text = TypeWriter::new(components).schema()?;
        let start = text.find(types::ROOT).map_or(text.len(), |at| at + types::ROOT.len());
        let length = text[start..].find('"').unwrap_or_default();
        let names = components.names().map(str::to_owned).collect();
        Ok(Self { text: text.into(), root: start..start + length, names })
    }

    /// The text of the schema, in three parts. `root` is the component that the root element is; without it, the root
    /// element may hold anything.
    ///
    /// # Errors
    /// When there is no such component.
    pub fn with_root(&self, root: Option<&str>) -> Result<[Bytes; 3], UnknownType> {
        let ty = match root {
            None => self.text.slice(self.root.clone()),
            Some(name) if self.names.iter().any(|known| known == name) => Bytes::from(name.to_owned()),
            Some(name) => return Err(UnknownType::new(name, &self.names)),
        };
        Ok([self.text.slice(..self.root.start), ty, self.text.slice(self.root.end..)])
    }
}

/// A name that no component of the OpenAPI document has. It displays as a message that names similar ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownType {
    name: String,
    suggestion: String,
}

impl UnknownType {
    fn new(name: &str, known: &[String]) -> Self {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        Self { name: name.to_owned(), suggestion: suggestion(name, &known).unwrap_or_default() }
    }
}

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, suggestion } = self;
        write!(f, "The OpenAPI document has no component \"{name}\" below `components.schemas`.{suggestion}")
    }
}

impl std::error::Error for UnknownType {}
