//! The types of XSD that shapes of elements are. Components keep their names; other types are named by what they hold
//! (`TextTo255`), so that generated classes are few and readable.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use async_graphql::indexmap::IndexMap;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::ElementWriter;
use serde_json::Number;

use super::super::document::{camel, capitalised};
use super::shape::{Bounds, Components, Content, Member, Shape};

/// The beginning of the root element's declaration; its type follows.
pub(super) const ROOT: &str = "<xs:element name=\"response\" type=\"";

const NAMESPACE: &str = "http://www.w3.org/2001/XMLSchema";

type Out = Writer<Vec<u8>>;

/// A type that is no component.
enum Definition<'a> {
    Shape(Shape<'a>),
    /// What the simple type `base` holds, and the attribute `nil`.
    OrNil {
        base: String,
    },
    /// What the simple type `base` holds, or nothing.
    OrEmpty {
        base: String,
    },
    Empty,
}

/// Writes types, and collects those that they refer to.
pub(super) struct TypeWriter<'a> {
    components: Components<'a>,
    /// Types that are not written yet, by name.
    pending: BTreeMap<String, Definition<'a>>,
    /// The names of the other types that are no components.
    written: BTreeSet<String>,
}

impl<'a> TypeWriter<'a> {
    pub(super) fn new(components: Components<'a>) -> Self {
        Self { components, pending: BTreeMap::new(), written: BTreeSet::new() }
    }

    /// The text of the whole schema.
    pub(super) fn schema(mut self) -> io::Result<String> {
        let mut out = Writer::new_with_indent(Vec::new(), b' ', 2);
        out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let schema = out.create_element("xs:schema").with_attribute(("xmlns:xs", NAMESPACE));
        schema.write_inner_content(|out| {
            let root = self.own("Anything", Definition::Shape(Shape::ANYTHING));
            element(out, "response").with_attribute(("type", root.as_str())).write_empty()?;
            for name in self.components.names() {
                let shape = self.components.component(name);
                self.shape(name, &shape, self.components.description(name), out)?;
            }
            while let Some((name, definition)) = self.pending.pop_first() {
                self.written.insert(name.clone());
                self.definition(&name, definition, out)?;
            }
            Ok(())
        })?;
        String::from_utf8(out.into_inner()).map_err(io::Error::other)
    }

    /// The name of a type that is no component. It is written later.
    fn own(&mut self, name: &str, definition: Definition<'a>) -> String {
        let mut name = name.to_owned();
        while self.components.contains(&name) {
            name.push('_');
        }
        if !self.written.contains(&name) {
            self.pending.entry(name.clone()).or_insert(definition);
        }
        name
    }

    /// The name of the type of an element, unless the type is written within the element. `path` names the element in the
    /// whole schema.
    fn type_name(&mut self, shape: &Shape<'a>, path: &str) -> Option<String> {
        match &shape.content {
            Content::List { .. } | Content::Object(_) => None,
            Content::Map => Some(self.own("Map", Definition::Shape(shape.clone()))),
            Content::Anything => Some(self.own("Anything", Definition::Shape(shape.clone()))),
            Content::Component(name) => Some(self.component_name(name, shape.is_nullable)),
            simple => {
                let name = self.simple_name(simple, path);
                Some(if shape.is_nullable { self.or_nil(&name, simple) } else { name })
            }
        }
    }

    /// The name of a component's type, or of the one that may be null too.
    fn component_name(&mut self, name: &str, is_nullable: bool) -> String {
        let target = self.components.component(name);
        if !is_nullable || target.is_nullable {
            return name.to_owned();
        }
        if target.content.is_simple() {
            return self.or_nil(name, &target.content);
        }
        self.own(&format!("{name}OrNil"), Definition::Shape(Shape { is_nullable, ..target }))
    }

    /// The name of the simple type of a text, number or the like.
    fn simple_name(&mut self, content: &Content<'a>, path: &str) -> String {
        let name = match content {
            Content::Words(_) => path.to_owned(),
            Content::Text(bounds) | Content::Integer(bounds) | Content::Number(bounds) if bounds.is_any() => {
                format!("{}{}", content.word(), bounds.name())
            }
            other => return other.built_in().to_owned(),
        };
        self.own(&name, Definition::Shape(content.clone().into()))
    }

    /// The name of the type of an element that holds what the simple type `name` does, or is null.
    fn or_nil(&mut self, name: &str, content: &Content<'a>) -> String {
        let word = if name.starts_with("xs:") { content.word() } else { name };
        let base = if content.may_be_empty() {
            name.to_owned()
        } else {
            self.own(&format!("{word}OrEmpty"), Definition::OrEmpty { base: name.to_owned() })
        };
        self.own(&format!("{word}OrNil"), Definition::OrNil { base })
    }

    fn definition(&mut self, name: &str, definition: Definition<'a>, out: &mut Out) -> io::Result<()> {
        match definition {
            Definition::Shape(shape) => self.shape(name, &shape, None, out),
            Definition::OrNil { base } => or_nil_type(name, &base, None, out),
            Definition::OrEmpty { base } => {
                let empty = self.own("Empty", Definition::Empty);
                let members = format!("{base} {empty}");
                simple_type(name, None, out, |out| {
                    out.create_element("xs:union")
                        .with_attribute(("memberTypes", members.as_str()))
                        .write_empty()?;
                    Ok(())
                })
            }
            Definition::Empty => simple_type(name, None, out, |out| {
                restriction("xs:string", out, |out| facet("length", "0", out))
            }),
        }
    }

    /// Writes a global type.
    fn shape(
        &mut self,
        name: &str,
        shape: &Shape<'a>,
        description: Option<&str>,
        out: &mut Out,
    ) -> io::Result<()> {
        match &shape.content {
            content if content.is_simple() && shape.is_nullable => {
                let simple = self.simple_name(content, name);
                or_nil_type(name, &self.or_nil(&simple, content), description, out)
            }
            Content::Words(words) => simple_type(name, description, out, |out| {
                let write = |out: &mut Out| words.iter().try_for_each(|word| facet("enumeration", word, out));
                restriction("xs:string", out, write)
            }),
            content if content.is_simple() => simple_type(name, description, out, |out| {
                restriction(content.built_in(), out, |out| facets(content, out))
            }),
            _ => {
                let complex = out.create_element("xs:complexType").with_attribute(("name", name));
                self.complex(complex, shape, name, description)
            }
        }
    }

    /// Writes a type with elements.
    fn complex(
        &mut self,
        start: ElementWriter<'_, Vec<u8>>,
        shape: &Shape<'a>,
        path: &str,
        description: Option<&str>,
    ) -> io::Result<()> {
        let is_mixed = matches!(shape.content, Content::Anything);
        let start = if is_mixed { start.with_attribute(("mixed", "true")) } else { start };
        start.write_inner_content(|out| {
            annotation(description, out)?;
            match &shape.content {
                Content::Object(members) => self.members(members, shape.is_nullable, path, out)?,
                Content::List { item, bounds } => self.items(item, bounds, shape.is_nullable, path, out)?,
                _ => any_elements(out)?,
            }
            if shape.may_be_nil() { nil(out) } else { Ok(()) }
        })?;
        Ok(())
    }

    /// Writes the elements of an object. Where it may be null, all of them may be absent, but not some.
    fn members(
        &mut self,
        members: &IndexMap<&'a str, Member<'a>>,
        is_nullable: bool,
        path: &str,
        out: &mut Out,
    ) -> io::Result<()> {
        let all = out.create_element("xs:all");
        let all = if is_nullable { all.with_attribute(("minOccurs", "0")) } else { all };
        all.write_inner_content(|out| {
            members.iter().try_for_each(|(key, member)| {
                let start = element(out, key);
                let start = if member.is_required { start } else { start.with_attribute(("minOccurs", "0")) };
                let path = format!("{path}{}", capitalised(&camel(key)));
                self.typed(start, &member.shape, &path, member.description)
            })
        })?;
        Ok(())
    }

    /// Writes the items of a list.
    fn items(
        &mut self,
        item: &Shape<'a>,
        bounds: &Bounds,
        is_nullable: bool,
        path: &str,
        out: &mut Out,
    ) -> io::Result<()> {
        let number = |bound: &Option<Number>| bound.as_ref().map(Number::to_string);
        let least = number(&bounds.least).filter(|_| !is_nullable).unwrap_or_else(|| "0".to_owned());
        let most = number(&bounds.most).unwrap_or_else(|| "unbounded".to_owned());
        out.create_element("xs:sequence").write_inner_content(|out| {
            let occurs = [("minOccurs", least.as_str()), ("maxOccurs", most.as_str())];
            self.typed(element(out, "item").with_attributes(occurs), item, &format!("{path}Item"), None)
        })?;
        Ok(())
    }

    /// Writes the rest of an element's declaration.
    fn typed(
        &mut self,
        start: ElementWriter<'_, Vec<u8>>,
        shape: &Shape<'a>,
        path: &str,
        description: Option<&str>,
    ) -> io::Result<()> {
        match (self.type_name(shape, path), description) {
            (Some(name), None) => start.with_attribute(("type", name.as_str())).write_empty()?,
            (Some(name), _) => {
                let start = start.with_attribute(("type", name.as_str()));
                start.write_inner_content(|out| annotation(description, out))?
            }
            (None, _) => start.write_inner_content(|out| {
                annotation(description, out)?;
                self.complex(out.create_element("xs:complexType"), shape, path, None)
            })?,
        };
        Ok(())
    }
}

fn element<'w>(out: &'w mut Out, name: &str) -> ElementWriter<'w, Vec<u8>> {
    out.create_element("xs:element").with_attribute(("name", name))
}

fn simple_type(
    name: &str,
    description: Option<&str>,
    out: &mut Out,
    content: impl FnOnce(&mut Out) -> io::Result<()>,
) -> io::Result<()> {
    global_type("xs:simpleType", name, description, out, content)
}

/// Writes a global type of that kind: its description, and then its content.
fn global_type(
    kind: &str,
    name: &str,
    description: Option<&str>,
    out: &mut Out,
    content: impl FnOnce(&mut Out) -> io::Result<()>,
) -> io::Result<()> {
    out.create_element(kind).with_attribute(("name", name)).write_inner_content(|out| {
        annotation(description, out)?;
        content(out)
    })?;
    Ok(())
}

/// Writes a type of elements that hold what the simple type `base` does, and may have the attribute `nil`.
fn or_nil_type(name: &str, base: &str, description: Option<&str>, out: &mut Out) -> io::Result<()> {
    global_type("xs:complexType", name, description, out, |out| {
        out.create_element("xs:simpleContent").write_inner_content(|out| {
            let extension = out.create_element("xs:extension").with_attribute(("base", base));
            extension.write_inner_content(nil)?;
            Ok(())
        })?;
        Ok(())
    })
}

fn restriction(base: &str, out: &mut Out, facets: impl FnOnce(&mut Out) -> io::Result<()>) -> io::Result<()> {
    out.create_element("xs:restriction").with_attribute(("base", base)).write_inner_content(facets)?;
    Ok(())
}

fn facets(content: &Content<'_>, out: &mut Out) -> io::Result<()> {
    let ([least, most], bounds) = match content {
        Content::Text(bounds) => (["minLength", "maxLength"], bounds),
        Content::Integer(bounds) | Content::Number(bounds) => (["minInclusive", "maxInclusive"], bounds),
        _ => return Ok(()),
    };
    for (name, bound) in [(least, &bounds.least), (most, &bounds.most)] {
        if let Some(bound) = bound {
            facet(name, &bound.to_string(), out)?;
        }
    }
    Ok(())
}

fn facet(name: &str, value: &str, out: &mut Out) -> io::Result<()> {
    out.create_element(format!("xs:{name}")).with_attribute(("value", value)).write_empty()?;
    Ok(())
}

/// Writes that any elements may be there.
fn any_elements(out: &mut Out) -> io::Result<()> {
    out.create_element("xs:sequence").write_inner_content(|out| {
        let any = out.create_element("xs:any");
        any.with_attributes([("minOccurs", "0"), ("maxOccurs", "unbounded"), ("processContents", "skip")])
            .write_empty()?;
        Ok(())
    })?;
    Ok(())
}

/// Writes the attribute of null. It is no word of a closed list, because generated classes then have a type of their own for it.
fn nil(out: &mut Out) -> io::Result<()> {
    out.create_element("xs:attribute")
        .with_attributes([("name", "nil"), ("type", "xs:boolean")])
        .write_empty()?;
    Ok(())
}

/// Writes a description, its lines joined.
fn annotation(description: Option<&str>, out: &mut Out) -> io::Result<()> {
    let Some(description) = description else { return Ok(()) };
    let text = description.split_whitespace().collect::<Vec<_>>().join(" ");
    out.create_element("xs:annotation").write_inner_content(|out| {
        out.create_element("xs:documentation").write_text_content(BytesText::new(&text))?;
        Ok(())
    })?;
    Ok(())
}
