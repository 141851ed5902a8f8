//! Questions of customers and the answers of the staff.

use crate::table::{
    Table, choice, created_at, deleted_at, id, json, reference, string, table, text, timestamp, unsigned,
    updated_at, uuid,
};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        table(
            "support_departments",
            [
                id(),
                unsigned("sla_first_response_minutes").null(),
                unsigned("sla_resolution_minutes").null(),
                string("name"),
                text("description").null(),
                string("icon").null(),
                json("staff_subscribers").null(),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        ),
        table(
            "support_tickets",
            [
                id(),
                reference("department_id").cascades("support_departments"),
                reference("customer_id").null().sets_null("customers"),
                string("subject"),
                choice("priority", &["low", "medium", "high"]).default("medium"),
                string("related_type").null(),
                reference("related_id").null(),
                json("staff_subscribers").null(),
                timestamp("closed_at").null(),
                created_at(),
                updated_at(),
                deleted_at(),
                string("close_reason").null(),
                choice("closed_by", &["customer", "admin", "system"]).null(),
                unsigned("closed_by_id").null(),
                reference("assigned_to").null().sets_null("admins"),
                choice("status", &["open", "closed", "answered"]).default("open"),
                uuid("uuid").null(),
                timestamp("first_response_due_at").null().indexed(),
                timestamp("resolution_due_at").null().indexed(),
                timestamp("first_response_at").null().indexed(),
                timestamp("sla_breached_notified_at").null(),
            ],
        )
        .further("support_tickets_status", &["status", "deleted_at"], "tickets of a status, and their number")
        .further(
            "support_tickets_status_newest",
            &["status", "created_at desc"],
            "tickets of a status, newest first",
        ),
        table(
            "support_messages",
            [
                id(),
                reference("ticket_id"),
                reference("customer_id").null(),
                reference("admin_id").null(),
                text("message"),
                timestamp("read_at").null(),
                timestamp("edited_at").null(),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        ),
        table(
            "support_attachments",
            [
                id(),
                string("filename"),
                string("path"),
                string("mime"),
                reference("customer_id").null().cascades("customers"),
                reference("admin_id").null().cascades("admins"),
                unsigned("size"),
                reference("message_id").null().cascades("support_messages"),
                reference("ticket_id").cascades("support_tickets"),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        ),
        table(
            "support_comments",
            [
                id(),
                reference("ticket_id").cascades("support_tickets"),
                reference("admin_id").cascades("admins"),
                text("comment"),
                created_at(),
                updated_at(),
            ],
        ),
    ]
}
