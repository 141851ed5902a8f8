//! Customers who let others look after their services.

use crate::table::{
    Table, created_at, flag, id, json, reference, string, table, timestamp, updated_at, varchar,
};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        table(
            "customer_account_accesses",
            [
                id(),
                reference("owner_customer_id").cascades("customers").named("caa_owner_customer_fk"),
                reference("sub_customer_id").cascades("customers").named("caa_sub_customer_fk"),
                reference("created_by_customer_id")
                    .null()
                    .sets_null("customers")
                    .named("caa_created_by_customer_fk"),
                json("permissions"),
                flag("all_services").default("0"),
                created_at(),
                updated_at(),
            ],
        )
        .unique("caa_owner_sub_unique", &["owner_customer_id", "sub_customer_id"]),
        table(
            "customer_account_access_service",
            [
                id(),
                reference("customer_account_access_id")
                    .cascades("customer_account_accesses")
                    .named("caas_access_fk"),
                reference("service_id").cascades("services").named("caas_service_fk"),
                created_at(),
                updated_at(),
            ],
        )
        .unique("customer_access_service_unique", &["customer_account_access_id", "service_id"]),
        table(
            "customer_account_invitations",
            [
                id(),
                reference("owner_customer_id").cascades("customers").named("cai_owner_customer_fk"),
                string("email"),
                varchar("token", 64),
                json("permissions"),
                flag("all_services").default("0"),
                timestamp("expires_at").null(),
                timestamp("accepted_at").null(),
                timestamp("revoked_at").null(),
                created_at(),
                updated_at(),
            ],
        )
        .index("cai_owner_email_index", &["owner_customer_id", "email"])
        .unique("cai_token_unique", &["token"]),
        table(
            "customer_account_invitation_service",
            [
                id(),
                reference("customer_account_invitation_id")
                    .cascades("customer_account_invitations")
                    .named("cais_invitation_fk"),
                reference("service_id").cascades("services").named("cais_service_fk"),
                created_at(),
                updated_at(),
            ],
        )
        .unique("customer_invitation_service_unique", &["customer_account_invitation_id", "service_id"]),
    ]
}
