//! Kinds of servers: each names the extension that speaks to it.

use async_graphql::Value;
use async_graphql::async_trait::async_trait;
use facade::form::rules::custom;
use facade::form::{CustomRule, Rule, Subject};
use facade::user_error::BrokenRule;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::Result;
use crate::scope::ShopScope;

/// A server that no extension speaks to.
pub(super) const NONE: &str = "none";
/// A registrar of domains.
pub(super) const DOMAIN: &str = "domain";
/// Length of the column of kinds, in characters.
const MAX_CHARS: usize = 255;
/// Most ways to write a kind that are looked at.
const MAX_SPELLINGS: u64 = 100;

/// The value is a kind of server: one of the base shop, or one that the shop's servers or products have, whose extension is
/// installed.
pub(super) fn server_kind() -> Rule {
    custom(&ServerKind)
}

#[derive(Debug)]
struct ServerKind;

#[async_trait]
impl CustomRule for ServerKind {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let Value::String(kind) = subject.value else { return Ok(subject.fails_if("in", true)) };
        if is_of_base(kind) {
            return Ok(None);
        }
        let host = subject.scope.host;
        for select in in_use(kind) {
            let statement = host.database().get_database_backend().build(&select);
            if names(&host.rows(statement, true).await?, kind)? {
                return Ok(None);
            }
        }
        Ok(subject.fails_if("in", true))
    }
}

fn is_of_base(kind: &str) -> bool {
    [NONE, DOMAIN].contains(&kind)
}

/// Whether an extension for servers of this kind is installed, as far as the database tells.
///
/// # Errors
/// When the database fails.
pub(super) async fn is_installed(scope: ShopScope<'_>, kind: &str) -> Result<bool> {
    for select in in_use(kind) {
        if names(&scope.reader().query_all(&select).await?, kind)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The statements that find the kind in servers and products, in all ways to write it that the database takes for the same.
fn in_use(kind: &str) -> Vec<SelectStatement> {
    // PostgreSQL refuses NUL; no column holds a longer kind.
    let may_be_kind = !kind.contains('\0') && kind.chars().count() <= MAX_CHARS;
    let tables = ["servers", "products"].into_iter().filter(|_| may_be_kind);
    let select = |table| {
        let mut select = Query::select();
        select.distinct().column(Alias::new("type")).from(Alias::new(table));
        select.and_where(Expr::col(Alias::new("type")).eq(kind)).limit(MAX_SPELLINGS);
        select
    };
    tables.map(select).collect()
}

/// Whether one of the rows names this very kind.
fn names(rows: &[QueryResult], kind: &str) -> Result<bool> {
    for row in rows {
        if row.try_get_by_index::<String>(0)? == kind {
            return Ok(true);
        }
    }
    Ok(false)
}
