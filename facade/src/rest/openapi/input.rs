//! What operations take in their bodies: input objects of the schema in REST's names.

use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName};
use utoipa::Number;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ArrayBuilder, SchemaType};
use utoipa::openapi::{
    AllOfBuilder, ContentBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Required, Schema, SchemaFormat,
    Type,
};

use super::schema::{anything, described, leaf, nullable, one_of, typed};
use super::{JSON, Maker, XML};
use crate::form::Constraint;
use crate::record::JsonType;
use crate::rest::document::{Checked, Document, Route, snake};

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// A body's schema, with its files apart: only multipart bodies can hold them.
struct Body {
    fields: RefOr<Schema>,
    files: Option<ObjectBuilder>,
    required: bool,
}

/// The example of a document without what stands in the route's path.
fn body_example(document: &Document<Checked>, route: &Route) -> Option<serde_json::Value> {
    let fields = document.example_fields().filter(|(name, _)| !route.path.contains(&format!("{{{name}}}")));
    let fields: serde_json::Map<_, _> = fields
        .filter_map(|(name, value)| Some((name.to_string(), value.clone().into_json().ok()?)))
        .collect();
    (!fields.is_empty()).then(|| fields.into())
}

impl Maker<'_> {
    /// The body that an operation takes.
    pub(super) fn request_body(
        &mut self,
        document: &Document<Checked>,
        route: &Route,
    ) -> Option<RequestBody> {
        let body = match document.variables.iter().find(|variable| variable.name == "input") {
            Some(input) => self.input(&input.ty.to_string(), super::is_partial(document, route)),
            None => self.fields(document, route)?,
        };
        let content = |schema: RefOr<Schema>| ContentBuilder::new().schema(Some(schema)).build();
        let example = body_example(document, route);
        let json = ContentBuilder::new().schema(Some(body.fields.clone())).example(example).build();
        let builder =
            [FORM, XML].into_iter().fold(RequestBodyBuilder::new().content(JSON, json), |all, media| {
                all.content(media, content(body.fields.clone()))
            });
        let builder = match body.files {
            Some(files) => {
                let all = AllOfBuilder::new().item(body.fields).item(files);
                builder.content(MULTIPART, content(all.into()))
            }
            None => builder,
        };
        let required = if body.required { Required::True } else { Required::False };
        Some(builder.required(Some(required)).build())
    }

    /// Variables that a writing operation reads beside its path.
    fn fields(&mut self, document: &Document<Checked>, route: &Route) -> Option<Body> {
        let parameters = self.plain_parameters(document, route);
        let fields = parameters.into_iter().filter(|parameter| parameter.parameter_in == ParameterIn::Query);
        let writes = matches!(route.method, "POST" | "PUT");
        let fields: Vec<_> = if writes { fields.collect() } else { Vec::new() };
        if fields.is_empty() {
            return None;
        }
        let required = fields.iter().any(|field| field.required == Required::True);
        let object = fields.into_iter().fold(typed(Type::Object), |object, field| {
            let schema = field.schema.unwrap_or_else(|| anything().into());
            let schema = described(schema, field.description.as_deref().unwrap_or_default());
            let object = if field.required == Required::True { object.required(&field.name) } else { object };
            object.property(field.name, schema)
        });
        Some(Body { fields: object.into(), files: None, required })
    }

    /// A whole input: a form of the schema, or any object.
    fn input(&mut self, ty: &str, partial: bool) -> Body {
        let name = MetaTypeName::concrete_typename(ty).to_owned();
        let registry = self.registry;
        let Some(MetaType::InputObject { input_fields, .. }) = registry.types.get(&name) else {
            let any = typed(Type::Object).additional_properties(Some(Schema::from(anything().build())));
            return Body { fields: any.into(), files: None, required: false };
        };
        let is_file = |field: &&MetaInputValue| MetaTypeName::concrete_typename(&field.ty) == "Upload";
        let must = |field: &MetaInputValue| !partial && required(field);
        let files: Vec<&MetaInputValue> = input_fields.values().filter(is_file).collect();
        let files = (!files.is_empty()).then(|| {
            files
                .into_iter()
                .fold(typed(Type::Object), |object, field| self.add(object, field, must(field), true))
        });
        let any_required = input_fields.values().any(required);
        let component = if partial && any_required { format!("{name}Partly") } else { name.clone() };
        self.component(&component, &name, true, must);
        Body { fields: Ref::from_schema_name(component).into(), files, required: !partial && any_required }
    }

    /// Makes the component of an input object, without its files.
    fn component(&mut self, component: &str, name: &str, form: bool, must: impl Fn(&MetaInputValue) -> bool) {
        let registry = self.registry;
        let Some(MetaType::InputObject { input_fields, description, .. }) = registry.types.get(name) else {
            return;
        };
        if self.schemas.contains_key(component) {
            return;
        }
        // Known from here on: an input may hold itself.
        self.schemas.insert(component.to_owned(), anything().into());
        let fields =
            input_fields.values().filter(|field| MetaTypeName::concrete_typename(&field.ty) != "Upload");
        let object = typed(Type::Object).description(description.clone());
        let object = fields.fold(object, |object, field| self.add(object, field, must(field), form));
        self.schemas.insert(component.to_owned(), object.into());
    }

    fn add(
        &mut self,
        object: ObjectBuilder,
        field: &MetaInputValue,
        must: bool,
        form: bool,
    ) -> ObjectBuilder {
        let constraint = Constraint::read(field);
        let name = constraint.text("name").map_or_else(|| snake(&field.name), str::to_owned);
        let mut schema = self.constrained(&field.ty, &constraint);
        let is_null = if form { constraint.is("nullable") } else { !field.ty.ends_with('!') };
        if is_null {
            schema = nullable(schema);
        }
        let object = if must { object.required(&name) } else { object };
        if constraint.is("confirmed") {
            let again = described(schema.clone(), &format!("`{name}` once more."));
            let about = field.description.as_deref().unwrap_or_default();
            return object
                .property(format!("{name}_confirmation"), again)
                .property(name, described(schema, about));
        }
        object.property(name, described(schema, &about(field, &constraint)))
    }

    /// Schema of an input that is not null.
    fn constrained(&mut self, ty: &str, constraint: &Constraint) -> RefOr<Schema> {
        let ty = ty.trim_end_matches('!');
        if let MetaTypeName::List(item) = MetaTypeName::create(ty) {
            let items = self.constrained(item, constraint);
            let array = ArrayBuilder::new().items(items);
            let array = array.min_items(constraint.count("minItems")).max_items(constraint.count("maxItems"));
            return array.into();
        }
        let words = constraint.words("oneOf");
        if !words.is_empty() {
            return one_of(words).into();
        }
        match self.registry.types.get(ty) {
            Some(MetaType::InputObject { .. }) => {
                self.component(ty, ty, false, |field| {
                    field.ty.ends_with('!') && field.default_value.is_none()
                });
                Ref::from_schema_name(ty).into()
            }
            Some(meta) => limited(scalar(ty, meta), constraint).into(),
            None => anything().into(),
        }
    }

    /// Schema of a variable's type.
    pub(super) fn variable(&mut self, ty: &str) -> RefOr<Schema> {
        self.constrained(ty, &Constraint::default())
    }
}

fn required(field: &MetaInputValue) -> bool {
    Constraint::read(field).is("required") || field.ty.ends_with('!') && field.default_value.is_none()
}

/// A scalar as REST clients send it: exact numbers as numbers, files as bytes.
fn scalar(name: &str, meta: &MetaType) -> ObjectBuilder {
    match name {
        "Decimal" => typed(Type::Number),
        "Upload" => typed(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))),
        _ => leaf(meta, JsonType::AsTyped).unwrap_or_else(anything),
    }
}

fn limited(object: ObjectBuilder, constraint: &Constraint) -> ObjectBuilder {
    let built = object.build();
    let (ty, words) = (built.schema_type.clone(), built.enum_values.is_some());
    let object = ObjectBuilder::from(built);
    match ty {
        SchemaType::Type(Type::Integer | Type::Number) => object
            .minimum(constraint.number("min").map(Number::from))
            .maximum(constraint.number("max").map(Number::from)),
        SchemaType::Type(Type::String) if !words => {
            let object =
                object.min_length(constraint.count("minLength")).max_length(constraint.count("maxLength"));
            match constraint.text("format") {
                Some("email") => object.format(Some(SchemaFormat::KnownFormat(KnownFormat::Email))),
                // A date may come without a time.
                Some("date") => object.format(None),
                _ => object,
            }
        }
        _ => object,
    }
}

fn about(field: &MetaInputValue, constraint: &Constraint) -> String {
    let text = field.description.clone().unwrap_or_default();
    let kinds = constraint.words("mimes");
    let kinds = if kinds.is_empty() { String::new() } else { format!(" One of: {}.", kinds.join(", ")) };
    let size =
        constraint.count("maxKilobytes").map(|most| format!(" At most {most} kB.")).unwrap_or_default();
    format!("{text}{kinds}{size}").trim().to_owned()
}
