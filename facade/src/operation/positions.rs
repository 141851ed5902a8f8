//! Checks that variables are used only in positions that their types allow (GraphQL, 5.8.5). async-graphql has this
//! rule, but does not run it (`docs/upstream.md`).

use std::collections::{HashMap, HashSet};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field, FragmentSpread, OperationDefinition, OperationType,
    Selection, SelectionSet, Type, VariableDefinition,
};
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql::{Name, Pos, Positioned, Value as Constant};
use async_graphql_value::Value as Given;

use super::variables::CONDITIONAL;
use crate::Result;
use crate::error::{Code, NotRun};

/// The introspection field that every composite type has.
const TYPENAME: &str = "__typename";

/// The input positions of a schema: arguments, and fields of input objects.
#[derive(Debug, Default)]
pub(super) struct InputPositions {
    outputs: HashMap<Box<str>, OutputFields>,
    inputs: HashMap<Box<str>, InputPositionsByName>,
    directives: HashMap<Box<str>, InputPositionsByName>,
    /// Interfaces and unions.
    abstract_types: HashSet<Box<str>>,
    query: Box<str>,
    mutation: Box<str>,
}

/// Fields of an object type, by name.
type OutputFields = HashMap<Box<str>, OutputField>;

/// Arguments of a field or a directive, or fields of an input object, by name.
type InputPositionsByName = HashMap<Box<str>, InputPosition>;

/// A field of an object or interface type.
#[derive(Debug)]
struct OutputField {
    /// Name of the field's type, without lists.
    ty: Box<str>,
    arguments: InputPositionsByName,
}

/// A position that takes a value.
#[derive(Debug)]
struct InputPosition {
    ty: Type,
    has_default: bool,
}

impl InputPositions {
    /// Reads the schema.
    pub(super) fn new(registry: &Registry) -> Self {
        let outputs = registry.types.iter().filter_map(|(name, ty)| {
            let fields = ty.fields()?.iter().map(|(name, field)| {
                let ty = MetaTypeName::concrete_typename(&field.ty).into();
                (name.as_str().into(), OutputField { ty, arguments: inputs(&field.args) })
            });
            Some((name.as_str().into(), fields.collect()))
        });
        let objects = registry.types.iter().filter_map(|(name, ty)| match ty {
            MetaType::InputObject { input_fields, .. } => Some((name.as_str().into(), inputs(input_fields))),
            _ => None,
        });
        let mut outputs: HashMap<Box<str>, OutputFields> = outputs.collect();
        // The registry does not list the introspection fields.
        let of_schema = OutputField { ty: "__Type".into(), arguments: one_required("name", "String") };
        outputs.entry(registry.query_type.as_str().into()).or_default().insert("__type".into(), of_schema);
        let abstract_types = registry.types.iter().filter(|(_, ty)| ty.is_abstract());
        let abstract_types = abstract_types.map(|(name, _)| name.as_str().into());
        let directives = CONDITIONAL.map(|name| (name.into(), one_required("if", "Boolean")));
        Self {
            outputs,
            inputs: objects.collect(),
            directives: directives.into(),
            abstract_types: abstract_types.collect(),
            query: registry.query_type.as_str().into(),
            mutation: registry.mutation_type.as_deref().unwrap_or_default().into(),
        }
    }

    /// The root type of a kind of operation.
    pub(super) fn root(&self, is_mutation: bool) -> &str {
        if is_mutation { &self.mutation } else { &self.query }
    }

    /// Whether a type is an interface or a union.
    pub(super) fn is_abstract(&self, ty: &str) -> bool {
        self.abstract_types.contains(ty)
    }

    /// The name of a field's type, without lists.
    pub(super) fn type_of(&self, ty: &str, field: &str) -> Option<&str> {
        Some(&self.outputs.get(ty)?.get(field)?.ty)
    }

    /// Checks the positions of all variables of all operations. Unknown names in the document are left to the
    /// validator.
    ///
    /// # Errors
    /// [`Error::NotRun`](crate::Error::NotRun) for the first variable in a position that its type does not allow.
    pub(super) fn check(&self, document: &ExecutableDocument) -> Result<()> {
        document
            .operations
            .iter()
            .try_for_each(|(_, operation)| self.check_operation(document, &operation.node))
    }

    fn check_operation(&self, document: &ExecutableDocument, operation: &OperationDefinition) -> Result<()> {
        let definitions = &operation.variable_definitions;
        let mut check = PositionCheck { positions: self, document, definitions, seen: HashSet::new() };
        check.directives(&operation.directives)?;
        let root = self.root(operation.ty == OperationType::Mutation);
        check.set(&operation.selection_set.node, self.outputs.get(root))
    }
}

/// A single position of a non-null type.
fn one_required(name: &str, ty: &str) -> InputPositionsByName {
    let ty = Type { base: BaseType::Named(Name::new(ty)), nullable: false };
    InputPositionsByName::from([(name.into(), InputPosition { ty, has_default: false })])
}

fn inputs(known: &IndexMap<String, MetaInputValue>) -> InputPositionsByName {
    let inputs = known.iter().filter_map(|(name, input)| {
        let ty = Type::new(&input.ty)?;
        Some((name.as_str().into(), InputPosition { ty, has_default: input.default_value.is_some() }))
    });
    inputs.collect()
}

/// The check of an operation, which visits each fragment once.
struct PositionCheck<'a> {
    positions: &'a InputPositions,
    document: &'a ExecutableDocument,
    definitions: &'a [Positioned<VariableDefinition>],
    seen: HashSet<&'a str>,
}

impl<'a> PositionCheck<'a> {
    /// Checks a selection set on a type. The recursion is bounded, since the nesting of brackets is.
    fn set(&mut self, set: &'a SelectionSet, on: Option<&'a OutputFields>) -> Result<()> {
        for selection in &set.items {
            self.directives(selection.node.directives())?;
            match &selection.node {
                Selection::Field(field) => self.field(&field.node, on)?,
                Selection::InlineFragment(inline) => {
                    let own = inline.node.type_condition.as_ref();
                    let on = own.map_or(on, |on| self.positions.outputs.get(on.node.on.node.as_str()));
                    self.set(&inline.node.selection_set.node, on)?;
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node)?,
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &'a Field, on: Option<&'a OutputFields>) -> Result<()> {
        if field.name.node == TYPENAME {
            return self.typename(field);
        }
        let Some(known) = on.and_then(|fields| fields.get(field.name.node.as_str())) else { return Ok(()) };
        self.arguments(&field.arguments, &known.arguments)?;
        self.set(&field.selection_set.node, self.positions.outputs.get(&known.ty))
    }

    /// Checks the directives of `__typename`, which async-graphql's validator ignores.
    fn typename(&self, field: &Field) -> Result<()> {
        let mut met = HashSet::new();
        field.directives.iter().try_for_each(|directive| {
            let (name, arguments) = (directive.node.name.node.as_str(), &directive.node.arguments);
            let text = match (self.positions.directives.get(name), arguments.as_slice()) {
                (None, _) => format!("Unknown directive \"{name}\""),
                (Some(_), _) if !met.insert(name) => {
                    format!("The directive \"{name}\" can only be used once here.")
                }
                (Some(_), [(argument, value)]) if argument.node == "if" && self.is_condition(&value.node) => {
                    return Ok(());
                }
                (Some(_), _) => {
                    format!("The directive \"{name}\" takes one argument \"if\" of type \"Boolean!\".")
                }
            };
            Err(NotRun::error_at(Code::GraphqlValidationFailed, text, vec![directive.pos]))
        })
    }

    fn is_condition(&self, value: &Given) -> bool {
        match value {
            Given::Boolean(_) => true,
            Given::Variable(name) => self.definitions.iter().any(|known| known.node.name.node == *name),
            _ => false,
        }
    }

    fn fragment(&mut self, spread: &'a FragmentSpread) -> Result<()> {
        let name = &spread.fragment_name.node;
        match self.document.fragments.get(name) {
            Some(fragment) if self.seen.insert(name) => {
                self.directives(&fragment.node.directives)?;
                let on = fragment.node.type_condition.node.on.node.as_str();
                self.set(&fragment.node.selection_set.node, self.positions.outputs.get(on))
            }
            _ => Ok(()),
        }
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<()> {
        directives.iter().try_for_each(|directive| {
            let known = self.positions.directives.get(directive.node.name.node.as_str());
            known.map_or(Ok(()), |known| self.arguments(&directive.node.arguments, known))
        })
    }

    fn arguments(
        &self,
        given: &[(Positioned<Name>, Positioned<Given>)],
        known: &InputPositionsByName,
    ) -> Result<()> {
        given.iter().try_for_each(|(name, value)| {
            let input = known.get(name.node.as_str());
            input.map_or(Ok(()), |input| self.value(&value.node, &input.ty, input.has_default, value.pos))
        })
    }

    /// Checks a value and the values in it. The recursion is bounded, since the nesting of brackets is.
    fn value(&self, value: &Given, expected: &Type, has_default: bool, pos: Pos) -> Result<()> {
        match (value, &expected.base) {
            (Given::Variable(name), _) => self.variable(name, expected, has_default, pos),
            (Given::List(items), BaseType::List(item)) => {
                items.iter().try_for_each(|value| self.value(value, item, false, pos))
            }
            // A single value is accepted as a list of one.
            (Given::Object(_), BaseType::List(item)) => self.value(value, item, false, pos),
            (Given::Object(fields), BaseType::Named(ty)) => {
                let Some(known) = self.positions.inputs.get(ty.as_str()) else { return Ok(()) };
                fields.iter().try_for_each(|(name, value)| {
                    let input = known.get(name.as_str());
                    input.map_or(Ok(()), |input| self.value(value, &input.ty, input.has_default, pos))
                })
            }
            _ => Ok(()),
        }
    }

    fn variable(&self, name: &Name, expected: &Type, has_default: bool, pos: Pos) -> Result<()> {
        let mut definitions = self.definitions.iter().map(|definition| &definition.node);
        // The validator reports a variable that is not defined.
        let Some(definition) = definitions.find(|definition| definition.name.node == *name) else {
            return Ok(());
        };
        let own_default = definition.default_value.as_ref().is_some_and(|value| value.node != Constant::Null);
        let kind = &definition.var_type.node;
        if is_allowed(kind, expected, own_default || has_default) {
            return Ok(());
        }
        let text = format!("The variable `${name}` of type `{kind}` stands where `{expected}` is expected.");
        Err(NotRun::error_at(Code::GraphqlValidationFailed, text, vec![pos]))
    }
}

/// Whether the type of a variable allows a position. Where a default makes a nullable variable allowed, a null is
/// refused later, when the value is read.
fn is_allowed(variable: &Type, place: &Type, has_default: bool) -> bool {
    (place.nullable || !variable.nullable || has_default) && is_base_compatible(&variable.base, &place.base)
}

fn is_base_compatible(variable: &BaseType, place: &BaseType) -> bool {
    match (variable, place) {
        (BaseType::Named(variable), BaseType::Named(place)) => variable == place,
        (BaseType::List(variable), BaseType::List(place)) => is_allowed(variable, place, false),
        _ => false,
    }
}
