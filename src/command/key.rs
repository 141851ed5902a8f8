//! `create-api-key`, `list-api-keys` and `revoke-api-key` (docs/contract/credentials.md#13).

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use clap::Args;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use entity::value::{Id, ShopTime};
use entity::{admin, customer, personal_access_token as token};
use sea_orm::sea_query::{Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, ModelTrait, QueryFilter,
    QueryOrder, QuerySelect, Set,
};

use super::{Failure, say, shop};
use crate::access::key::NewKey;
use crate::platform::config::Config;

/// The class names of the two kinds of owners in the original.
const STAFF: &str = r"App\Models\Admin\Admin";
const CUSTOMER: &str = r"App\Models\Account\Customer";
/// Names of the keys that the original makes at sign-in.
const SESSION_KEYS: [&str; 2] = ["client-api", "2fa-pending"];

/// Maximum length of a name in the column, in characters.
const MAX_NAME_LENGTH: usize = 255;

pub(super) const EXAMPLES: &str = "Examples:
  guichet create-api-key backup admin@example.com --permissions=customers:index,customers:show
  guichet create-api-key portal léa@example.com --type=customer --permissions=client-api
  guichet create-api-key month admin@example.com --expires=2027-01-31

Without --permissions a staff key may do everything (*). Every key also ends at the age that
SANCTUM_TOKEN_EXPIRATION sets (30 days unless it says otherwise).";

#[derive(Args)]
pub(super) struct Create {
    /// Name of the key, to know it again
    name: String,
    /// E-mail address of its owner
    email: String,
    /// What the key may do: a name, a comma list, or * for everything; may be repeated
    #[arg(long, value_name = "ABILITY", value_delimiter = ',')]
    permissions: Vec<String>,
    /// Whose key: application is the staff, everything else a customer
    #[arg(long, value_name = "application|customer", default_value = "application")]
    r#type: String,
    /// From when the key is refused: a date (whole day included) or a date and time of the shop
    #[arg(long, value_name = "DATE", value_parser = expiry)]
    expires: Option<NaiveDateTime>,
}

#[derive(Args)]
pub(super) struct List {
    /// List the sessions of customers too, which logging in makes
    #[arg(long)]
    sessions: bool,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// Number of the key: what stands before the bar, see list-api-keys
    id: i64,
}

pub(super) async fn create(config: &Config, arguments: Create) -> Result<(), Failure> {
    let now = Utc::now();
    let expires = arguments.expires.map(ShopTime::from_local);
    if expires.is_some_and(|end| end.0 <= now) {
        return Err(Failure::usage("--expires lies in the past"));
    }
    if arguments.name.chars().count() > MAX_NAME_LENGTH {
        return Err(Failure::new(format!("the name of a key has at most {MAX_NAME_LENGTH} letters")));
    }
    let db = shop(config).await?;
    let staff = arguments.r#type == "application";
    let owner = if staff {
        staff_by_email(&db, &arguments.email).await?
    } else {
        customer_by_email(&db, &arguments.email).await?
    };
    let Some(owner) = owner else {
        say(if staff { "Admin not found" } else { "Customer not found" });
        return Err(Failure::new(format!("no key made: nobody has the address {}", arguments.email)));
    };
    let key = NewKey::random();
    let abilities = abilities(arguments.permissions, staff)?;
    let row = key_row(&key, if staff { STAFF } else { CUSTOMER }, owner, &arguments.name, &abilities, now);
    let row = token::ActiveModel { expires_at: Set(expires), ..row };
    let id = token::Entity::insert(row).exec(&db).await?.last_insert_id;
    say("API key created successfully");
    say(&format!("Name: {}", arguments.name));
    say(&format!("Email: {}", arguments.email));
    say(&format!("Token: {}", key.bearer(id.0)));
    say(&format!("Documentation: {}/api/documentation", config.public_url()));
    Ok(())
}

/// The failure for wrong arguments of `create-api-key`, with the message and exit code of the original, on which
/// scripts rely (docs/contract/credentials.md#13).
pub(super) fn refusal(error: &clap::Error) -> Option<Failure> {
    let named = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(name) => name.clone(),
        ContextValue::Strings(names) => {
            let names: Vec<_> =
                names.iter().map(|name| name.trim_matches(['<', '>']).to_lowercase()).collect();
            names.join(", ")
        }
        _ => return None,
    };
    match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            Some(Failure::new(format!("Not enough arguments (missing: \"{named}\").")))
        }
        ErrorKind::UnknownArgument => Some(Failure::new(format!("The \"{named}\" option does not exist."))),
        _ => None,
    }
}

/// A row of `personal_access_tokens` for a new key of a staff member.
pub(super) fn staff_key(
    key: &NewKey,
    owner: Id,
    name: &str,
    abilities: &[String],
    now: DateTime<Utc>,
) -> token::ActiveModel {
    key_row(key, STAFF, owner, name, abilities, now)
}

fn key_row(
    key: &NewKey,
    class: &str,
    owner: Id,
    name: &str,
    abilities: &[String],
    now: DateTime<Utc>,
) -> token::ActiveModel {
    token::ActiveModel {
        tokenable_type: Set(class.to_owned()),
        tokenable_id: Set(owner),
        name: Set(name.to_owned()),
        token: Set(key.hash.clone()),
        abilities: Set(Some(serde_json::json!(abilities).to_string())),
        created_at: Set(Some(now.into())),
        updated_at: Set(Some(now.into())),
        ..Default::default()
    }
}

fn abilities(given: Vec<String>, staff: bool) -> Result<Vec<String>, Failure> {
    if given.is_empty() {
        return Ok(vec![if staff { "*" } else { "customer:*" }.to_owned()]);
    }
    let mut names: Vec<String> = Vec::new();
    for name in given.iter().map(|name| name.trim()) {
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() { Err(Failure::usage("--permissions names nothing")) } else { Ok(names) }
}

async fn staff_by_email(db: &DatabaseConnection, email: &str) -> Result<Option<Id>, DbErr> {
    let found = admin::Entity::find()
        .filter(equals_ignoring_case(db, admin::Column::Email, email))
        .filter(admin::Column::DeletedAt.is_null())
        .order_by_asc(admin::Column::Id);
    found.one(db).await.map(|row| row.map(|row| row.id))
}

async fn customer_by_email(db: &DatabaseConnection, email: &str) -> Result<Option<Id>, DbErr> {
    let found = customer::Entity::find()
        .filter(equals_ignoring_case(db, customer::Column::Email, email))
        .filter(customer::Column::DeletedAt.is_null());
    found.one(db).await.map(|row| row.map(|row| row.id))
}

/// Case-insensitive equality. The collation of MariaDB ignores case by itself.
fn equals_ignoring_case(db: &impl ConnectionTrait, column: impl ColumnTrait, text: &str) -> SimpleExpr {
    match db.get_database_backend() {
        DbBackend::MySql => column.eq(text),
        _ => ExprTrait::eq(Func::lower(Expr::col(column)), text.to_lowercase()),
    }
}

/// Parses a day, whose end is meant, or a date and time.
fn expiry(text: &str) -> Result<NaiveDateTime, String> {
    let whole_day = |day: NaiveDate| day.and_hms_opt(23, 59, 59);
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .and_then(whole_day)
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok())
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok())
        .ok_or_else(|| "takes YYYY-MM-DD or \"YYYY-MM-DD HH:MM:SS\"".to_owned())
}

pub(super) async fn list(config: &Config, arguments: &List) -> Result<(), Failure> {
    let db = shop(config).await?;
    let mut query = token::Entity::find().order_by_asc(token::Column::Id);
    if !arguments.sessions {
        query = query.filter(token::Column::Name.is_not_in(SESSION_KEYS));
    }
    let keys = query.all(&db).await?;
    let owners = owners(&db, &keys).await?;
    let mut lines =
        vec![["ID", "NAME", "OWNER", "ABILITIES", "MADE", "LAST USED", "ENDS"].map(str::to_owned)];
    lines.extend(keys.iter().map(|key| line(config, key, &owners)));
    print_table(&lines);
    Ok(())
}

/// E-mail addresses of owners, by whether they are staff and by primary key.
type Owners = HashMap<(bool, i64), String>;

async fn owners(db: &DatabaseConnection, keys: &[token::Model]) -> Result<Owners, DbErr> {
    let ids = |class| {
        keys.iter().filter(|key| key.tokenable_type == class).map(|key| key.tokenable_id).collect::<Vec<_>>()
    };
    let staff = admin::Entity::find().filter(admin::Column::Id.is_in(ids(STAFF))).all(db).await?;
    let customers = customer::Entity::find()
        .select_only()
        .columns([customer::Column::Id, customer::Column::Email])
        .filter(customer::Column::Id.is_in(ids(CUSTOMER)))
        .into_tuple::<(Id, String)>()
        .all(db)
        .await?;
    let staff = staff.into_iter().map(|row| ((true, row.id.0), row.email));
    Ok(staff.chain(customers.into_iter().map(|(id, email)| ((false, id.0), email))).collect())
}

fn line(config: &Config, key: &token::Model, owners: &Owners) -> [String; 7] {
    let owner = (key.tokenable_type == STAFF, key.tokenable_id.0);
    let abilities: Vec<String> =
        key.abilities.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    [
        key.id.0.to_string(),
        key.name.clone(),
        owners.get(&owner).cloned().unwrap_or_else(|| "(gone)".to_owned()),
        abilities.join(","),
        time(key.created_at),
        time(key.last_used_at),
        time(end_of(config, key)),
    ]
}

/// The end of a key: its own, or the age at which all keys end, whichever is earlier.
fn end_of(config: &Config, key: &token::Model) -> Option<ShopTime> {
    let age = config.token_expiration.and_then(|age| TimeDelta::from_std(age).ok());
    let aged = age.zip(key.created_at).map(|(age, made)| ShopTime(made.0 + age));
    [aged, key.expires_at].into_iter().flatten().min()
}

fn time(at: Option<ShopTime>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.local().format("%Y-%m-%d %H:%M").to_string())
}

fn print_table(lines: &[[String; 7]]) {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    for line in lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

pub(super) async fn revoke(config: &Config, arguments: &Revoke) -> Result<(), Failure> {
    let db = shop(config).await?;
    let Some(key) = token::Entity::find_by_id(Id(arguments.id)).one(&db).await? else {
        return Err(Failure::new(format!("there is no API key {}", arguments.id)));
    };
    let name = key.name.clone();
    key.delete(&db).await?;
    say(&format!("API key {} ({name}) revoked", arguments.id));
    Ok(())
}
