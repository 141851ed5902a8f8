//! SQL that searches texts in any case, the same on all databases.

use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, ColumnType, Expr, ExprTrait, Func, IntoLikeExpr, LikeExpr, SimpleExpr};

use crate::column::Column;

/// Longest text that is searched for, in bytes. A database may need time proportional to the product of both lengths.
const MAX_SEARCH_BYTES: usize = 1000;

/// Where a text may stand in a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Start,
    Anywhere,
}

/// SQL for: the column, as text, holds this text, ignoring case. The original searches every column so.
pub fn contains(column: &Column, text: &str, backend: DbBackend) -> SimpleExpr {
    search(column, text, Position::Anywhere, backend)
}

/// SQL for: the column starts with this text, ignoring case.
pub(super) fn starts_with(column: &Column, text: &str, backend: DbBackend) -> SimpleExpr {
    search(column, text, Position::Start, backend)
}

fn search(column: &Column, text: &str, position: Position, backend: DbBackend) -> SimpleExpr {
    let plain = column.expr();
    let column = match (backend, &column.ty) {
        (DbBackend::Postgres, _) => plain.cast_as(Alias::new("text")),
        // SQLite prints whole numbers of such columns with a fraction, the other databases do not.
        (DbBackend::Sqlite, ColumnType::Float | ColumnType::Double) => {
            Expr::cust_with_expr("RTRIM(RTRIM(?, '0'), '.')", plain)
        }
        _ => plain,
    };
    if !is_findable(text, backend) {
        return Expr::val(1).eq(0);
    }
    if backend == DbBackend::Sqlite {
        return search_on_sqlite(&column, text, position);
    }
    let like = |text: &str| pattern(text, position).into_like_expr();
    let folded = Expr::expr(Func::lower(column.clone())).like(like(&text.to_lowercase()));
    // Letters that the database cannot convert to lower case are at least found as they are written.
    if backend == DbBackend::MySql || text.is_ascii() {
        return folded;
    }
    folded.or(column.like(like(text)))
}

/// The same on SQLite, with `instr`: the time of SQLite's `LIKE` grows with the product of both lengths. SQLite's
/// `LOWER` converts ASCII letters only.
fn search_on_sqlite(column: &Expr, text: &str, position: Position) -> SimpleExpr {
    let found = |text: String| {
        let place = Func::cust(Alias::new("instr")).arg(Func::lower(column.clone())).arg(text);
        match position {
            Position::Start => Expr::expr(place).eq(1),
            Position::Anywhere => Expr::expr(place).gt(0),
        }
    };
    let folded = found(text.to_lowercase());
    if text.is_ascii() { folded } else { folded.or(found(text.to_ascii_lowercase())) }
}

/// SQL for: the column equals the text, ignoring case.
pub fn equals(column: &Column, text: &str, backend: DbBackend) -> SimpleExpr {
    if !is_findable(text, backend) {
        return Expr::val(1).eq(0);
    }
    Expr::expr(Func::lower(column.expr())).eq(text.to_lowercase())
}

/// Whether the text can be searched for. If not, no row is taken to match it.
fn is_findable(text: &str, backend: DbBackend) -> bool {
    text.len() <= MAX_SEARCH_BYTES && !(backend == DbBackend::Postgres && text.contains('\0'))
}

/// The text to compare with. PostgreSQL refuses NUL in a parameter, and none of its rows holds it. NUL is replaced by a
/// noncharacter, which no real text holds either, so that nothing matches.
pub(super) fn comparable_text(text: &str, backend: DbBackend) -> String {
    if backend == DbBackend::Postgres { text.replace('\0', "\u{fffe}") } else { text.to_owned() }
}

fn pattern(text: &str, position: Position) -> LikeExpr {
    let mut pattern = String::with_capacity(text.len() + 2);
    if position == Position::Anywhere {
        pattern.push('%');
    }
    for letter in text.chars() {
        if matches!(letter, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape('!')
}
