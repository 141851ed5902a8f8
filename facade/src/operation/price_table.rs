//! The generated page `docs/prices.md`: the prices of all fields of a schema.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use async_graphql::registry::Registry;

use super::measure::MAX_COMPARISONS;
use super::price::{
    Cardinality, DEFAULT_ROWS, MUTATION_POINTS, ObjectFields, Prices, ROOT_FIELD_POINTS, VALUES_PER_POINT,
};
use crate::page::DEFAULT_SIZE;

/// Columns of the table: how many objects a field holds, and the heading.
const COLUMNS: [(Cardinality, &str); 4] = [
    (Cardinality::One, "One object"),
    (Cardinality::Page, "A page: its rows, or those of `first`, `last`, `perPage`"),
    (Cardinality::List, "A list: the page's rows, or ten"),
    (Cardinality::ByIds, "As many as `ids`"),
];

fn row(name: &str, fields: &ObjectFields) -> String {
    let mut row = format!("| `{name}` |");
    for (cardinality, _) in COLUMNS {
        let mut names: Vec<_> = fields
            .iter()
            .filter(|(_, branch)| branch.cardinality == cardinality)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        names.sort();
        let _ = write!(row, " {} |", names.join(", "));
    }
    row
}

/// The price table of a schema, as a Markdown page.
pub fn price_table(registry: &Registry) -> String {
    let prices = Prices::new(registry);
    let rows: BTreeMap<_, _> = prices.types().map(|(name, fields)| (name, row(name, fields))).collect();
    let weights: String =
        prices.weights.listed().into_iter().fold(String::new(), |mut rows, (part, points)| {
            let _ = writeln!(rows, "| `{part}`, each time, beside its comparisons and objects | {points} |");
            rows
        });
    let headings = COLUMNS.map(|(_, heading)| heading).join(" | ");
    let rows = rows.into_values().collect::<Vec<_>>().join("\n");
    format!(
        "# Prices\n\n\
         What a GraphQL operation costs in points, before it is run; afterwards what was found counts instead (`facade/src/operation/price.rs`).\n\
         This file is generated from the schema.\n\n\
         | What | Points |\n|---|--:|\n\
         | a field at the root | {ROOT_FIELD_POINTS} |\n\
         | one that changes something, beside that | {MUTATION_POINTS} |\n\
         | an object, pages of lists too | 1, and what is selected of it |\n\
         | a value of an object | 0 |\n\
         | a list | its length times an object; pages have {DEFAULT_SIZE} rows where none are asked for, lists without pages count as {DEFAULT_ROWS} |\n\
         | a comparison of a condition | 1, inside records for each record around it; a list takes {MAX_COMPARISONS} |\n\
         | {VALUES_PER_POINT} further values of comparisons, rounded up for a list | 1 |\n\
         {weights}\n\
         What is not found is given back, but for the comparisons. `{{ products(perPage: 5) {{ nodes {{ name group {{ name }} }} }} }}` costs \
         {ROOT_FIELD_POINTS} for the field, 1 for the page, 5 for its rows and 5 for their groups.\n\n\
         A REST request costs {ROOT_FIELD_POINTS} point ({} where it changes something), one for each row that it reads, those of \
         included and counted records, metadata and prices too, and its `filter[…]` as conditions do.\n\n\
         ## What each type holds\n\n\
         Types that are not named hold values alone.\n\n\
         | Type | {headings} |\n|---|---|---|---|---|\n{rows}\n",
        ROOT_FIELD_POINTS + MUTATION_POINTS,
    )
}
