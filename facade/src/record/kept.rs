//! Selections on records that stand beside the executed document.
//!
//! The executor copies and examines a whole document for every request, though it never looks into
//! a selection on records: `plan.rs` does. So a document that is run often keeps these selections
//! aside, shared by all its requests, and a short stand-in takes their place.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::registry::MetaType;
use async_graphql::{Name, Positioned};

use super::connection::ConnectionPlan;
use super::plan::Plan;

/// What the alias of a stand-in begins with: no client can write it.
const MARK: char = ':';
/// Tag of the types of records.
pub(crate) const RECORD: &str = "record";
/// Tag of other types whose selections are looked at by this engine alone: lists of records, and interfaces that
/// only records implement.
pub const PLANNED: &str = "planned";

/// Whether the type is a record's.
pub fn is_record(ty: &MetaType) -> bool {
    matches!(ty, MetaType::Object { tags, .. } if tags.iter().any(|tag| tag == RECORD))
}

/// Whether what is selected of the type is looked at by this engine alone, not by the executor.
pub fn is_planned(ty: &MetaType) -> bool {
    let (MetaType::Object { tags, .. } | MetaType::Interface { tags, .. }) = ty else { return false };
    tags.iter().any(|tag| tag == RECORD || tag == PLANNED)
}

/// Selections on records, and the fragments that they spread.
#[derive(Default)]
pub struct Kept {
    /// The selections, by the number in their stand-in.
    pub sets: Vec<KeptSet>,
    /// The fragments that they spread.
    pub fragments: HashMap<Name, Positioned<FragmentDefinition>>,
}

/// A selection on records.
pub struct KeptSet {
    /// What is selected.
    pub set: Positioned<SelectionSet>,
    /// How it is answered, where it is on rows: a plan for each record, where it is on an interface.
    pub(crate) rows: Plans<Plan>,
    /// How it is answered, where it is on a connection.
    pub(crate) connection: Plans<ConnectionPlan>,
}

impl KeptSet {
    /// A selection that was not answered yet.
    pub fn new(set: Positioned<SelectionSet>) -> Self {
        Self { set, rows: Plans::default(), connection: Plans::default() }
    }
}

/// Plans that were worked out.
pub(crate) struct Plans<P>(RwLock<Vec<Arc<P>>>);

impl<P> Default for Plans<P> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<P> Plans<P> {
    /// The plan that is meant; worked out and kept, where it is not there yet.
    ///
    /// # Errors
    /// Those of working it out.
    pub(crate) fn get_or_plan<E>(
        &self,
        is_meant: impl Fn(&P) -> bool,
        plan: impl FnOnce() -> Result<Arc<P>, E>,
    ) -> Result<Arc<P>, E> {
        let find = |plans: &[Arc<P>]| plans.iter().find(|plan| is_meant(plan)).cloned();
        if let Some(plan) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(plan);
        }
        let plan = plan()?;
        // Another request may have been first: its plan is the same.
        let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Ok(find(&plans).unwrap_or_else(|| {
            plans.push(Arc::clone(&plan));
            plan
        }))
    }
}

impl Kept {
    /// Takes a selection, and leaves its stand-in.
    pub fn keep(&mut self, set: &mut Positioned<SelectionSet>) {
        let pos = set.pos;
        let at = |name: String| Positioned::new(Name::new(name), pos);
        let field = Field {
            alias: Some(at(format!("{MARK}{}", self.sets.len()))),
            name: at("__typename".to_owned()),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::default(),
        };
        let items = vec![Positioned::new(Selection::Field(Positioned::new(field, pos)), pos)];
        let stand_in = Positioned::new(SelectionSet { items }, pos);
        self.sets.push(KeptSet::new(std::mem::replace(set, stand_in)));
    }

    /// The selection for which this one stands, if it holds nothing else.
    pub(crate) fn meant(&self, set: &SelectionSet) -> Option<&KeptSet> {
        let [Positioned { node: Selection::Field(field), .. }] = set.items.as_slice() else { return None };
        self.meant_by(&field.node)
    }

    /// The selection for which a field stands. Where fields of one key were merged, several stand side by side.
    pub(crate) fn meant_by(&self, field: &Field) -> Option<&KeptSet> {
        let number = field.alias.as_ref()?.node.strip_prefix(MARK)?;
        self.sets.get(number.parse::<usize>().ok()?)
    }
}
