//! Selections on records that stand beside the executed document.
//!
//! The executor copies and examines a whole document for every request, though it never looks into
//! a selection on records: `plan.rs` does. So a document that is run often keeps these selections
//! aside, shared by all its requests, and a short stand-in takes their place (`rest/prepared.rs`).

use std::collections::HashMap;

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::registry::MetaType;
use async_graphql::{Name, Positioned};

/// What the alias of a stand-in begins with: no client can write it.
const MARK: char = ':';
/// Tag of the types whose selections may be kept.
pub(super) const TAG: &str = "record";

/// Whether the type is a record's.
pub fn is_record(ty: &MetaType) -> bool {
    matches!(ty, MetaType::Object { tags, .. } if tags.iter().any(|tag| tag == TAG))
}

/// Selections on records, and the fragments that they spread.
#[derive(Default)]
pub struct Kept {
    /// The selections, by the number in their stand-in.
    pub sets: Vec<Positioned<SelectionSet>>,
    /// The fragments that they spread.
    pub fragments: HashMap<Name, Positioned<FragmentDefinition>>,
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
        self.sets.push(std::mem::replace(set, Positioned::new(SelectionSet { items }, pos)));
    }

    /// The selection for which this one stands.
    pub(super) fn meant(&self, set: &SelectionSet) -> Option<&Positioned<SelectionSet>> {
        let [Positioned { node: Selection::Field(field), .. }] = set.items.as_slice() else { return None };
        let number = field.node.alias.as_ref()?.node.strip_prefix(MARK)?;
        self.sets.get(number.parse::<usize>().ok()?)
    }
}
