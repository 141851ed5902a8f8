//! Who the shop knows: customers, staff, and how they prove who they are.

use crate::table::{
    Table, created_at, deleted_at, double_unsigned, flag, id, int, reference, string, table, text, timestamp,
    updated_at, uuid, varchar,
};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        table(
            "security_questions",
            [
                id(),
                string("question"),
                flag("is_active").default("1"),
                int("sort_order").default("0"),
                created_at(),
                updated_at(),
            ],
        ),
        table(
            "customers",
            [
                id(),
                string("firstname"),
                string("lastname"),
                string("email").unique(),
                string("avatar_path").null(),
                string("company_name").null(),
                string("billing_details").null(),
                string("locale").default("fr_FR"),
                string("phone").null(),
                string("address"),
                string("address2").null(),
                string("city"),
                string("country"),
                string("region"),
                string("zipcode"),
                timestamp("email_verified_at").null(),
                string("password"),
                double_unsigned("balance").default("0"),
                timestamp("last_login").null(),
                varchar("last_ip", 45).null(),
                flag("is_confirmed").default("0"),
                uuid("confirmation_token").null(),
                flag("is_deleted").default("0"),
                deleted_at(),
                string("totp_secret").null(),
                flag("dark_mode").default("0"),
                text("notes").null(),
                varchar("remember_token", 100).null(),
                created_at(),
                updated_at(),
                flag("gdpr_compliment").default("0"),
                reference("security_question_id").null().sets_null("security_questions"),
                string("security_answer").null(),
            ],
        )
        .further("customers_newest", &["created_at desc"], "customers, newest first"),
        table(
            "admins",
            [
                id(),
                string("username"),
                string("password"),
                string("email"),
                string("avatar_path").null(),
                string("firstname"),
                string("lastname"),
                varchar("remember_token", 100).null(),
                timestamp("last_login").null(),
                varchar("last_login_ip", 100).null(),
                timestamp("expires_at").null(),
                text("signature").null(),
                flag("dark_mode").default("0"),
                string("role_id").default("1"),
                string("locale").default("fr_FR"),
                created_at(),
                updated_at(),
                deleted_at(),
                reference("security_question_id").null().sets_null("security_questions"),
                string("security_answer").null(),
            ],
        ),
        table(
            "customer_notes",
            [
                id(),
                reference("customer_id").cascades("customers"),
                reference("author_id").null().sets_null("admins"),
                text("content"),
                created_at(),
                updated_at(),
            ],
        ),
        table(
            "password_reset_tokens",
            [string("email").primary(), string("token"), timestamp("created_at").null()],
        ),
        table(
            "admin_password_reset_tokens",
            [id(), string("email"), string("token"), timestamp("created_at").null()],
        ),
        table(
            "personal_access_tokens",
            [
                id(),
                string("tokenable_type"),
                reference("tokenable_id"),
                string("name"),
                varchar("token", 64).unique(),
                text("abilities").null(),
                timestamp("last_used_at").null(),
                timestamp("expires_at").null(),
                created_at(),
                updated_at(),
            ],
        )
        .index(
            "personal_access_tokens_tokenable_type_tokenable_id_index",
            &["tokenable_type", "tokenable_id"],
        ),
        table(
            "roles",
            [
                id(),
                string("name").unique(),
                int("level").default("0"),
                flag("is_admin").default("0"),
                flag("is_default").default("0"),
                created_at(),
                updated_at(),
                deleted_at(),
            ],
        ),
        table(
            "permissions",
            [
                id(),
                string("name").unique(),
                string("label"),
                string("group").null(),
                created_at(),
                updated_at(),
            ],
        ),
        table(
            "permission_role",
            [
                id(),
                reference("role_id").cascades("roles"),
                reference("permission_id").cascades("permissions"),
                created_at(),
                updated_at(),
            ],
        )
        .unique("permission_role_role_id_permission_id_unique", &["role_id", "permission_id"]),
    ]
}
