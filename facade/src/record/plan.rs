//! What a selection asks of the rows of one level and of the levels below it, whoever asks.

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::{ContextSelectionSet, Name, Pos, Positioned, ServerError, ServerResult};
use async_graphql_value::Value as InputValue;

use super::join_table::PIVOT;
use super::record_type::{self, Answer, Branch, RecordType, Resolve};
use super::relation::Relation;
use crate::execution::Execution;

/// A selection set and where it stands.
pub(crate) type Set = Positioned<SelectionSet>;

/// What one response key of a row is answered with.
pub(crate) enum Step {
    Column(&'static record_type::Field),
    TypeName,
    Branch { branch: &'static Branch, below: Below },
}

/// What is selected below a branch.
pub(crate) enum Below {
    /// Of related rows; nothing, where only their number is asked for.
    Related {
        relation: &'static Relation,
        plan: Arc<Plan>,
        /// Whether each row is shown with what the table between says of it.
        pivot: bool,
    },
    /// Of values that are computed: the field, with the merged selection below it.
    Computed(Resolve, Box<Positioned<Field>>),
}

/// One response key of every row.
pub(crate) struct Planned {
    /// The key in the JSON text, with what stands around it: `,"name":`.
    pub(crate) json: Box<[u8]>,
    pub(crate) pos: Pos,
    pub(crate) step: Step,
}

/// The merged selection on one level of records of one type, and on the levels below it.
pub(crate) struct Plan {
    pub(crate) record: &'static RecordType,
    pub(crate) fields: IndexMap<Name, Planned>,
}

/// A field, with all that is selected below it under its key.
pub(crate) struct Merged<'a> {
    pub(crate) field: &'a Positioned<Field>,
    pub(crate) sets: Vec<&'a Set>,
}

impl Plan {
    /// The plan of the selection that the context is at. That of a kept selection is worked out once.
    ///
    /// # Errors
    /// When the document names a fragment that it doesn't have.
    pub(crate) fn of(ctx: &ContextSelectionSet<'_>, record: &'static RecordType) -> ServerResult<Arc<Self>> {
        let kept = Execution::of(ctx).kept.as_deref();
        let plan = || Self::new(ctx, record, &[ctx.item]);
        match kept.and_then(|kept| kept.meant(&ctx.item.node)) {
            Some(kept) => kept.rows.get_or_plan(|plan| std::ptr::eq(plan.record, record), plan),
            None => plan(),
        }
    }

    /// The plan of merged selections, worked out anew.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(crate) fn new<'a>(
        ctx: &ContextSelectionSet<'a>,
        record: &'static RecordType,
        sets: &[&'a Set],
    ) -> ServerResult<Arc<Self>> {
        let (mut fields, mut replacements) = (IndexMap::new(), Vec::new());
        for (key, merged) in merged(ctx, sets, &|on| record.is(on))? {
            let (pos, replaced) = (merged.field.pos, replaced_key(&merged.field.node));
            let Some(step) = merged.step(ctx, record)? else { continue };
            match replaced {
                None => drop(fields.insert(key.clone(), Planned { json: json_key(key), pos, step })),
                Some(key) => replacements.push((Name::new(key), Planned { json: json_key(key), pos, step })),
            }
        }
        // What is replaced keeps its place among the keys.
        fields.extend(replacements);
        Ok(Arc::new(Self { record, fields }))
    }
}

impl<'a> Merged<'a> {
    /// How the field is answered for rows of a record; nothing where they have no such field.
    fn step(self, ctx: &ContextSelectionSet<'a>, record: &'static RecordType) -> ServerResult<Option<Step>> {
        let name = self.field.node.name.node.as_str();
        if name == "__typename" {
            return Ok(Some(Step::TypeName));
        }
        if let Some(column) = record.field(name) {
            return Ok(Some(Step::Column(column)));
        }
        let Some(branch) = record.branch(name) else { return Ok(None) };
        let below = match &branch.answer {
            Answer::Related(relation) => Below::Related {
                relation,
                plan: Plan::new(ctx, (relation.target)(), &self.sets)?,
                pivot: has_directive(&self.field.node, PIVOT),
            },
            Answer::Computed { resolve, .. } => Below::Computed(*resolve, Box::new(self.into_field())),
        };
        Ok(Some(Step::Branch { branch, below }))
    }

    /// The field, with everything that is selected below it.
    fn into_field(self) -> Positioned<Field> {
        let mut field = self.field.clone();
        let rest = self.sets.iter().skip(1).flat_map(|set| set.node.items.iter().cloned());
        field.node.selection_set.node.items.extend(rest);
        field
    }
}

/// Directive of REST documents, on a field that rows of another record answer: it takes the place of the field whose
/// key is its argument `key`. Where it is left out of the document's answer, the other one stays.
pub(crate) const REPLACES: &str = "replaces";

/// Whether a field has a directive.
pub(crate) fn has_directive(field: &Field, name: &str) -> bool {
    field.directives.iter().any(|directive| directive.node.name.node == name)
}

/// The key in whose place a field is answered, where a REST document says so with [`REPLACES`].
pub(crate) fn replaced_key(field: &Field) -> Option<&str> {
    let directive = field.directives.iter().find(|directive| directive.node.name.node == REPLACES)?;
    match &directive.node.get_argument("key")?.node {
        InputValue::String(key) => Some(key),
        _ => None,
    }
}

/// A key in the JSON text of an object, behind a comma. No letter of a name is escaped in JSON.
pub(crate) fn json_key(key: &str) -> Box<[u8]> {
    [b",\"", key.as_bytes(), b"\":"].concat().into()
}

/// The fields of some selections on objects of a type, by their response key, in their order.
///
/// # Errors
/// When the document names a fragment that it doesn't have.
pub(crate) fn merged<'a>(
    ctx: &ContextSelectionSet<'a>,
    sets: &[&'a Set],
    applies: &dyn Fn(&str) -> bool,
) -> ServerResult<IndexMap<&'a Name, Merged<'a>>> {
    let mut fields = IndexMap::new();
    for set in sets {
        each_field(ctx, set, applies, &mut |field| {
            let key = &field.node.response_key().node;
            let merged = fields.entry(key).or_insert_with(|| Merged { field, sets: Vec::new() });
            merged.sets.push(&field.node.selection_set);
        })?;
    }
    Ok(fields)
}

/// Every field of a selection and of the fragments in it that apply, in their order.
///
/// `@skip` and `@include` never arrive here: the executor prunes them beforehand.
fn each_field<'a>(
    ctx: &ContextSelectionSet<'a>,
    set: &'a Set,
    applies: &dyn Fn(&str) -> bool,
    found: &mut dyn FnMut(&'a Positioned<Field>),
) -> ServerResult<()> {
    let kept = Execution::of(ctx).kept.as_deref();
    for selection in &set.node.items {
        match &selection.node {
            Selection::Field(field) => match kept.and_then(|kept| kept.meant_by(&field.node)) {
                Some(kept) => each_field(ctx, &kept.set, applies, found)?,
                None => found(field),
            },
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let fragments = kept.map_or(&ctx.query_env.fragments, |kept| &kept.fragments);
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
