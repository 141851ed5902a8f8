//! Rules that query the database, each with one statement (docs/contract/wire.md#3.2, docs/contract/wire.md#3.6).

use std::collections::HashSet;

use async_graphql::Value;
use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr};

use super::{LookupColumn, Rule, RuleKind, RuleList, TablesByWord};
use crate::Result;
use crate::form::check::Subject;
use crate::form::{CheckScope, value};
use crate::user_error::BrokenRule;

/// Lists with more elements are not looked up and break the rule.
const MAX_LOOKED_UP: usize = 1000;

pub(super) async fn exists(subject: &Subject<'_>, column: LookupColumn) -> Result<Option<BrokenRule>> {
    let found =
        match (subject.existing.and_then(|existing| existing.0.as_ref()), value::elements(subject.value)) {
            (Some(ids), _) => value::integer(subject.value).is_some_and(|id| ids.contains(&id)),
            (None, None) => count(subject, column, &[subject.value], None).await? > 0,
            (None, Some(items)) => {
                let items: Vec<_> = items.into_iter().map(|(_, item)| item).collect();
                count(subject, column, &items, None).await? >= distinct(&items)
            }
        };
    Ok(subject.fails_if("exists", !found))
}

/// Passes where the other field's word names no table: the rules of that field report it.
pub(super) async fn exists_for(
    subject: &Subject<'_>,
    sibling: &str,
    tables: TablesByWord,
) -> Result<Option<BrokenRule>> {
    let stored = subject.scope.stored.iter().find(|(name, _)| *name == sibling);
    let word = match subject.sibling(sibling) {
        Some(sent) => value::text(sent),
        None => stored.map(|(_, word)| (*word).to_owned()),
    };
    match tables.iter().find(|(known, _)| Some(*known) == word.as_deref()) {
        Some(&(_, table)) => exists(subject, LookupColumn { table, name: "id" }).await,
        None => Ok(None),
    }
}

pub(super) async fn unique(subject: &Subject<'_>, column: LookupColumn) -> Result<Option<BrokenRule>> {
    let taken = count(subject, column, &[subject.value], subject.scope.own_id).await? > 0;
    Ok(subject.fails_if("unique", taken))
}

fn distinct(items: &[&Value]) -> usize {
    items.iter().map(|item| value::text(item)).collect::<HashSet<_>>().len()
}

/// The number of different values of the column among these.
async fn count(
    subject: &Subject<'_>,
    column: LookupColumn,
    sent: &[&Value],
    except: Option<i64>,
) -> Result<usize> {
    let scope = subject.scope;
    let cell = Expr::col(Alias::new(column.name));
    let (cell, wanted): (_, Vec<_>) = if is_number(column, subject.rules) {
        (cell, sent.iter().filter_map(|value| value::integer(value)).map(Expr::val).collect())
    } else {
        let texts = sent.iter().filter_map(|value| value::text(value)).filter(|text| is_storable(text));
        (folded(scope, cell), texts.map(|text| folded(scope, Expr::val(text))).collect())
    };
    if wanted.is_empty() || wanted.len() > MAX_LOOKED_UP {
        return Ok(0);
    }
    let mut select = Query::select();
    select.expr(cell.clone().count_distinct()).from(Alias::new(column.table)).and_where(cell.is_in(wanted));
    if let Some(id) = except {
        select.and_where(Expr::col(Alias::new("id")).ne(id));
    }
    first_number(scope, &select).await
}

async fn first_number(scope: &CheckScope<'_>, select: &SelectStatement) -> Result<usize> {
    let row = scope.rows(select).await?.into_iter().next();
    let number = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
    Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or_default())
}

/// Whether the column holds numbers: by its name (`id`, `…_id`), or by the rules of the field.
fn is_number(column: LookupColumn, rules: &[Rule]) -> bool {
    column.name == "id" || column.name.ends_with("_id") || rules.has(|kind| matches!(kind, RuleKind::Integer))
}

/// Whether a text can be stored. PostgreSQL refuses NUL.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// SQL for comparing without case; on MySQL the column's collation does that.
fn folded(scope: &CheckScope<'_>, text: SimpleExpr) -> SimpleExpr {
    match scope.backend() {
        DbBackend::MySql => text,
        _ => Func::lower(text).into(),
    }
}

/// The ids of a list that exist, found with one statement; `None` where the elements do not have the rule `exists`.
pub(crate) struct ExistingIds(Option<HashSet<i64>>);

impl ExistingIds {
    /// Looks up the ids among the elements of a list.
    pub(crate) async fn of(
        scope: &CheckScope<'_>,
        rules: &[Rule],
        items: &[(String, &Value)],
    ) -> Result<Self> {
        let column = rules.iter().find_map(|rule| match rule.0 {
            RuleKind::Exists(column) if is_number(column, rules) => Some(column),
            _ => None,
        });
        let Some(column) = column else { return Ok(Self(None)) };
        let ids: HashSet<i64> = items.iter().filter_map(|(_, item)| value::integer(item)).collect();
        if ids.is_empty() || ids.len() > MAX_LOOKED_UP {
            return Ok(Self(Some(HashSet::new())));
        }
        let mut select = Query::select();
        let cell = Expr::col(Alias::new(column.name));
        select
            .expr(cell.clone().cast_as(integer_name(scope)))
            .from(Alias::new(column.table))
            .and_where(cell.is_in(ids));
        let rows = scope.rows(&select).await?;
        let found = rows.iter().map(|row| row.try_get_by_index::<i64>(0)).collect::<Result<_, _>>()?;
        Ok(Self(Some(found)))
    }
}

/// SQL name of the type of 64-bit integers, in which ids are read whatever their column's type is.
fn integer_name(scope: &CheckScope<'_>) -> Alias {
    Alias::new(match scope.backend() {
        DbBackend::MySql => "SIGNED",
        _ => "BIGINT",
    })
}
