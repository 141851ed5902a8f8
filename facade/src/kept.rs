//! Selections on records that stand beside the executed document.
//!
//! The executor copies and examines a whole document for every request, though it never looks into
//! a selection on records: `plan.rs` does. So a document that is run often keeps these selections
//! aside, shared by all its requests, and a short stand-in takes their place (`rest/prepared.rs`).

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::registry::MetaType;
use async_graphql::{Name, Positioned};

/// What the alias of a stand-in begins with: no client can write it.
const MARK: char = ':';
/// Tag of the types of records.
pub(crate) const RECORD: &str = "record";
/// Tag of the types of lists of records.
pub(crate) const CONNECTION: &str = "connection";

/// Whether the type is a record's.
pub fn is_record(ty: &MetaType) -> bool {
    matches!(ty, MetaType::Object { tags, .. } if tags.iter().any(|tag| tag == RECORD))
}

/// Whether what is selected of the type is looked at by this engine alone, not by the executor: of records and
/// of lists of them.
pub fn is_planned(ty: &MetaType) -> bool {
    is_record(ty) || matches!(ty, MetaType::Object { tags, .. } if tags.iter().any(|tag| tag == CONNECTION))
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
    /// How it is answered, once that was worked out.
    plan: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl KeptSet {
    /// A selection that was not answered yet.
    pub fn new(set: Positioned<SelectionSet>) -> Self {
        Self { set, plan: OnceLock::new() }
    }

    /// How it is answered, if that was worked out, and for the same type.
    pub(crate) fn plan<P: Send + Sync + 'static>(&self) -> Option<Arc<P>> {
        Arc::clone(self.plan.get()?).downcast().ok()
    }

    /// Keeps how it is answered.
    pub(crate) fn keep_plan<P: Send + Sync + 'static>(&self, plan: &Arc<P>) {
        // Another request may have been first: its plan is the same.
        let _ = self.plan.set(Arc::<P>::clone(plan));
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

    /// The selection for which this one stands.
    pub(crate) fn meant(&self, set: &SelectionSet) -> Option<&KeptSet> {
        let [Positioned { node: Selection::Field(field), .. }] = set.items.as_slice() else { return None };
        let number = field.node.alias.as_ref()?.node.strip_prefix(MARK)?;
        self.sets.get(number.parse::<usize>().ok()?)
    }
}
