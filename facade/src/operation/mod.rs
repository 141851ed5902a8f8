//! Analysis of a GraphQL operation before it runs: parsing, limits, price, and caches of prepared operations.
//!
//! Nothing here touches the database, and the time is linear in the length of the document: tokens and brackets are
//! counted before parsing (`scan.rs`), everything else in one pass over the parsed document that visits each
//! fragment once (`measure.rs`). Validation and execution visit a fragment again wherever it is spread, so the
//! limits are checked first.

mod caching;
mod documents;
mod measure;
mod merging;
mod operation_cache;
mod positions;
mod prepared;
mod price;
mod price_table;
mod scan;
mod schema_size;
mod suggestion;
mod values;
mod variables;
mod weight;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection};
use async_graphql::registry::Registry;
use async_graphql::{Name, Positioned, Request};
pub use caching::{CacheHints, INTROSPECTION_FIELDS, NO_CACHE};
pub use documents::{NewDocument, PersistedDocuments, TrustedMode};
pub use measure::{Cost, condition_points};
pub use operation_cache::{CachedRun, ExecutedOperation, OperationCache};
pub use prepared::{PreparedDocument, Variant};
pub use price::{points_of_answer, points_of_rows};
pub use price_table::price_table;
use sha2::{Digest, Sha256};
pub use suggestion::Suggestions;
pub(crate) use suggestion::suggestion;
pub use variables::check_nesting;

use self::positions::InputPositions;
use self::price::Prices;
use crate::error::{Code, NotRun};
use crate::{Error, Result};

/// Maximum number of errors in an answer: a document can break a rule in every token.
pub const MAX_ERRORS: usize = 50;

/// What the analysis needs to know of a schema: the prices of fields and the types of input positions.
#[derive(Debug)]
pub struct SchemaRules {
    prices: Prices,
    positions: InputPositions,
}

impl SchemaRules {
    /// Reads the schema.
    pub fn new(registry: &Registry) -> Self {
        Self { prices: Prices::new(registry), positions: InputPositions::new(registry) }
    }
}

/// Limits of an operation.
#[derive(Clone, Copy, Debug)]
pub struct OperationLimits {
    /// Nesting of fields.
    pub depth: u64,
    /// Nesting of fields in an introspection query.
    pub introspection_depth: u64,
    /// Points of an operation.
    pub complexity: u64,
    /// Aliases of a document.
    pub aliases: u64,
    /// Fields at the root of an operation.
    pub root_fields: u64,
    /// Directives of a document.
    pub directives: u64,
    /// Rows of a page, or identifiers in `ids`.
    pub list: u64,
}

impl Default for OperationLimits {
    fn default() -> Self {
        Self {
            depth: 12,
            introspection_depth: 20,
            complexity: 10_000,
            aliases: 30,
            root_fields: 20,
            directives: 30,
            list: 100,
        }
    }
}

/// SHA-256 of a document's text in lower-case hexadecimal digits; clients may send it instead of the document.
pub fn hash_of(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// Limits of a document that depend on the caller.
#[derive(Clone, Copy, Debug)]
pub struct DocumentLimits {
    /// Maximum number of tokens, and of fields with fragments spread.
    pub tokens: u64,
    /// Maximum size of the request in bytes.
    pub bytes: u64,
}

/// The result of the analysis of an operation that is within the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Its maximum cost.
    pub cost: Cost,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The name of the operation in the document.
    pub name: Option<Name>,
    /// Names of its root fields, each once; those inside fragments are not listed.
    pub roots: Vec<Name>,
    /// Whether it asks for introspection only.
    pub introspects: bool,
}

impl Estimate {
    /// The maximum cost in points, as rate limits count them.
    pub fn price(&self) -> u32 {
        u32::try_from(self.cost.points).unwrap_or(u32::MAX)
    }
}

/// Parses a request's document, checks it against the limits and prices the operation that the request names. The
/// parsed document is stored in the request.
///
/// # Errors
/// [`Error::NotRun`] with the reason.
pub fn prepare(
    request: &mut Request,
    rules: &SchemaRules,
    limits: &OperationLimits,
    bounds: DocumentLimits,
) -> Result<Estimate> {
    scan::scan(&request.query, bounds.tokens)?;
    let document = parse(&request.query)?;
    let chosen = named_operation(&document, request.operation_name.as_deref());
    if let Ok((_, operation)) = &chosen {
        variables::fill_in_defaults(&operation.node, &mut request.variables);
    }
    let cost = measure::Measure::new(&document, &request.variables, &rules.prices, limits, bounds)
        .check(chosen.as_ref().ok().map(|(_, operation)| &operation.node))?;
    let (name, operation) = chosen?;
    rules.positions.check(&document)?;
    // Without fragments, async-graphql's own rule is sufficient.
    if request.query.contains("...") {
        merging::MergeCheck::new(&document, &rules.positions, bounds.tokens).check()?;
    }
    let operation = &operation.node;
    variables::check_required(&document, operation, &request.variables)?;
    let (kind, name, roots) = (operation.ty, name.cloned(), root_fields(operation));
    let introspects = introspects(operation);
    request.set_parsed_query(document);
    Ok(Estimate { cost, kind, name, roots, introspects })
}

fn parse(text: &str) -> Result<ExecutableDocument> {
    async_graphql::parser::parse_query(text).map_err(syntax_error)
}

/// Whether all root fields of an operation are introspection fields.
fn introspects(operation: &OperationDefinition) -> bool {
    operation.selection_set.node.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => INTROSPECTION_FIELDS.contains(&field.node.name.node.as_str()),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    })
}

/// Names of the root fields of an operation, each once.
fn root_fields(operation: &OperationDefinition) -> Vec<Name> {
    let mut roots = Vec::new();
    for selection in &operation.selection_set.node.items {
        if let Selection::Field(field) = &selection.node
            && !roots.contains(&field.node.name.node)
        {
            roots.push(field.node.name.node.clone());
        }
    }
    roots
}

/// The parser's error in one line, without the excerpt of the document.
fn syntax_error(error: async_graphql::parser::Error) -> Error {
    let locations = error.positions().collect();
    let text = error.to_string();
    let reason = text.lines().next_back().unwrap_or_default().trim_start_matches([' ', '=']);
    NotRun::error_at(
        Code::GraphqlParseFailed,
        format!("Syntax error: {}.", reason.trim_end_matches('.')),
        locations,
    )
}

/// The operation of this name, or the only one where no name is given, with its own name.
fn named_operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<(Option<&'a Name>, &'a Positioned<OperationDefinition>)> {
    let mut fitting =
        document.operations.iter().filter(|(own, _)| name.is_none() || own.map(|own| own.as_str()) == name);
    match (fitting.next(), fitting.next()) {
        (Some((own, operation)), None) => Ok((own, operation)),
        (None, _) => Err(unresolved("The document has no operation of that name.")),
        (Some(_), Some(_)) => Err(unresolved("The document has several operations: name one of them.")),
    }
}

fn unresolved(text: &str) -> Error {
    NotRun::error(Code::OperationResolutionFailure, text)
}
