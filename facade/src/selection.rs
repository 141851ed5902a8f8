//! Fields that a document asks for more than once under the same key, merged into one before they are
//! run (GraphQL, "Field Collection").
//!
//! The executor runs each of them and merges their answers: every statement, change and error would
//! be there twice. Records collect the fields below them by themselves (`facade/src/record/plan.rs`).

use std::collections::HashMap;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Context, Name, Positioned};

use crate::execution::Execution;
use crate::face::Face;
use crate::record::is_planned;

/// How a field of a root type is run.
pub enum RootFieldMerge {
    /// As it stands.
    Single,
    /// With all that is asked under its key, in it or beside it.
    Merged(Box<Positioned<Field>>),
    /// Not at all: an earlier one under its key is run for it.
    Absorbed,
}

/// How the field of this context, which is one of `root`, is run.
pub fn merge_root_field(ctx: &Context<'_>, root: &MetaType) -> RootFieldMerge {
    // The REST documents ask for one field.
    if Execution::of(ctx).face != Face::GraphQl {
        return RootFieldMerge::Single;
    }
    let collector =
        FieldCollector { registry: &ctx.schema_env.registry, fragments: &ctx.query_env.fragments };
    let all = collector.collect([&ctx.query_env.operation.node.selection_set.node]);
    let Some(group) = all.get(&ctx.item.node.response_key().node) else { return RootFieldMerge::Single };
    match group.first() {
        Some(first) if !std::ptr::eq(*first, ctx.item) => RootFieldMerge::Absorbed,
        _ if group.len() > 1 || collector.repeats(root, group) => collector
            .merged(root, group)
            .map_or(RootFieldMerge::Single, |field| RootFieldMerge::Merged(Box::new(field))),
        _ => RootFieldMerge::Single,
    }
}

/// Fields by their key, in the order of the document.
type Fields<'a> = IndexMap<&'a Name, Vec<&'a Positioned<Field>>>;

struct FieldCollector<'a> {
    registry: &'a Registry,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
}

impl<'a> FieldCollector<'a> {
    fn collect(&self, sets: impl IntoIterator<Item = &'a SelectionSet>) -> Fields<'a> {
        let mut fields = Fields::new();
        sets.into_iter().for_each(|set| self.add(set, &mut fields));
        fields
    }

    /// Whatever a fragment is on, it applies: the document is valid, and what is collected is no interface.
    fn add(&self, set: &'a SelectionSet, fields: &mut Fields<'a>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    fields.entry(&field.node.response_key().node).or_default().push(field);
                }
                Selection::InlineFragment(inline) => self.add(&inline.node.selection_set.node, fields),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node) {
                        self.add(&fragment.node.selection_set.node, fields);
                    }
                }
            }
        }
    }

    /// Type of what a field holds, where the executor collects the fields below it.
    fn object_type(&self, parent: &MetaType, group: &[&Positioned<Field>]) -> Option<&'a MetaType> {
        let field = parent.field_by_name(&group.first()?.node.name.node)?;
        let ty = self.registry.concrete_type_by_name(&field.ty)?;
        (matches!(ty, MetaType::Object { .. }) && !is_planned(ty)).then_some(ty)
    }

    /// Whether anything is asked more than once below.
    fn repeats(&self, parent: &MetaType, group: &[&'a Positioned<Field>]) -> bool {
        let Some(ty) = self.object_type(parent, group) else { return false };
        let fields = self.collect(selection_sets(group));
        fields.values().any(|group| group.len() > 1 || self.repeats(ty, group))
    }

    fn merged(&self, parent: &MetaType, group: &[&'a Positioned<Field>]) -> Option<Positioned<Field>> {
        let first = group.first()?;
        let items = match self.object_type(parent, group) {
            Some(ty) => {
                let fields = self.collect(selection_sets(group));
                let fields = fields.values().filter_map(|group| self.merged(ty, group));
                fields.map(selected).collect()
            }
            None => selection_sets(group).flat_map(|set| set.items.iter().cloned()).collect(),
        };
        let Field { alias, name, arguments, directives, selection_set } = &first.node;
        let field = Field {
            alias: alias.clone(),
            name: name.clone(),
            arguments: arguments.clone(),
            directives: directives.clone(),
            selection_set: Positioned::new(SelectionSet { items }, selection_set.pos),
        };
        Some(Positioned::new(field, first.pos))
    }
}

fn selected(field: Positioned<Field>) -> Positioned<Selection> {
    let pos = field.pos;
    Positioned::new(Selection::Field(field), pos)
}

fn selection_sets<'a>(group: &[&'a Positioned<Field>]) -> impl Iterator<Item = &'a SelectionSet> {
    group.iter().map(|field| &field.node.selection_set.node)
}
