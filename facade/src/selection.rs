//! Merges root fields that a document selects more than once under the same response key (GraphQL, "Field Collection").
//!
//! async-graphql runs each of them and merges their answers, so statements, changes and errors would occur twice. Below
//! records, `facade/src/record/plan.rs` collects the fields.

use std::collections::{HashMap, HashSet};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Context, Name, Positioned};

use crate::api::Api;
use crate::execution::Execution;
use crate::record::{is_planned, selected};

/// What is to be done with a selection of a root field.
pub enum RootFieldMerge {
    /// Run it as it is.
    Single,
    /// Run this field instead, which holds all selections with the same response key.
    Merged(Box<Positioned<Field>>),
    /// Skip it: an earlier selection with the same response key was run with it.
    Absorbed,
}

/// What is to be done with the field of this context, a field of the type `root`.
pub fn merge_root_field(ctx: &Context<'_>, root: &MetaType) -> RootFieldMerge {
    // REST documents have one root field.
    if Execution::of(ctx).api != Api::GraphQl {
        return RootFieldMerge::Single;
    }
    let collector = FieldCollector::of(ctx);
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

/// Fields by their response key, in the order of the document.
pub type Fields<'a> = IndexMap<&'a Name, Vec<&'a Positioned<Field>>>;

/// Collects the fields of a document's selections.
pub struct FieldCollector<'a> {
    registry: &'a Registry,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
}

impl<'a> FieldCollector<'a> {
    /// A collector for the document of a request.
    pub fn of(ctx: &Context<'a>) -> Self {
        Self { registry: &ctx.schema_env.registry, fragments: &ctx.query_env.fragments }
    }

    /// The fields of selection sets on one object.
    pub fn collect(&self, sets: impl IntoIterator<Item = &'a SelectionSet>) -> Fields<'a> {
        let (mut fields, mut visited) = (Fields::new(), HashSet::new());
        sets.into_iter().for_each(|set| self.add(set, &mut fields, &mut visited));
        fields
    }

    /// Adds all fields of a selection set. Every fragment applies, whatever its type condition: the document is
    /// valid, and the collected type is no interface. A fragment that was spread before has nothing to add.
    fn add(&self, set: &'a SelectionSet, fields: &mut Fields<'a>, visited: &mut HashSet<&'a Name>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    fields.entry(&field.node.response_key().node).or_default().push(field);
                }
                Selection::InlineFragment(inline) => {
                    self.add(&inline.node.selection_set.node, fields, visited);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.fragments.get(name).filter(|_| visited.insert(name)) {
                        self.add(&fragment.node.selection_set.node, fields, visited);
                    }
                }
            }
        }
    }

    /// The object type of a field, where async-graphql runs the fields below it.
    fn object_type(&self, parent: &MetaType, group: &[&Positioned<Field>]) -> Option<&'a MetaType> {
        let field = parent.field_by_name(&group.first()?.node.name.node)?;
        let ty = self.registry.concrete_type_by_name(&field.ty)?;
        (matches!(ty, MetaType::Object { .. }) && !is_planned(ty)).then_some(ty)
    }

    /// Whether a response key occurs more than once below these fields.
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

/// The selection sets of fields with the same response key.
pub fn selection_sets<'a>(group: &[&'a Positioned<Field>]) -> impl Iterator<Item = &'a SelectionSet> {
    group.iter().map(|field| &field.node.selection_set.node)
}
