//! Whose tickets a caller sees: a role may be for the tickets of some departments only
//! (docs/contract/application-operations.md#4).

use entity::{Id, support_ticket};
use facade::scope::RequestScope;
use sea_orm::{ColumnTrait, Condition};

use crate::access::Principal;

/// The permission for the tickets of all departments.
const ALL_DEPARTMENTS: &str = "admin.manage_tickets";
/// The beginning of the permission for the tickets of one department, whose key follows.
const ONE_DEPARTMENT: &str = "admin.manage_tickets_department.";

/// The condition on tickets that the caller may see.
pub(super) fn in_own_departments(scope: RequestScope<'_>) -> Option<Condition> {
    let departments = own_departments(scope)?;
    Some(Condition::all().add(support_ticket::Column::DepartmentId.is_in(departments)))
}

/// The departments whose tickets the caller may see; nothing where these are all.
pub(super) fn own_departments(scope: RequestScope<'_>) -> Option<Vec<Id>> {
    let principal = Principal::of(scope.execution().principal.as_deref()?)?;
    let permissions = principal.permissions.as_deref()?;
    if permissions.iter().any(|name| name == ALL_DEPARTMENTS) {
        return None;
    }
    let key = |name: &String| name.strip_prefix(ONE_DEPARTMENT)?.parse().ok().map(Id);
    Some(permissions.iter().filter_map(key).collect())
}
