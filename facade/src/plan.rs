//! What a selection asks of the rows of one level, whoever asks.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::{ContextSelectionSet, Name, Pos, Positioned, ServerError, ServerResult};

use crate::record::{self, Branch, RecordType};
use crate::request::Request;

/// A selection set and where it stands.
pub(crate) type Set = Positioned<SelectionSet>;

/// What one response key of a row is answered with.
pub(crate) enum Step<'a> {
    Column(&'static record::Field),
    TypeName,
    Branch {
        branch: &'static Branch,
        field: Cow<'a, Positioned<Field>>,
        /// What is selected below the field: once, or more often where fields merge.
        sets: Vec<Cow<'a, Set>>,
    },
}

/// One response key of every row.
pub(crate) struct Planned<'a> {
    /// The key in the JSON text, with what stands around it: `,"name":`.
    pub(crate) json: Box<[u8]>,
    pub(crate) pos: Pos,
    pub(crate) step: Step<'a>,
}

/// The merged selection on one level of records of one type.
pub(crate) struct Plan<'a> {
    pub(crate) record: &'static RecordType,
    pub(crate) fields: IndexMap<Name, Planned<'a>>,
}

impl Planned<'_> {
    fn into_owned(self) -> Planned<'static> {
        let step = match self.step {
            Step::Column(field) => Step::Column(field),
            Step::TypeName => Step::TypeName,
            Step::Branch { branch, field, sets } => Step::Branch {
                branch,
                field: Cow::Owned(field.into_owned()),
                sets: sets.into_iter().map(|set| Cow::Owned(set.into_owned())).collect(),
            },
        };
        Planned { json: self.json, pos: self.pos, step }
    }
}

impl<'a> Plan<'a> {
    /// The plan of these selections on one level. That of a kept selection is worked out once.
    pub(crate) fn of(
        ctx: &ContextSelectionSet<'a>,
        record: &'static RecordType,
        sets: &[&'a Set],
    ) -> ServerResult<Arc<Self>> {
        let kept = Request::of(ctx).kept.as_deref();
        let Some(kept) = kept.and_then(|kept| if let [set] = sets { kept.meant(&set.node) } else { None })
        else {
            return Self::new(ctx, record, sets).map(Arc::new);
        };
        if let Some(plan) = kept.plan(record) {
            return Ok(plan);
        }
        let plan = Arc::new(Self::new(ctx, record, sets)?.into_owned());
        kept.keep_plan(&plan);
        Ok(plan)
    }

    fn new(
        ctx: &ContextSelectionSet<'a>,
        record: &'static RecordType,
        sets: &[&'a Set],
    ) -> ServerResult<Self> {
        let mut plan = Self { record, fields: IndexMap::new() };
        let mut add = |field| plan.add(field);
        for set in sets {
            each_field(ctx, set, &|on| record.is(on), &mut add)?;
        }
        Ok(plan)
    }

    fn into_owned(self) -> Plan<'static> {
        let fields = self.fields.into_iter().map(|(key, field)| (key, field.into_owned()));
        Plan { record: self.record, fields: fields.collect() }
    }

    fn add(&mut self, field: &'a Positioned<Field>) {
        let key = &field.node.response_key().node;
        if let Some(planned) = self.fields.get_mut(key) {
            if let Step::Branch { sets, .. } = &mut planned.step {
                sets.push(Cow::Borrowed(&field.node.selection_set));
            }
            return;
        }
        let name = field.node.name.node.as_str();
        let step = if name == "__typename" {
            Step::TypeName
        } else if let Some(column) = self.record.field(name) {
            Step::Column(column)
        } else if let Some(branch) = self.record.branch(name) {
            let sets = vec![Cow::Borrowed(&field.node.selection_set)];
            Step::Branch { branch, field: Cow::Borrowed(field), sets }
        } else {
            return;
        };
        self.fields.insert(key.clone(), Planned { json: json_key(key), pos: field.pos, step });
    }
}

/// A key in the JSON text of an object, behind a comma. No letter of a name is escaped in JSON.
pub(crate) fn json_key(key: &str) -> Box<[u8]> {
    [b",\"", key.as_bytes(), b"\":"].concat().into()
}

/// Every field of a selection and of the fragments in it that apply, in their order.
///
/// `@skip` and `@include` never arrive here: the executor prunes them beforehand.
pub(crate) fn each_field<'a>(
    ctx: &ContextSelectionSet<'a>,
    set: &'a Set,
    applies: &dyn Fn(&str) -> bool,
    found: &mut dyn FnMut(&'a Positioned<Field>),
) -> ServerResult<()> {
    let kept = Request::of(ctx).kept.as_deref();
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
