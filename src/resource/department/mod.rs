//! Departments of the helpdesk (docs/contract/application-operations.md#4).

use async_graphql::{Context, ID, MergedObject, Object};
use entity::{Id, ShopTime, permission, support_department, support_ticket};
use facade::error::Refusal;
use facade::form::Form;
use facade::guard::Can;
use facade::payload::Deletes;
use facade::record::{Deleted, JsonText, Moment, require};
use facade::transaction::Transaction;
use facade::user_error::{Refuses, UserErrorCode};
use facade::write::{lock, save};
use facade::{filters, form, list, one, record};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, Select,
};

use super::metadata;
use super::ticket::{self, Ticket, TicketFilter, TicketSort, live_tickets};
use crate::scope::ShopScope;
use crate::{Result, abilities};

pub mod demo;
pub mod seed;

abilities! {
    /// Lists departments.
    INDEX = "departments:index", permissions ["admin.manage_departments"];
    /// Shows departments.
    SHOW = "departments:show", permissions ["admin.manage_departments"];
    /// Makes departments.
    STORE = "departments:store", permissions ["admin.manage_departments"];
    /// Changes departments.
    UPDATE = "departments:update", permissions ["admin.manage_departments"];
    /// Deletes departments.
    DELETE = "departments:delete", permissions ["admin.manage_departments"];
}

/// What the original calls a department in texts and polymorphic columns.
pub const MODEL: &str = "App\\Models\\Helpdesk\\SupportDepartment";

record! {
    /// A department of the helpdesk, to which customers write their tickets.
    pub struct Department(entity::support_department);
    #[can(SHOW, INDEX)] node: |_| live_departments();
    columns {
        /// Minutes until the first answer to a ticket is due; null where nothing is promised.
        sla_first_response_minutes,
        /// Minutes until the solution of a ticket is due; null where nothing is promised.
        sla_resolution_minutes,
        /// Name shown to customers.
        name,
        /// What it is asked about.
        description,
        /// Class name of its icon, such as `bi bi-gear`.
        icon,
        /// Primary keys of the staff who get a mail for each ticket.
        staff_subscribers shown JsonText,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// Its tickets.
        #[can(ticket::INDEX)] tickets:
            many<Ticket>(support_ticket::Column::DepartmentId, live_tickets) by TicketFilter, TicketSort,
    }
}

filters! {
    /// Conditions on departments; all given ones must hold.
    pub struct DepartmentFilter, DepartmentSort, DepartmentSortField on entity::support_department {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name.
        name: TextFilter = Name,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

/// All departments: tickets keep those that were deleted.
pub fn all_departments() -> Select<support_department::Entity> {
    support_department::Entity::find()
}

/// Departments that are not deleted.
pub fn live_departments() -> Select<support_department::Entity> {
    support_department::Entity::find().filter(support_department::Column::DeletedAt.is_null())
}

one! {
    /// A department by its identifier.
    #[can(SHOW, INDEX)] pub DepartmentById: department<Department>(live_departments);
}

list! {
    /// Departments of the helpdesk.
    #[can(INDEX)] pub DepartmentList: departments<Department>(live_departments) by DepartmentFilter, DepartmentSort,
    search(support_department::Column::Name): "Only departments whose name holds this text, exact matches first.";
}

/// Reading departments.
#[derive(MergedObject, Default)]
pub struct DepartmentQuery(DepartmentById, DepartmentList);

form! {
    /// A department. A new one needs name, description and icon; in a change, fields that are left out stay as they are.
    pub struct DepartmentInput for entity::support_department {
        /// Name shown to customers.
        name: String => [required_unless_partial(), string(), max(255)],
        /// What it is asked about.
        description: String => [required_unless_partial(), string(), max(1000)],
        /// Class name of its icon, such as `bi bi-gear`.
        icon: String => [required_unless_partial(), string(), max(255)],
        /// Minutes until the first answer to a ticket is due; null where nothing is promised.
        sla_first_response_minutes: i64 => [nullable(), integer(), min(0)],
        /// Minutes until the solution of a ticket is due; null where nothing is promised.
        sla_resolution_minutes: i64 => [nullable(), integer(), min(0)],
    }
}

/// Changing departments.
#[derive(Default)]
pub struct DepartmentMutation;

#[Object]
impl DepartmentMutation {
    /// Makes a department, with a permission of the staff for its tickets.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn department_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The department.")] input: Form<DepartmentInput>,
    ) -> Result<Department> {
        let scope = ShopScope::from(ctx);
        create(scope, scope.check_new(input).await?).await.map(Department)
    }

    /// Changes a department.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn department_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] input: Form<DepartmentInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Department> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require::<Department>(*scope, live_departments, &id, MODEL).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        update(scope, id, &input).await.map(Department)
    }

    /// Deletes a department without tickets, with the permission for its tickets.
    #[graphql(
        directive = Can::apply(&[DELETE]),
        directive = Deletes::apply(),
        directive = Refuses::apply(HAS_TICKETS),
    )]
    async fn department_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Deleted<Department>> {
        let scope = ShopScope::from(ctx);
        let id = require::<Department>(*scope, live_departments, &id, MODEL).await?.0.id;
        delete(ctx, scope, id).await
    }
}

async fn create(scope: ShopScope<'_>, input: DepartmentInput) -> Result<support_department::Model> {
    let now = ShopTime::from(scope.now());
    let mut row = support_department::ActiveModel {
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    input.write_to(&mut row);
    let row = &row;
    scope
        .write(|transaction| async move {
            let department = row.clone().insert(&transaction).await?;
            add_permission(&transaction, department.id, now).await?;
            Ok(department)
        })
        .await
}

async fn update(scope: ShopScope<'_>, id: Id, input: &DepartmentInput) -> Result<support_department::Model> {
    scope
        .write(|transaction| async move {
            let department =
                lock::<Department>(&transaction, live_departments(), id, MODEL, scope.expected()).await?;
            let mut row = department.clone().into_active_model();
            input.write_to(&mut row);
            if !row.is_changed() {
                return Ok(department);
            }
            let department = save(&transaction, row, scope.now()).await?;
            add_permission(&transaction, id, scope.now().into()).await?;
            Ok(department)
        })
        .await
}

async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<Department>> {
    let now = ShopTime::from(scope.now());
    scope
        .write(|transaction| async move {
            let department =
                lock::<Department>(&transaction, live_departments(), id, MODEL, scope.expected()).await?;
            refuse_with_tickets(scope, &transaction, id).await?;
            let gone = support_department::Model {
                deleted_at: Some(now),
                updated_at: Some(now),
                ..department.clone()
            };
            let deleted = Deleted::<Department>::read(ctx, &transaction, gone).await?;
            if !deleted.is_read() {
                return Ok(deleted);
            }
            let mut row = department.into_active_model();
            row.deleted_at = Set(Some(now));
            save(&transaction, row, now.0).await?;
            metadata::detach(&transaction, MODEL, id).await?;
            permission::Entity::delete_many()
                .filter(permission::Column::Name.eq(permission_name(id)))
                .exec(&transaction)
                .await?;
            Ok(deleted)
        })
        .await
}

/// Why a department is not deleted.
const HAS_TICKETS: UserErrorCode =
    UserErrorCode::new("DEPARTMENT_HAS_TICKETS", "The department has tickets, so it cannot be deleted.");

async fn refuse_with_tickets(scope: ShopScope<'_>, transaction: &Transaction, id: Id) -> Result<()> {
    match live_tickets().filter(support_ticket::Column::DepartmentId.eq(id)).count(transaction).await? {
        0 => Ok(()),
        _ => {
            let text = scope.texts().text("helpdesk.admin.departments.error_delete", &[]);
            Err(Refusal::message(403, text).coded(HAS_TICKETS))
        }
    }
}

/// Name of the permission for the tickets of a department.
fn permission_name(department: Id) -> String {
    format!("admin.manage_tickets_department.{department}")
}

/// Adds the permission for the tickets of a department that is locked, if it is missing.
async fn add_permission(transaction: &Transaction, department: Id, now: ShopTime) -> Result<()> {
    let name = permission_name(department);
    let known = permission::Entity::find().filter(permission::Column::Name.eq(&name));
    if known.count(transaction).await? > 0 {
        return Ok(());
    }
    let row = permission::ActiveModel {
        name: Set(name),
        label: Set("permissions.manage_tickets_department".to_owned()),
        group: Set(Some("permissions.helpdesk".to_owned())),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    row.insert(transaction).await?;
    Ok(())
}
