//! Documents prepared for execution: selections that `@include` and `@skip` leave out are removed, and the
//! selections on records are taken out. This is done once for each combination of switches, not for each request.
//! A switch is a variable that `@include` or `@skip` reads.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError, RwLock};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, FragmentDefinition, InlineFragment,
    OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as InputValue;

use crate::record::{ExtractedSelection, ExtractedSelections, is_planned};

/// Maximum number of switches of a document: the bits of a [`Combination`].
const MAX_SWITCHES: usize = 64;

/// The switches that are on, one bit for each.
type Combination = u64;

/// A document that is prepared for execution.
pub struct PreparedDocument {
    variants: Variants,
    parts: u64,
}

/// The variants of a document.
enum Variants {
    /// The only variant: the document has no switches.
    Single(Arc<Variant>),
    /// One variant for each combination of switches.
    BySwitches(Box<SwitchedDocument>),
}

/// A document with switches.
struct SwitchedDocument {
    operation: Positioned<OperationDefinition>,
    extracted: ExtractedSelections,
    switches: Vec<Name>,
    variants: RwLock<HashMap<Combination, Arc<Variant>>>,
    /// Maximum number of cached variants; further ones are computed each time.
    max_variants: usize,
}

/// A document without what one combination of switches leaves out.
pub struct Variant {
    /// The document that async-graphql executes: the fields above records.
    pub executable: ExecutableDocument,
    /// The selections on records.
    pub extracted: Arc<ExtractedSelections>,
}

impl PreparedDocument {
    /// Prepares an operation of a document. At most `max_variants` variants are cached.
    ///
    /// # Errors
    /// When the schema has no root type for the operation, or the operation has too many switches.
    pub fn new(
        document: &ExecutableDocument,
        operation: &Positioned<OperationDefinition>,
        registry: &Registry,
        max_variants: usize,
    ) -> Result<Self, String> {
        let mut operation = operation.clone();
        let root = match operation.node.ty {
            OperationType::Query => Some(registry.query_type.as_str()),
            _ => registry.mutation_type.as_deref(),
        };
        let root = root.and_then(|root| registry.types.get(root)).ok_or("the schema has no such root")?;
        let mut splitter = SelectionSplitter {
            registry,
            fragments: &document.fragments,
            extracted: ExtractedSelections::default(),
        };
        splitter.split_executed(root, &mut operation.node.selection_set.node);
        let mut switches = Vec::new();
        let sets = splitter.extracted.sets.iter().map(|extracted| &extracted.set.node);
        let fragments =
            splitter.extracted.fragments.values().map(|fragment| &fragment.node.selection_set.node);
        sets.chain(fragments)
            .chain([&operation.node.selection_set.node])
            .for_each(|set| collect_switches(set, &mut switches));
        if switches.len() > MAX_SWITCHES {
            return Err(format!("it has more than {MAX_SWITCHES} switches"));
        }
        let is_whole = switches.is_empty();
        let parts = extracted_parts(&splitter.extracted) + written_parts(&operation.node.selection_set.node);
        let variants = RwLock::default();
        let switched =
            SwitchedDocument { operation, extracted: splitter.extracted, switches, variants, max_variants };
        let variants = match is_whole {
            true => Variants::Single(Arc::new(switched.prune(0))),
            false => Variants::BySwitches(Box::new(switched)),
        };
        Ok(Self { variants, parts })
    }

    /// Number of its fields and fragments, with fragments above records copied wherever they are spread.
    pub fn parts(&self) -> u64 {
        self.parts
    }

    /// The variables that `@include` and `@skip` read.
    pub fn switches(&self) -> &[Name] {
        match &self.variants {
            Variants::Single(_) => &[],
            Variants::BySwitches(switched) => &switched.switches,
        }
    }

    /// The variant for these variables.
    pub fn variant(&self, variables: &Variables) -> Arc<Variant> {
        match &self.variants {
            Variants::Single(variant) => Arc::clone(variant),
            Variants::BySwitches(switched) => switched.variant(variables),
        }
    }
}

impl SwitchedDocument {
    fn variant(&self, variables: &Variables) -> Arc<Variant> {
        let on = self.combination(variables);
        let known = self.variants.read().unwrap_or_else(PoisonError::into_inner).get(&on).cloned();
        known.unwrap_or_else(|| {
            let variant = Arc::new(self.prune(on));
            let mut variants = self.variants.write().unwrap_or_else(PoisonError::into_inner);
            if variants.len() < self.max_variants {
                variants.insert(on, Arc::clone(&variant));
            }
            variant
        })
    }

    fn combination(&self, variables: &Variables) -> Combination {
        let on = |name: &Name| variables.get(name) == Some(&Value::Boolean(true));
        let bits = self.switches.iter().enumerate().filter(|(_, name)| on(name));
        bits.fold(0, |bits, (at, _)| bits | 1 << at)
    }

    fn prune(&self, on: Combination) -> Variant {
        let pruner = Pruner { switches: &self.switches, on };
        let mut operation = self.operation.clone();
        pruner.prune(&mut operation.node.selection_set.node);
        let (mut extracted, mut spread) = (ExtractedSelections::default(), Vec::new());
        for ExtractedSelection { set, .. } in &self.extracted.sets {
            let mut set = set.clone();
            pruner.prune(&mut set.node);
            collect_spreads(&set.node, &mut spread);
            extracted.sets.push(ExtractedSelection::new(set));
        }
        while let Some(name) = spread.pop() {
            let Some(fragment) = self.extracted.fragments.get(&name) else { continue };
            if let Entry::Vacant(place) = extracted.fragments.entry(name) {
                let fragment = place.insert(fragment.clone());
                pruner.prune(&mut fragment.node.selection_set.node);
                collect_spreads(&fragment.node.selection_set.node, &mut spread);
            }
        }
        let operations = DocumentOperations::Single(operation);
        let executable = ExecutableDocument { operations, fragments: HashMap::new() };
        Variant { executable, extracted: Arc::new(extracted) }
    }
}

/// Moves the selections on records out of an operation.
struct SelectionSplitter<'a> {
    registry: &'a Registry,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    extracted: ExtractedSelections,
}

impl<'a> SelectionSplitter<'a> {
    /// Processes a selection set that async-graphql executes. Fragment spreads become inline fragments.
    fn split_executed(&mut self, ty: &'a MetaType, set: &mut SelectionSet) {
        for selection in &mut set.items {
            if let Selection::FragmentSpread(spread) = &selection.node
                && let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node)
            {
                let inline = InlineFragment {
                    type_condition: Some(fragment.node.type_condition.clone()),
                    directives: spread.node.directives.clone(),
                    selection_set: fragment.node.selection_set.clone(),
                };
                selection.node = Selection::InlineFragment(Positioned::new(inline, spread.pos));
            }
            match &mut selection.node {
                Selection::Field(field) => {
                    let Some(below) = self.field_type(ty, &field.node.name.node) else { continue };
                    if is_planned(below) {
                        self.split_planned(below, &mut field.node.selection_set.node);
                        self.extracted.extract(&mut field.node.selection_set);
                    } else {
                        self.split_executed(below, &mut field.node.selection_set.node);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = self.condition_type(ty, &fragment.node);
                    self.split_executed(on, &mut fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// Processes a selection set on a record. Below fields that hold no record, async-graphql executes again.
    fn split_planned(&mut self, ty: &'a MetaType, set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => {
                    let Some(below) = self.field_type(ty, &field.node.name.node) else { continue };
                    if is_planned(below) {
                        self.split_planned(below, &mut field.node.selection_set.node);
                    } else {
                        self.split_executed(below, &mut field.node.selection_set.node);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = self.condition_type(ty, &fragment.node);
                    self.split_planned(on, &mut fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => self.split_fragment(&spread.node.fragment_name.node),
            }
        }
    }

    fn split_fragment(&mut self, name: &Name) {
        if self.extracted.fragments.contains_key(name) {
            return;
        }
        let Some(mut fragment) = self.fragments.get(name).cloned() else { return };
        let on = fragment.node.type_condition.node.on.node.as_str();
        let Some(ty) = self.registry.types.get(on) else { return };
        self.split_planned(ty, &mut fragment.node.selection_set.node);
        self.extracted.fragments.insert(name.clone(), fragment);
    }

    /// The type of a fragment's type condition.
    fn condition_type(&self, ty: &'a MetaType, fragment: &InlineFragment) -> &'a MetaType {
        let on = fragment.type_condition.as_ref();
        on.and_then(|on| self.registry.types.get(on.node.on.node.as_str())).unwrap_or(ty)
    }

    /// The type of a field.
    fn field_type(&self, ty: &MetaType, field: &str) -> Option<&'a MetaType> {
        self.registry.concrete_type_by_name(&ty.field_by_name(field)?.ty)
    }
}

/// Removes the selections that the switches leave out.
struct Pruner<'a> {
    switches: &'a [Name],
    on: Combination,
}

impl Pruner<'_> {
    fn prune(&self, set: &mut SelectionSet) {
        set.items.retain_mut(|selection| {
            let directives = selection.node.directives_mut();
            let stays = directives.iter().all(|directive| self.includes(&directive.node));
            directives.retain(|directive| condition(&directive.node).is_none());
            stays
        });
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => self.prune(&mut field.node.selection_set.node),
                Selection::InlineFragment(fragment) => self.prune(&mut fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn includes(&self, directive: &Directive) -> bool {
        let Some((wanted, value)) = condition(directive) else { return true };
        let is = match value {
            InputValue::Boolean(is) => *is,
            InputValue::Variable(name) => {
                let at = self.switches.iter().position(|switch| switch == name);
                at.is_some_and(|at| self.on & 1 << at != 0)
            }
            _ => false,
        };
        is == wanted
    }
}

/// For `@include` and `@skip`: the value that the condition must have, and the condition.
fn condition(directive: &Directive) -> Option<(bool, &InputValue)> {
    let wanted = match directive.name.node.as_str() {
        "include" => true,
        "skip" => false,
        _ => return None,
    };
    directive.get_argument("if").map(|value| (wanted, &value.node))
}

/// Number of fields and fragments of extracted selections: as they are written, and as they are planned, with fragments
/// copied wherever they are spread.
fn extracted_parts(extracted: &ExtractedSelections) -> u64 {
    let fragments = extracted.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    let written: u64 = fragments.map(written_parts).sum();
    let mut known = HashMap::new();
    extracted
        .sets
        .iter()
        .fold(written, |parts, set| parts.saturating_add(planned_parts(&set.set.node, extracted, &mut known)))
}

/// Number of fields and fragments of a selection set, including those of the fragments that it spreads.
fn planned_parts<'a>(
    set: &'a SelectionSet,
    extracted: &'a ExtractedSelections,
    known: &mut HashMap<&'a Name, u64>,
) -> u64 {
    set.items.iter().fold(0, |parts, selection| {
        let below = match &selection.node {
            Selection::Field(field) => planned_parts(&field.node.selection_set.node, extracted, known),
            Selection::InlineFragment(fragment) => {
                planned_parts(&fragment.node.selection_set.node, extracted, known)
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                known.get(name).copied().unwrap_or_else(|| {
                    let fragment =
                        extracted.fragments.get(name).map(|fragment| &fragment.node.selection_set.node);
                    let parts = fragment.map_or(0, |set| planned_parts(set, extracted, known));
                    known.insert(name, parts);
                    parts
                })
            }
        };
        parts.saturating_add(below).saturating_add(1)
    })
}

/// Number of fields and fragments of a selection set as it is written.
fn written_parts(set: &SelectionSet) -> u64 {
    let below = set.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => 1 + written_parts(&field.node.selection_set.node),
        Selection::InlineFragment(fragment) => 1 + written_parts(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => 1,
    });
    below.sum()
}

fn collect_switches(set: &SelectionSet, found: &mut Vec<Name>) {
    for selection in &set.items {
        for directive in selection.node.directives() {
            if let Some((_, InputValue::Variable(name))) = condition(&directive.node)
                && !found.contains(name)
            {
                found.push(name.clone());
            }
        }
        match &selection.node {
            Selection::Field(field) => collect_switches(&field.node.selection_set.node, found),
            Selection::InlineFragment(fragment) => {
                collect_switches(&fragment.node.selection_set.node, found);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn collect_spreads(set: &SelectionSet, found: &mut Vec<Name>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => collect_spreads(&field.node.selection_set.node, found),
            Selection::InlineFragment(fragment) => collect_spreads(&fragment.node.selection_set.node, found),
            Selection::FragmentSpread(spread) => found.push(spread.node.fragment_name.node.clone()),
        }
    }
}
