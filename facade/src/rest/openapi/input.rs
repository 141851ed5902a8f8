//! Schemas of request bodies: input objects of the schema, with the names that REST has for their fields.

use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName};
use utoipa::Number;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{
    AllOfBuilder, ContentBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Required, Schema, SchemaFormat,
    Type,
};

use super::schema::{MAX_TEXT, anything, described, integer_from, leaf, list, nullable, one_of, text, typed};
use super::{ContractBuilder, JSON};
use crate::form::Constraint;
use crate::form::rules::TEXT_KEY;
use crate::record::JsonType;
use crate::rest::document::{Checked, Document, Route, capitalised, snake};

/// Most items of a list that no rule limits: more fields are not read of a body.
const MAX_ITEMS: usize = 1_000;
const MULTIPART: &str = "multipart/form-data";

/// The schema of a body. Its files are separate, because only multipart bodies have files.
struct BodySchema {
    fields: RefOr<Schema>,
    files: Option<ObjectBuilder>,
    required: bool,
}

/// The example of a document without the parameters of the route's path.
fn body_example(document: &Document<Checked>, route: &Route) -> Option<serde_json::Value> {
    let fields = document.example_fields().filter(|(name, _)| !route.path.contains(&format!("{{{name}}}")));
    let fields: serde_json::Map<_, _> = fields
        .filter_map(|(name, value)| Some((name.to_string(), value.clone().into_json().ok()?)))
        .collect();
    (!fields.is_empty()).then(|| fields.into())
}

impl ContractBuilder<'_> {
    /// A reference to the request body of an operation; `None` if it has none. The bodies of all its paths are one, but for
    /// partial updates.
    pub(super) fn request_body(&mut self, document: &Document<Checked>, route: &Route) -> Option<Ref> {
        let body = self.whole_body(document, route)?;
        let limitation = if super::is_partial(document, route) { "Partially" } else { "" };
        let name = format!("{}{limitation}", capitalised(&document.name));
        self.bodies.insert(name.clone(), body);
        Some(Ref::new(format!("#/components/requestBodies/{name}")))
    }

    /// JSON, and where a record that is there takes files, a form of several parts. Generated clients send the first of them,
    /// or ask which one. Other forms and XML are read too.
    fn whole_body(&mut self, document: &Document<Checked>, route: &Route) -> Option<RequestBody> {
        let body = match document.variables.iter().find(|variable| variable.name == "input") {
            Some(input) => self.body_of_input(&input.ty.to_string(), super::is_partial(document, route)),
            None => self.body_of_variables(document, route)?,
        };
        let content = |schema: RefOr<Schema>| ContentBuilder::new().schema(Some(schema)).build();
        let example = body_example(document, route);
        let json = ContentBuilder::new().schema(Some(body.fields.clone())).example(example).build();
        let builder = RequestBodyBuilder::new().content(JSON, json);
        let is_for_record = route.method == "POST" && route.path.contains('{');
        let builder = match body.files.filter(|_| is_for_record) {
            Some(files) => {
                let all = AllOfBuilder::new().item(body.fields).item(files);
                builder.content(MULTIPART, content(all.into()))
            }
            None => builder,
        };
        let required = if body.required { Required::True } else { Required::False };
        Some(builder.required(Some(required)).build())
    }

    /// The body of a `POST` or `PUT` without the variable `input`: its other variables that are not in the path.
    fn body_of_variables(&mut self, document: &Document<Checked>, route: &Route) -> Option<BodySchema> {
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
        Some(BodySchema { fields: object.into(), files: None, required })
    }

    /// The body that is the variable `input` of the type `ty`: a form of the schema, or any object.
    fn body_of_input(&mut self, ty: &str, partial: bool) -> BodySchema {
        let name = MetaTypeName::concrete_typename(ty).to_owned();
        let registry = self.registry;
        let Some(MetaType::InputObject { input_fields, .. }) = registry.types.get(&name) else {
            let any = typed(Type::Object).additional_properties(Some(Schema::from(anything().build())));
            return BodySchema { fields: any.into(), files: None, required: false };
        };
        let is_file = |field: &&MetaInputValue| MetaTypeName::concrete_typename(&field.ty) == "Upload";
        let is_required = |field: &MetaInputValue| !partial && required(field);
        let files: Vec<&MetaInputValue> = input_fields.values().filter(is_file).collect();
        let files = (!files.is_empty()).then(|| {
            files.into_iter().fold(typed(Type::Object), |object, field| {
                self.add_property(object, field, is_required(field), true)
            })
        });
        let any_required = input_fields.values().any(required);
        let component = self.input_name(&name, partial && any_required);
        self.add_component(&component, &name, true, is_required);
        BodySchema {
            fields: Ref::from_schema_name(component).into(),
            files,
            required: !partial && any_required,
        }
    }

    /// The name of the component of an input object: without the word `Input`, unless a type of answers has that name.
    fn input_name(&self, name: &str, is_partial: bool) -> String {
        let noun = name.strip_suffix("Input").unwrap_or(name);
        if is_partial {
            return format!("{}Patch", noun.strip_suffix("Update").unwrap_or(noun));
        }
        if self.registry.types.contains_key(noun) { name.to_owned() } else { noun.to_owned() }
    }

    /// Adds a component for the input object `name` without its files. `is_form`: whether it is a form, whose rules say
    /// what may be null.
    fn add_component(
        &mut self,
        component: &str,
        name: &str,
        is_form: bool,
        is_required: impl Fn(&MetaInputValue) -> bool,
    ) {
        let registry = self.registry;
        let Some(MetaType::InputObject { input_fields, description, .. }) = registry.types.get(name) else {
            return;
        };
        if self.schemas.contains_key(component) {
            return;
        }
        // Inserted before its schema is made, because an input object may contain itself.
        self.schemas.insert(component.to_owned(), anything().into());
        let fields =
            input_fields.values().filter(|field| MetaTypeName::concrete_typename(&field.ty) != "Upload");
        let object = typed(Type::Object).description(description.as_deref().map(rest_names));
        let object = fields
            .fold(object, |object, field| self.add_property(object, field, is_required(field), is_form));
        self.schemas.insert(component.to_owned(), object.into());
    }

    fn add_property(
        &mut self,
        object: ObjectBuilder,
        field: &MetaInputValue,
        is_required: bool,
        is_form: bool,
    ) -> ObjectBuilder {
        let constraint = Constraint::read(field);
        let name = constraint.text("name").map_or_else(|| snake(&field.name), str::to_owned);
        let mut schema = self.constrained(&field.ty, &constraint);
        // The fields of a form are nullable by their rules alone.
        let is_nullable = constraint.flag("nullable").unwrap_or(!is_form && !field.ty.ends_with('!'));
        if is_nullable {
            schema = nullable(schema);
        }
        let object = if is_required { object.required(&name) } else { object };
        if constraint.is("confirmed") {
            let confirmation = described(schema.clone(), &format!("`{name}` once more."));
            let description = rest_names(field.description.as_deref().unwrap_or_default());
            return object
                .property(format!("{name}_confirmation"), confirmation)
                .property(name, described(schema, &description));
        }
        object.property(name, described(schema, &description_of(field, &constraint)))
    }

    /// The schema of a value that is not null, with its constraints.
    fn constrained(&mut self, ty: &str, constraint: &Constraint) -> RefOr<Schema> {
        let ty = ty.trim_end_matches('!');
        if let MetaTypeName::List(item) = MetaTypeName::create(ty) {
            let items = self.constrained(item, constraint);
            let most = constraint.count("maxItems").unwrap_or(MAX_ITEMS);
            return list(items, most).min_items(constraint.count("minItems")).into();
        }
        let words = constraint.words("oneOf");
        if !words.is_empty() {
            return one_of(words).into();
        }
        if constraint.text("format") == Some(TEXT_KEY) {
            return text(MAX_TEXT).into();
        }
        match self.registry.types.get(ty) {
            Some(MetaType::InputObject { .. }) => {
                let component = self.input_name(ty, false);
                self.add_component(&component, ty, false, |field| {
                    field.ty.ends_with('!') && field.default_value.is_none()
                });
                Ref::from_schema_name(component).into()
            }
            Some(MetaType::Enum { name, .. }) => {
                let name = name.clone();
                self.word(&name)
            }
            Some(meta) => with_limits(scalar(ty, meta), constraint).into(),
            None => anything().into(),
        }
    }

    /// The schema of a variable's type. A key may be any text: one that no record has finds nothing.
    pub(super) fn variable(&mut self, ty: &str) -> RefOr<Schema> {
        match MetaTypeName::concrete_typename(ty) {
            "ID" => text(MAX_TEXT).into(),
            _ => self.constrained(ty, &Constraint::default()),
        }
    }
}

fn required(field: &MetaInputValue) -> bool {
    Constraint::read(field).is("required") || field.ty.ends_with('!') && field.default_value.is_none()
}

/// The schema of a scalar in a request: keys and decimals are numbers, files are bytes. Other numbers have the 32 bits of their
/// columns (the rule `integer`).
fn scalar(name: &str, meta: &MetaType) -> ObjectBuilder {
    match name {
        "ID" => integer_from(1),
        "Int" => typed(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(Number::from(i32::MIN as isize)))
            .maximum(Some(Number::from(i32::MAX as isize))),
        "Decimal" => typed(Type::Number),
        "Upload" => text(MAX_TEXT).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))),
        _ => leaf(meta, JsonType::AsTyped, None).unwrap_or_else(anything),
    }
}

fn with_limits(object: ObjectBuilder, constraint: &Constraint) -> ObjectBuilder {
    let built = object.build();
    let (ty, is_enum) = (built.schema_type.clone(), built.enum_values.is_some());
    let object = ObjectBuilder::from(built);
    match ty {
        SchemaType::Type(Type::Integer | Type::Number) => {
            let object = match constraint.number("min") {
                Some(least) => object.minimum(Some(Number::from(least))),
                None => object,
            };
            match constraint.number("max") {
                Some(most) => object.maximum(Some(Number::from(most))),
                None => object,
            }
        }
        SchemaType::Type(Type::String) if !is_enum => {
            let object = object.min_length(constraint.count("minLength"));
            let object = match constraint.count("maxLength") {
                Some(most) => object.max_length(Some(most)),
                None => object,
            };
            match constraint.text("format") {
                Some("email") => object.format(Some(SchemaFormat::KnownFormat(KnownFormat::Email))),
                // A date may have no time, and OpenAPI has no format for both.
                Some("date") => object.format(None),
                _ => object,
            }
        }
        _ => object,
    }
}

/// The description of a field, with the types and the size of its file.
/// A description with the names that REST has: fields in snake case, words of enums in small letters.
fn rest_names(text: &str) -> String {
    let mut parts: Vec<String> = text.split('`').map(str::to_owned).collect();
    // Every second part stands between backticks.
    for name in parts.iter_mut().skip(1).step_by(2) {
        let is_field = name.chars().all(|letter| letter.is_ascii_alphanumeric())
            && name.starts_with(|first: char| first.is_ascii_lowercase());
        let is_word = name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
        if is_field {
            *name = snake(name);
        } else if is_word {
            *name = name.to_lowercase();
        }
    }
    parts.join("`")
}

fn description_of(field: &MetaInputValue, constraint: &Constraint) -> String {
    let text = rest_names(field.description.as_deref().unwrap_or_default());
    let types = constraint.words("mimes");
    let types = if types.is_empty() { String::new() } else { format!(" One of: {}.", types.join(", ")) };
    let size = constraint.count("maxKilobytes").map(|max| format!(" At most {max} kB.")).unwrap_or_default();
    format!("{text}{types}{size}").trim().to_owned()
}
