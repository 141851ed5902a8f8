//! Selections on records that are taken out of the executed document.
//!
//! The executor copies and walks the whole document for every request, but only `plan.rs` reads selections on records.
//! So a document that is run often stores these selections apart, shared by all of its requests, and has a short
//! placeholder in place of each.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::registry::MetaType;
use async_graphql::{Name, Positioned};

use super::connection::ConnectionPlan;
use super::plan::SelectionPlan;

/// First letter of the alias of a placeholder: no client can write it.
const PLACEHOLDER: char = ':';
/// Tag of the types of records.
pub(crate) const RECORD_TAG: &str = "record";
/// Tag of other types whose selections only this engine reads, not the executor: connections, and interfaces that only
/// records implement.
pub const PLANNED_TAG: &str = "planned";

/// Whether the type is that of a record.
pub fn is_record(ty: &MetaType) -> bool {
    matches!(ty, MetaType::Object { tags, .. } if tags.iter().any(|tag| tag == RECORD_TAG))
}

/// Whether only this engine reads selections on the type, not the executor.
pub fn is_planned(ty: &MetaType) -> bool {
    let (MetaType::Object { tags, .. } | MetaType::Interface { tags, .. }) = ty else { return false };
    tags.iter().any(|tag| tag == RECORD_TAG || tag == PLANNED_TAG)
}

/// The selections on records of a document, and the fragments that they spread.
#[derive(Default)]
pub struct ExtractedSelections {
    /// The selections, by the number in their placeholder.
    pub sets: Vec<ExtractedSelection>,
    /// The fragments that they spread.
    pub fragments: HashMap<Name, Positioned<FragmentDefinition>>,
}

/// A selection on records.
pub struct ExtractedSelection {
    /// The selection set.
    pub set: Positioned<SelectionSet>,
    /// The plans of a selection on rows: one, or one for each record if the selection is on an interface.
    pub(crate) rows: PlanCache<SelectionPlan>,
    /// The plan of a selection on a connection.
    pub(crate) connection: PlanCache<ConnectionPlan>,
}

impl ExtractedSelection {
    /// A selection without plans.
    pub fn new(set: Positioned<SelectionSet>) -> Self {
        Self { set, rows: PlanCache::default(), connection: PlanCache::default() }
    }
}

/// Plans of one selection, made when they are first needed.
pub(crate) struct PlanCache<P>(RwLock<Vec<Arc<P>>>);

impl<P> Default for PlanCache<P> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<P> PlanCache<P> {
    /// The cached plan that `matches`, or the one that `plan` makes.
    ///
    /// # Errors
    /// Those of `plan`.
    pub(crate) fn get_or_plan<E>(
        &self,
        matches: impl Fn(&P) -> bool,
        plan: impl FnOnce() -> Result<Arc<P>, E>,
    ) -> Result<Arc<P>, E> {
        let find = |plans: &[Arc<P>]| plans.iter().find(|plan| matches(plan)).cloned();
        if let Some(plan) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(plan);
        }
        let plan = plan()?;
        // Another request may have made the same plan in the meantime.
        let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Ok(find(&plans).unwrap_or_else(|| {
            plans.push(Arc::clone(&plan));
            plan
        }))
    }
}

impl ExtractedSelections {
    /// Takes a selection set out of its field and leaves a placeholder.
    pub fn extract(&mut self, set: &mut Positioned<SelectionSet>) {
        let pos = set.pos;
        let at = |name: String| Positioned::new(Name::new(name), pos);
        let field = Field {
            alias: Some(at(format!("{PLACEHOLDER}{}", self.sets.len()))),
            name: at("__typename".to_owned()),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::default(),
        };
        let items = vec![Positioned::new(Selection::Field(Positioned::new(field, pos)), pos)];
        let placeholder = Positioned::new(SelectionSet { items }, pos);
        self.sets.push(ExtractedSelection::new(std::mem::replace(set, placeholder)));
    }

    /// The selection whose placeholder this set is, if it is one.
    pub(crate) fn find(&self, set: &SelectionSet) -> Option<&ExtractedSelection> {
        let [Positioned { node: Selection::Field(field), .. }] = set.items.as_slice() else { return None };
        self.find_for_field(&field.node)
    }

    /// The selection whose placeholder this field is. A set has several of them if fields of one key were merged.
    pub(crate) fn find_for_field(&self, field: &Field) -> Option<&ExtractedSelection> {
        let number = field.alias.as_ref()?.node.strip_prefix(PLACEHOLDER)?;
        self.sets.get(number.parse::<usize>().ok()?)
    }
}
