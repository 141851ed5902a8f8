//! What customers owe and what they bought: invoices, services, renewals.

use crate::table::{
    Table, choice, created_at, date, decimal, deleted_at, double, double_unsigned, flag, id, int, json,
    reference, status, string, table, text, timestamp, unsigned, updated_at, uuid, varchar,
};

/// The service of an open renewal: unique, so that a service has one at most.
const PENDING_LOCK: &str =
    "case when status = 'pending' and deleted_at is null then service_id else NULL end";

pub(crate) fn tables() -> Vec<Table> {
    vec![
        table(
            "gateways",
            [
                id(),
                string("name"),
                status(),
                string("uuid"),
                decimal("minimal_amount", 10, 2).default("0.50"),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        ),
        table(
            "invoices",
            [
                id(),
                uuid("uuid").null().unique(),
                date("due_date"),
                reference("customer_id").null().sets_null("customers"),
                json("billing_address").null(),
                double("total"),
                double("balance").default("0"),
                double("subtotal"),
                double("tax"),
                double("setupfees"),
                string("currency"),
                string("status").default("pending"),
                string("payment_method_id").null(),
                timestamp("paid_at").null(),
                varchar("pdf_sha256", 64).null(),
                string("external_id").null().unique(),
                string("notes"),
                string("paymethod").default("balance"),
                double_unsigned("fees").default("0"),
                string("invoice_number").null().unique(),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        )
        .further("invoices_newest", &["created_at desc"], "invoices, newest first")
        .further("invoices_status", &["status", "deleted_at"], "invoices of a status, and their number")
        .further(
            "invoices_status_newest",
            &["status", "created_at desc"],
            "invoices of a status, newest first",
        )
        .further(
            "invoices_status_due_date",
            &["status", "due_date"],
            "invoices of a status, by the day they are due",
        ),
        table(
            "invoice_items",
            [
                id(),
                string("name"),
                text("description"),
                int("quantity"),
                json("discount").null(),
                double("unit_price_ht"),
                double("unit_setup_ht"),
                double("unit_price_ttc"),
                double("unit_setup_ttc"),
                reference("invoice_id").restricts("invoices"),
                string("type"),
                int("related_id").null(),
                json("data"),
                timestamp("delivered_at").null(),
                timestamp("cancelled_at").null(),
                timestamp("refunded_at").null(),
                created_at(),
                updated_at(),
                reference("parent_id").null().sets_null("invoice_items"),
                double("unit_original_price").default("0"),
                double("unit_original_setupfees").default("0"),
                deleted_at(),
            ],
        ),
        table(
            "invoice_logs",
            [
                id(),
                reference("invoice_id").cascades("invoices"),
                string("status"),
                json("context"),
                reference("customer_id").null().sets_null("customers"),
                reference("staff_id").null().sets_null("admins"),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        ),
        table(
            "invoice_sequences",
            [
                id(),
                varchar("prefix", 60),
                varchar("year_month", 7),
                unsigned("last_number").default("0"),
                created_at(),
                updated_at(),
            ],
        )
        .unique("invoice_sequences_unique", &["prefix", "year_month"]),
        table(
            "credit_notes",
            [
                id(),
                varchar("credit_note_number", 60).unique(),
                reference("invoice_id").cascades("invoices"),
                reference("customer_id").restricts("customers"),
                string("reason").null(),
                decimal("amount", 14, 2),
                decimal("tax", 14, 2).default("0.00"),
                varchar("currency", 8),
                varchar("pdf_sha256", 64).null(),
                reference("issued_by_admin_id").null().sets_null("admins"),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        )
        .index("credit_notes_customer_id_created_at_index", &["customer_id", "created_at"]),
        table(
            "custom_items",
            [id(), string("name"), string("description").null(), created_at(), updated_at(), deleted_at()],
        ),
        table(
            "cancellation_reasons",
            [
                id(),
                string("reason"),
                choice("cancellation_mode", &["immediate", "support_ticket", "after_expiration"])
                    .default("immediate"),
                status(),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        ),
        table(
            "services",
            [
                id(),
                reference("customer_id").cascades("customers"),
                uuid("uuid"),
                string("name"),
                string("type"),
                string("billing").default("monthly"),
                string("currency").default("USD"),
                reference("server_id").null().cascades("servers"),
                reference("product_id").null().cascades("products"),
                reference("invoice_id").null().cascades("invoices"),
                timestamp("expires_at").null(),
                timestamp("suspended_at").null(),
                string("suspend_reason").null(),
                timestamp("cancelled_at").null(),
                string("cancelled_reason").null(),
                reference("cancellation_reason_id").null().indexed(),
                text("notes").null(),
                text("delivery_errors").null(),
                unsigned("delivery_attempts").default("0"),
                unsigned("renewals").default("0"),
                timestamp("trial_ends_at").null(),
                unsigned("max_renewals").null(),
                json("data").null(),
                flag("is_cancelled").default("0"),
                created_at(),
                updated_at(),
                text("description").null(),
                deleted_at(),
                double("price_ttc").default("0"),
                choice("status", &["pending", "active", "suspended", "expired", "cancelled", "hidden"])
                    .default("pending"),
            ],
        )
        .further("services_newest", &["created_at desc"], "services, newest first")
        .further("services_status", &["status", "deleted_at"], "services of a status, and their number")
        .further(
            "services_status_newest",
            &["status", "created_at desc"],
            "services of a status, newest first",
        )
        .further(
            "services_status_expires_at",
            &["status", "expires_at"],
            "services of a status, by the day they end",
        ),
        table(
            "service_renewals",
            [
                id(),
                reference("service_id"),
                reference("invoice_id"),
                timestamp("start_date").null(),
                timestamp("end_date").null(),
                timestamp("renewed_at").null(),
                timestamp("next_billing_on").null(),
                int("period").default("0"),
                flag("first_period").default("0"),
                varchar("status", 16).default("pending").indexed(),
                created_at(),
                updated_at(),
                deleted_at(),
                reference("pending_lock_key").generated(PENDING_LOCK),
            ],
        )
        .unique("service_renewals_pending_lock_unique", &["pending_lock_key"]),
        table(
            "config_options_services",
            [
                id(),
                reference("config_option_id").cascades("config_options"),
                reference("service_id").cascades("services"),
                text("value").null(),
                string("key").null(),
                timestamp("expires_at").null(),
                created_at(),
                updated_at(),
            ],
        ),
        table(
            "subscriptions",
            [
                id(),
                reference("customer_id").null(),
                string("state").default("pending"),
                timestamp("cancelled_at").null(),
                int("cycles").default("0"),
                timestamp("last_payment_at").null(),
                reference("service_id").null().cascades("services"),
                string("payment_method_id").null(),
                deleted_at(),
                created_at(),
                updated_at(),
                int("billing_day").default("5"),
            ],
        ),
        table(
            "subscription_logs",
            [
                id(),
                reference("subscription_id").restricts("subscriptions"),
                reference("invoice_id").restricts("invoices"),
                timestamp("start_date"),
                timestamp("end_date").null(),
                timestamp("paid_at").null(),
                double("amount").null(),
                created_at(),
                updated_at(),
            ],
        ),
        table(
            "upgrades",
            [
                id(),
                reference("customer_id").cascades("customers"),
                reference("service_id").cascades("services"),
                reference("old_product_id").cascades("products"),
                reference("new_product_id").cascades("products"),
                reference("invoice_id").null(),
                created_at(),
                updated_at(),
                flag("upgraded").default("0"),
            ],
        ),
    ]
}
