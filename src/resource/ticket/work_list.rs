//! Conditions of work lists: what is late, and what waits.

use entity::{ShopTime, support_message, support_ticket};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SimpleExpr};
use sea_orm::{ColumnTrait, Condition};

/// Tickets whose first answer or solution came after it was due, or is due and has not come; with `missed` false, the others.
pub(super) fn sla_missed(missed: bool, now: ShopTime) -> Condition {
    use support_ticket::Column;
    let late = Condition::any()
        .add(is_late(Column::FirstResponseDueAt, Column::FirstResponseAt, now))
        .add(is_late(Column::ResolutionDueAt, Column::ClosedAt, now));
    if missed { late } else { late.not() }
}

/// Whether something was done after it was due, or is due and was not done. False, not null, where nothing was promised.
fn is_late(due: support_ticket::Column, done: support_ticket::Column, now: ShopTime) -> SimpleExpr {
    let done = Func::coalesce([done.into_expr(), Expr::value(now)]);
    due.is_not_null().and(due.into_expr().lt(done))
}

/// Open tickets without a message at this moment or after it. The messages are read once: their table has no index on tickets
/// and times.
pub(super) fn waiting_since(moment: ShopTime) -> Condition {
    use support_message::{Column, Entity};
    let later = Query::select()
        .column((Entity, Column::TicketId))
        .from(Entity)
        .and_where(Column::CreatedAt.gte(moment))
        .and_where(Column::DeletedAt.is_null())
        .to_owned();
    Condition::all()
        .add(support_ticket::Column::Status.eq("open"))
        .add(support_ticket::Column::CreatedAt.lt(moment))
        .add(support_ticket::Column::Id.not_in_subquery(later))
}
