//! The log of what customers, staff and the shop did (docs/contract/application-operations.md#7). It is the largest table of
//! a shop, and nothing but the shop writes to it. What looks like a secret is masked, whoever asks.

pub mod demo;
mod secret;
pub mod seed;

use async_graphql::MergedObject;
use entity::{action_log, action_log_entry, admin, customer};
use facade::record::KeyOf;
use facade::{filters, list, one, record};
use sea_orm::{EntityTrait, QueryOrder, Select};

use self::secret::MaskedJson;
use super::customer::{self as customers, Customer};
use super::staff::{self, Staff};
use crate::abilities;

abilities! {
    /// Lists the log.
    INDEX = "logs:index", aliases ["actionlogs:index"], permissions ["admin.show_logs"];
    /// Shows entries of the log.
    SHOW = "logs:show", aliases ["actionlogs:show"], permissions ["admin.show_logs"];
    /// Shows the details of entries of the log in GraphQL.
    PAYLOAD = "logs:payload", permissions ["admin.show_logs"];
}

record! {
    /// Something that a customer, a member of the staff or the shop did.
    pub struct ActionLog(entity::action_log);
    #[can(SHOW, INDEX)] node: |_| logs();
    columns {
        /// Identifier of the customer who did it.
        customer_id shown KeyOf<Customer>,
        /// Identifier of the member of the staff who did it.
        staff_id shown KeyOf<Staff>,
        /// What was done, as in `resource_updated`.
        action,
        /// Kind of the record, as the original names it.
        model,
        /// Key of the record, as a text.
        model_id,
        /// Details. What looks like a secret is masked.
        #[can(PAYLOAD)] payload shown MaskedJson,
        /// When it was done.
        created_at,
        /// When the entry was last changed.
        updated_at,
    }
    branches {
        /// The customer who did it, also one who was deleted.
        #[can(customers::SHOW, customers::INDEX)] customer: one<Customer>(customer_id, all_customers),
        /// The member of the staff who did it, also one who was deleted.
        #[can(staff::SHOW, staff::INDEX)] staff: one<Staff>(staff_id, all_staff),
        /// The values that were changed.
        entries: many<ActionLogEntry>(action_log_entry::Column::ActionLogId, entries),
    }
}

record! {
    /// A value that was changed.
    pub struct ActionLogEntry(entity::action_log_entry);
    columns {
        /// Identifier of the entry of the log.
        action_log_id shown KeyOf<ActionLog>,
        /// Name of the column.
        attribute,
    }
    branches {
        /// Value before. It is masked where the column looks like a secret.
        old_value: each<Option<String>>(secret::old_values, [Attribute, OldValue]),
        /// Value after. It is masked where the column looks like a secret.
        new_value: each<Option<String>>(secret::new_values, [Attribute, NewValue]),
    }
}

filters! {
    /// Conditions on entries of the log; all given ones must hold.
    pub struct ActionLogFilter, ActionLogSort, ActionLogSortField on entity::action_log {
        /// Primary key.
        database_id: IntFilter = Id,
        /// What was done.
        action: TextFilter = Action,
        /// Kind of the record, as the original names it.
        model: TextFilter = Model,
        /// Key of the record, as a text.
        model_id: TextFilter = ModelId,
        /// Identifier of the member of the staff who did it.
        staff_id: KeyFilter<Staff> = StaffId,
        /// Identifier of the customer who did it.
        customer_id: KeyFilter<Customer> = CustomerId,
        /// When it was done.
        created_at: DateTimeFilter = CreatedAt,
    }
}

fn logs() -> Select<action_log::Entity> {
    action_log::Entity::find()
}

fn entries() -> Select<action_log_entry::Entity> {
    action_log_entry::Entity::find().order_by_asc(action_log_entry::Column::Id)
}

fn all_customers() -> Select<customer::Entity> {
    customer::Entity::find()
}

fn all_staff() -> Select<admin::Entity> {
    admin::Entity::find()
}

one! {
    /// An entry of the log by its identifier.
    #[can(SHOW, INDEX)] pub LogById: log<ActionLog>(logs);
}

list! {
    /// The log of what customers, staff and the shop did.
    #[can(INDEX)] pub LogList: logs<ActionLog>(logs) by ActionLogFilter, ActionLogSort;
}

/// Reading the log.
#[derive(MergedObject, Default)]
pub struct LogQuery(LogById, LogList);
