//! What a selection needs of the rows of one level and of the levels below it, for any caller.

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::{ContextSelectionSet, Name, Pos, Positioned, ServerError, ServerResult};
use async_graphql_value::Value as InputValue;

use super::connection::ConnectionPlan;
use super::join_table::PIVOT;
use super::money::{MoneyColumn, MoneySelection};
use super::record_type::{self, Branch, BranchSource, FieldForm, RecordType, Resolve};
use super::relation::Relation;
use crate::execution::Execution;
use crate::page::NestedList;

/// A selection set with its position in the document.
pub(crate) type PositionedSet = Positioned<SelectionSet>;

/// Where the value of a response key comes from.
pub(crate) enum FieldSource {
    Column(&'static record_type::Field),
    /// An amount of money in a column, and what is selected of it.
    Money(&'static record_type::Field, MoneyColumn, MoneySelection),
    TypeName,
    Branch {
        branch: &'static Branch,
        selection: BranchSelection,
    },
}

/// What is selected on the values of a branch.
pub(crate) enum BranchSelection {
    /// On related rows. The plan has no fields where the branch is the number of rows or whether there are any.
    Related {
        relation: &'static Relation,
        plan: Arc<SelectionPlan>,
        /// Whether each row is written with the columns of the join table, under the key [`PIVOT`].
        pivot: bool,
    },
    /// On a connection of related rows.
    Connection {
        list: &'static NestedList,
        relation: &'static Relation,
        plan: Arc<ConnectionPlan>,
        /// The field with its arguments, without its selection set.
        arguments: Box<Positioned<Field>>,
    },
    /// On computed values: the field with its merged selection set.
    Computed(Resolve, Box<Positioned<Field>>),
}

/// One response key of every row.
pub(crate) struct PlannedField {
    /// The key as JSON text with comma and colon: `,"name":`.
    pub(crate) json: Box<[u8]>,
    pub(crate) pos: Pos,
    pub(crate) source: FieldSource,
}

/// The merged selection on one level of records of one type, and on the levels below it.
pub(crate) struct SelectionPlan {
    pub(crate) record: &'static RecordType,
    pub(crate) fields: IndexMap<Name, PlannedField>,
}

/// The fields of one response key: the first of them, and the selection sets of all.
pub(crate) struct MergedField<'a> {
    pub(crate) field: &'a Positioned<Field>,
    pub(crate) sets: Vec<&'a PositionedSet>,
}

impl SelectionPlan {
    /// The plan of the selection set of the context. The plan of an extracted selection is made once and cached.
    ///
    /// # Errors
    /// When the document spreads a fragment that it does not define.
    pub(crate) fn of(ctx: &ContextSelectionSet<'_>, record: &'static RecordType) -> ServerResult<Arc<Self>> {
        let extracted = Execution::of(ctx).extracted.as_deref();
        let plan = || Self::new(ctx, record, &[ctx.item]);
        match extracted.and_then(|extracted| extracted.find(&ctx.item.node)) {
            Some(selection) => selection.rows.get_or_plan(|plan| std::ptr::eq(plan.record, record), plan),
            None => plan(),
        }
    }

    /// Makes the plan of selection sets that are merged.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(crate) fn new<'a>(
        ctx: &ContextSelectionSet<'a>,
        record: &'static RecordType,
        sets: &[&'a PositionedSet],
    ) -> ServerResult<Arc<Self>> {
        let (mut fields, mut replacements) = (IndexMap::new(), Vec::new());
        for (key, merged) in merge_fields(ctx, sets, &|on| record.is(on))? {
            let (pos, replaced) = (merged.field.pos, replaced_key(&merged.field.node));
            let Some(source) = merged.source(ctx, record)? else { continue };
            match replaced {
                None => drop(fields.insert(key.clone(), PlannedField { json: json_key(key), pos, source })),
                Some(key) => {
                    replacements.push((Name::new(key), PlannedField { json: json_key(key), pos, source }))
                }
            }
        }
        // A replaced field keeps its position among the keys.
        fields.extend(replacements);
        Ok(Arc::new(Self { record, fields }))
    }
}

impl<'a> MergedField<'a> {
    /// Where the value of the field comes from; nothing if the record has no such field.
    fn source(
        self,
        ctx: &ContextSelectionSet<'a>,
        record: &'static RecordType,
    ) -> ServerResult<Option<FieldSource>> {
        let name = self.field.node.name.node.as_str();
        if name == "__typename" {
            return Ok(Some(FieldSource::TypeName));
        }
        if let Some(field) = record.field(name) {
            return Ok(Some(match field.form {
                FieldForm::Money(column) if !Execution::of(ctx).api.is_rest() => {
                    FieldSource::Money(field, column, MoneySelection::of(ctx, &self.sets)?)
                }
                _ => FieldSource::Column(field),
            }));
        }
        let Some(branch) = record.branch(name) else { return Ok(None) };
        // REST documents select the rows of the same field as a plain list.
        let list = branch.list.as_ref().filter(|_| !Execution::of(ctx).api.is_rest());
        let selection = match (&branch.source, list) {
            (BranchSource::Related(relation), Some(list)) => BranchSelection::Connection {
                list,
                relation,
                plan: ConnectionPlan::new(ctx, (relation.target)(), &self.sets)?,
                arguments: Box::new(self.without_selection()),
            },
            (BranchSource::Related(relation), None) => BranchSelection::Related {
                relation,
                plan: SelectionPlan::new(ctx, (relation.target)(), &self.sets)?,
                pivot: has_directive(&self.field.node, PIVOT),
            },
            (BranchSource::Computed { resolve, .. }, _) => {
                BranchSelection::Computed(*resolve, Box::new(self.into_merged(ctx)?))
            }
        };
        Ok(Some(FieldSource::Branch { branch, selection }))
    }

    /// The field with its arguments alone: all fields of one key have the same.
    fn without_selection(&self) -> Positioned<Field> {
        let Field { alias, name, arguments, .. } = &self.field.node;
        let field = Field {
            alias: alias.clone(),
            name: name.clone(),
            arguments: arguments.clone(),
            directives: Vec::new(),
            selection_set: Positioned::default(),
        };
        Positioned::new(field, self.field.pos)
    }

    /// The first field with the selection sets of all.
    pub(crate) fn into_field(self) -> Positioned<Field> {
        let mut field = self.field.clone();
        let rest = self.sets.iter().skip(1).flat_map(|set| set.node.items.iter().cloned());
        field.node.selection_set.node.items.extend(rest);
        field
    }

    /// The first field with the selection sets of all, merged at every depth: each key comes once, so that a value may be
    /// written as JSON. Fragments apply, since computed values are objects of one type.
    fn into_merged(self, ctx: &ContextSelectionSet<'a>) -> ServerResult<Positioned<Field>> {
        let mut field = self.field.clone();
        let mut items = Vec::new();
        for (_, below) in merge_fields(ctx, &self.sets, &|_| true)? {
            items.push(selected(below.into_merged(ctx)?));
        }
        field.node.selection_set.node.items = items;
        Ok(field)
    }
}

/// A field as an item of a selection set.
pub(crate) fn selected(field: Positioned<Field>) -> Positioned<Selection> {
    let pos = field.pos;
    Positioned::new(Selection::Field(field), pos)
}

/// Directive of REST documents, on a field of related rows: it takes the place of the field whose response key is its
/// argument `key`. Where `@include` or `@skip` removes the field, the other one stays.
pub(crate) const REPLACES: &str = "replaces";

/// Whether a field has a directive.
pub(crate) fn has_directive(field: &Field, name: &str) -> bool {
    field.directives.iter().any(|directive| directive.node.name.node == name)
}

/// The response key that a field takes over with the directive [`REPLACES`].
pub(crate) fn replaced_key(field: &Field) -> Option<&str> {
    let directive = field.directives.iter().find(|directive| directive.node.name.node == REPLACES)?;
    match &directive.node.get_argument("key")?.node {
        InputValue::String(key) => Some(key),
        _ => None,
    }
}

/// A key as JSON text with comma and colon: `,"name":`. Names of GraphQL need no escapes.
pub(crate) fn json_key(key: &str) -> Box<[u8]> {
    [b",\"", key.as_bytes(), b"\":"].concat().into()
}

/// Merges the fields of selection sets by response key, in the order of the document. `applies` tells whether a
/// fragment on a type applies.
///
/// # Errors
/// When the document spreads a fragment that it does not define.
pub(crate) fn merge_fields<'a>(
    ctx: &ContextSelectionSet<'a>,
    sets: &[&'a PositionedSet],
    applies: &dyn Fn(&str) -> bool,
) -> ServerResult<IndexMap<&'a Name, MergedField<'a>>> {
    let mut fields = IndexMap::new();
    for set in sets {
        each_field(ctx, set, applies, &mut |field| {
            let key = &field.node.response_key().node;
            let merged = fields.entry(key).or_insert_with(|| MergedField { field, sets: Vec::new() });
            merged.sets.push(&field.node.selection_set);
        })?;
    }
    Ok(fields)
}

/// Calls `found` with every field of a selection set and of its fragments that apply, in the order of the document.
///
/// `@skip` and `@include` are not read: the executor has removed those fields before.
fn each_field<'a>(
    ctx: &ContextSelectionSet<'a>,
    set: &'a PositionedSet,
    applies: &dyn Fn(&str) -> bool,
    found: &mut dyn FnMut(&'a Positioned<Field>),
) -> ServerResult<()> {
    let extracted = Execution::of(ctx).extracted.as_deref();
    for selection in &set.node.items {
        match &selection.node {
            Selection::Field(field) => {
                match extracted.and_then(|extracted| extracted.find_for_field(&field.node)) {
                    Some(selection) => each_field(ctx, &selection.set, applies, found)?,
                    None => found(field),
                }
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let fragments = extracted.map_or(&ctx.query_env.fragments, |extracted| &extracted.fragments);
                let fragment = fragments.get(name).ok_or_else(|| {
                    ServerError::new(format!("Unknown fragment \"{name}\"."), Some(spread.pos))
                })?;
                if applies(&fragment.node.type_condition.node.on.node) {
                    each_field(ctx, &fragment.node.selection_set, applies, found)?;
                }
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
                    each_field(ctx, &fragment.node.selection_set, applies, found)?;
                }
            }
        }
    }
    Ok(())
}
