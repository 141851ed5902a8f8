//! Accounts that sign in: password, second factor, bans, abilities (docs/contract/credentials.md#1,
//! docs/contract/credentials.md#9).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{Id, ShopTime, admin, customer, metadata, permission, permission_role, role};
use facade::Abilities;
use facade::engine::Texts;
use sea_orm::sea_query::{Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::attempts::normalised_email;
use super::refusals::ACCOUNT_BANNED;
use crate::Result;
use crate::access::keys::{CUSTOMER, STAFF};
use crate::access::{Audience, CLIENT_API, Catalog, Owner, key};
use crate::database::reader::Reader;

/// Metadata key of an account's recovery codes.
pub(super) const RECOVERY_CODES: &str = "2fa_recovery_codes";
/// Far more permissions than any role has.
const MAX_PERMISSIONS: u64 = 1000;
/// Metadata keys of an account that matter for sign-in, and for the text about a ban.
const STATE_KEYS: [&str; 6] =
    [RECOVERY_CODES, "2fa_secret", "banned", "banned_at", "banned_by", "banned_reason"];
/// Maximum number of such rows. Usually there is one for each key.
const MAX_STATE_ROWS: u64 = 60;

/// The kinds of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AccountKind {
    Customer,
    Staff,
}

/// An account that was not deleted.
pub(super) struct Account {
    pub(super) owner: Owner,
    /// The e-mail address.
    email: String,
    /// The stored hash.
    pub(super) password: String,
    /// When the account of a member of the staff expires.
    expires_at: Option<DateTime<Utc>>,
    role: Option<Id>,
}

/// What a session may do.
pub(super) struct Granted {
    /// Its abilities.
    pub(super) abilities: Abilities,
    /// The permissions of its role, where these say for which records the abilities are.
    pub(super) permissions: Option<Arc<[String]>>,
}

/// The metadata of an account that matters for sign-in: key and value.
pub(super) struct AccountState(Vec<(String, String)>);

impl Account {
    /// The account with an e-mail address, ignoring case.
    pub(super) async fn by_email(db: &Reader, kind: AccountKind, email: &str) -> Result<Option<Self>> {
        // No account has NUL in its address, and PostgreSQL refuses it in a parameter.
        if email.contains('\0') {
            return Ok(None);
        }
        let found = match kind {
            AccountKind::Customer => {
                Self::customer(db, same_text(db, customer::Column::Email, email)).await?
            }
            AccountKind::Staff => Self::staff(db, same_text(db, admin::Column::Email, email)).await?,
        };
        // MariaDB passes over more differences than tries are counted by: whoever uses one would learn that there is an account.
        Ok(found.filter(|account| normalised_email(&account.email) == normalised_email(email)))
    }

    pub(super) async fn of(db: &Reader, owner: Owner) -> Result<Option<Self>> {
        match owner {
            Owner::Customer(id) => Self::customer(db, customer::Column::Id.eq(id)).await,
            Owner::Staff(id) => Self::staff(db, admin::Column::Id.eq(id)).await,
        }
    }

    async fn customer(db: &Reader, which: SimpleExpr) -> Result<Option<Self>> {
        let select = customer::Entity::find()
            .select_only()
            .columns([customer::Column::Id, customer::Column::Email, customer::Column::Password])
            .filter(which)
            .filter(customer::Column::DeletedAt.is_null())
            .limit(1);
        let found: Option<(Id, String, String)> = select.into_tuple().one(db).await?;
        Ok(found.map(|(id, email, password)| Self {
            owner: Owner::Customer(id),
            email,
            password,
            expires_at: None,
            role: None,
        }))
    }

    /// Addresses of the staff are not unique; the first account is used, as in the original.
    async fn staff(db: &Reader, which: SimpleExpr) -> Result<Option<Self>> {
        let select = admin::Entity::find().filter(which).filter(admin::Column::DeletedAt.is_null());
        let found = select.order_by_asc(admin::Column::Id).limit(1).one(db).await?;
        Ok(found.map(|admin| Self {
            owner: Owner::Staff(admin.id),
            email: admin.email,
            password: admin.password,
            expires_at: admin.expires_at.map(|end| end.0),
            role: admin.role_id.trim().parse().ok().map(Id),
        }))
    }

    /// Whether the account has expired.
    pub(super) fn has_ended(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// A hash of the stored password hash. Sessions keep it, so that they end when the password changes.
    pub(super) fn password_mark(&self) -> String {
        key::hash(&self.password)
    }

    /// Replaces a metadata value of the account; returns false if it is not `old` any more.
    pub(super) async fn replace(
        &self,
        db: &Reader,
        key: &str,
        old: &str,
        new: String,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let replaced = metadata::Entity::update_many()
            .col_expr(metadata::Column::Value, Expr::value(new))
            .col_expr(metadata::Column::UpdatedAt, Expr::value(ShopTime(now)))
            .filter(self.metadata_of_account())
            .filter(metadata::Column::Key.eq(key))
            .filter(metadata::Column::Value.eq(old))
            .exec(db)
            .await?;
        Ok(replaced.rows_affected > 0)
    }

    /// The condition for the metadata of the account.
    fn metadata_of_account(&self) -> Condition {
        let (model, id) = match self.owner {
            Owner::Customer(id) => (CUSTOMER, id),
            Owner::Staff(id) => (STAFF, id),
        };
        Condition::all().add(metadata::Column::ModelType.eq(model)).add(metadata::Column::ModelId.eq(id))
    }

    pub(super) async fn state(&self, db: &Reader) -> Result<AccountState> {
        let rows: Vec<(String, Option<String>)> = metadata::Entity::find()
            .select_only()
            .columns([metadata::Column::Key, metadata::Column::Value])
            .filter(self.metadata_of_account())
            .filter(metadata::Column::Key.is_in(STATE_KEYS))
            .order_by_asc(metadata::Column::Id)
            .limit(MAX_STATE_ROWS)
            .into_tuple()
            .all(db)
            .await?;
        Ok(AccountState(rows.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()))
    }

    /// What a session of the account may do.
    pub(super) async fn granted(&self, db: &Reader, catalog: &Catalog) -> Result<Granted> {
        match self.owner {
            Owner::Customer(_) => Ok(Granted::without_limits([CLIENT_API].into_iter().collect())),
            Owner::Staff(_) => of_role(db, catalog, self.role).await,
        }
    }
}

impl AccountState {
    /// The value of a key; `""` and `"0"` count as absent.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        found.filter(|value| !matches!(*value, "" | "0"))
    }

    pub(super) fn is_banned(&self) -> bool {
        self.get("banned").is_some()
    }

    /// The text for a banned customer.
    pub(super) fn ban_text(&self, texts: &dyn Texts) -> String {
        match self.get("banned_reason") {
            Some(reason) => texts.text("user_errors.account_banned_for", &[("reason", reason)]),
            None => ACCOUNT_BANNED.message(texts),
        }
    }
}

/// SQL for equality ignoring case; on MariaDB and MySQL the collation does that.
fn same_text(db: &Reader, column: impl ColumnTrait, text: &str) -> SimpleExpr {
    match db.get_database_backend() {
        DbBackend::MySql => column.eq(text.to_lowercase()),
        _ => ExprTrait::eq(Func::lower(Expr::col(column)), text.to_lowercase()),
    }
}

impl Granted {
    fn without_limits(abilities: Abilities) -> Self {
        Self { abilities, permissions: None }
    }

    fn of_permissions(names: Vec<String>, catalog: &Catalog) -> Self {
        Self { abilities: catalog.of_role(&names), permissions: Some(names.into()) }
    }
}

async fn of_role(db: &Reader, catalog: &Catalog, role: Option<Id>) -> Result<Granted> {
    let Some(id) = role else { return Ok(Granted::of_permissions(Vec::new(), catalog)) };
    let live = role::Entity::find_by_id(id).filter(role::Column::DeletedAt.is_null());
    match live.one(db).await? {
        None => Ok(Granted::of_permissions(Vec::new(), catalog)),
        Some(role) if role.is_admin.0 => Ok(Granted::without_limits(catalog.of(Audience::Staff))),
        Some(_) => {
            let granted = sea_orm::sea_query::Query::select()
                .column(permission_role::Column::PermissionId)
                .from(permission_role::Entity)
                .and_where(permission_role::Column::RoleId.eq(id))
                .to_owned();
            let names: Vec<String> = permission::Entity::find()
                .select_only()
                .column(permission::Column::Name)
                .filter(permission::Column::Id.in_subquery(granted))
                .limit(MAX_PERMISSIONS)
                .into_tuple()
                .all(db)
                .await?;
            Ok(Granted::of_permissions(names, catalog))
        }
    }
}
