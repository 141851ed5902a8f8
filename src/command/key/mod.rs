//! `create-api-key`, `list-api-keys`, `restrict-api-key`, `rotate-api-key` and `revoke-api-key` (docs/contract/credentials.md#13).

mod permission;
mod restriction;
mod rotation;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use entity::value::{Id, ShopTime};
use entity::{admin, customer, personal_access_token as token};
use sea_orm::sea_query::{Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    ModelTrait, QueryFilter, QueryOrder, QuerySelect, Set, TransactionTrait,
};
use serde_json::{Value as Json, json};

pub(super) use self::restriction::{Restrict, restrict};
pub(super) use self::rotation::{Rotate, rotate};

use super::{Environment, Failure, demo, say, shop};
use crate::access::key::NewKey;
use crate::access::{Audience, KeyRestriction};
use crate::database::own_tables::OwnTables;
use crate::platform::config::Config;

/// The class names of the two kinds of owners in the original.
const STAFF: &str = r"App\Models\Admin\Admin";
const CUSTOMER: &str = r"App\Models\Account\Customer";
/// Names of the keys that the original makes at sign-in.
const SESSION_KEYS: [&str; 2] = ["client-api", "2fa-pending"];

/// Columns of the table of keys.
const WIDTH: usize = 100;
/// Maximum length of a name in the column, in characters.
const MAX_NAME_LENGTH: usize = 255;

pub(super) const EXAMPLES: &str = "Examples:
  guichet create-api-key backup admin@example.com --permissions=customers:index,customers:show
  guichet create-api-key portal léa@example.com --type=customer --permissions=client-api
  guichet create-api-key month admin@example.com --expires=2027-01-31 --permissions='products:* groups:index'
  guichet create-api-key report admin@example.com --read-only --allow=192.0.2.0/24 --per-minute=30

Without --permissions a staff key may do everything (*). Every key also ends at the age that
SANCTUM_TOKEN_EXPIRATION sets (30 days unless it says otherwise).";

#[derive(Args)]
pub(super) struct Create {
    #[command(flatten)]
    shop: OfShop,
    /// Name of the key, to know it again
    #[arg(required_unless_present = "list_permissions")]
    name: Option<String>,
    /// E-mail address of its owner
    #[arg(required_unless_present = "list_permissions")]
    email: Option<String>,
    /// What the key may do: names with commas or spaces between, products:* for all of a resource, * for everything; may be repeated
    #[arg(long, value_name = "ABILITY")]
    permissions: Vec<String>,
    /// List what a key may do (with --type: that of the staff, or that of a customer), and make none
    #[arg(long)]
    list_permissions: bool,
    /// Print JSON in place of text
    #[arg(long)]
    json: bool,
    /// Whose key: application is the staff, which it is without this option
    #[arg(long, value_name = "application|customer", value_parser = audience)]
    r#type: Option<Audience>,
    /// The last day or moment at which the key works: a date, or a date and time, in the zone of the shop (APP_TIMEZONE)
    #[arg(long, value_name = "DATE", value_parser = expiry)]
    expires: Option<NaiveDateTime>,
    #[command(flatten)]
    restrictions: restriction::Restrictions,
}

/// The shop whose keys are meant.
#[derive(Args)]
pub(super) struct OfShop {
    /// The demo shop of `serve --demo`
    #[arg(long)]
    demo: bool,
}

/// The documented command, which takes any word for a type, and tells on standard output that nobody has an address
/// (docs/contract/credentials.md#13).
pub(super) const DOCUMENTED: &str = "clientxcms:create-api-key";

fn is_documented() -> bool {
    std::env::args().skip(1).any(|argument| argument == DOCUMENTED)
}

/// Parses the type of an owner.
fn audience(text: &str) -> Result<Audience, String> {
    match text {
        "application" => Ok(Audience::Staff),
        "customer" => Ok(Audience::Customers),
        _ if is_documented() => Ok(Audience::Customers),
        _ => Err("takes application or customer".to_owned()),
    }
}

/// The type of an owner as `--type` names it.
fn type_name(audience: Audience) -> &'static str {
    match audience {
        Audience::Staff => "application",
        Audience::Customers => "customer",
    }
}

impl OfShop {
    /// The settings of that shop, which must be there if it is the demo.
    async fn config(&self, environment: &Environment) -> Result<Config, Failure> {
        if self.demo {
            demo::refuse_real_shop(&environment.variables()?)?;
            demo::find(&environment.config()?)?;
        }
        self.config_or_demo(environment).await
    }

    /// The settings of that shop. If it is the demo and there is none, it is made.
    async fn config_or_demo(&self, environment: &Environment) -> Result<Config, Failure> {
        if self.demo {
            demo::refuse_real_shop(&environment.variables()?)?;
        }
        let mut config = environment.config()?;
        if self.demo {
            config.listen = demo::address(&config).unwrap_or(config.listen);
            demo::open(&mut config).await?.db.close().await?;
        }
        Ok(config)
    }
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    shop: OfShop,
    /// List the sessions of customers too, which logging in makes
    #[arg(long)]
    sessions: bool,
    /// Print JSON in place of a table: a list of objects, with all abilities
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    shop: OfShop,
    /// Number of the key: what stands before the bar, see list-api-keys
    id: i64,
    /// Print JSON in place of text
    #[arg(long)]
    json: bool,
}

pub(super) async fn create(environment: &Environment, arguments: Create) -> Result<(), Failure> {
    let (Some(name), Some(email), false) = (arguments.name, arguments.email, arguments.list_permissions)
    else {
        return permission::list(arguments.r#type, arguments.json);
    };
    // The settings name the zone of the shop, which `--expires` is read in.
    environment.config()?;
    let now = Utc::now();
    let expires = arguments.expires.map(ShopTime::from_local);
    if expires.is_some_and(|end| end.0 <= now) {
        return Err(Failure::usage("--expires lies in the past"));
    }
    if name.chars().count() > MAX_NAME_LENGTH {
        return Err(Failure::new(format!("the name of a key has at most {MAX_NAME_LENGTH} letters")));
    }
    let audience = arguments.r#type.unwrap_or(Audience::Staff);
    let abilities = permission::resolve(&arguments.permissions, audience)?;
    let restriction = arguments.restrictions.restriction(KeyRestriction::default())?;
    let config = arguments.shop.config_or_demo(environment).await?;
    let db = shop(&config).await?;
    let Some(owner) = owner_by_email(&db, audience, &email).await? else {
        return Err(nobody(&db, audience, &email).await?);
    };
    let key = NewKey::random();
    let row = key_row(&key, class_of(audience), owner, &name, &abilities, now);
    let row = token::ActiveModel { expires_at: Set(expires), ..row };
    if restriction.is_some() {
        restriction::make_table(&db).await?;
    }
    let transaction = db.begin().await?;
    let row = insert(&transaction, row, restriction.as_ref()).await?;
    transaction.commit().await?;
    let made = Made { row, email, key, restriction };
    if arguments.json {
        say(&serde_json::to_string_pretty(&made.object(&config))?);
    } else {
        made.tell(&config);
    }
    Ok(())
}

/// The failure where nobody of this type has the address.
async fn nobody(db: &DatabaseConnection, audience: Audience, email: &str) -> Result<Failure, DbErr> {
    let (documented, lacking, other, remedy) = match audience {
        Audience::Staff => (
            "Admin not found",
            "no member of the staff",
            Audience::Customers,
            "a customer does: --type customer",
        ),
        Audience::Customers => (
            "Customer not found",
            "no customer",
            Audience::Staff,
            "a member of the staff does: leave --type out",
        ),
    };
    if is_documented() {
        say(documented);
    }
    let remedy = match owner_by_email(db, other, email).await? {
        Some(_) => format!("; {remedy}"),
        None => String::new(),
    };
    Ok(Failure::new(format!("no key made: {lacking} has the address {email}{remedy}")))
}

/// Inserts a key with its restriction.
async fn insert(
    transaction: &DatabaseTransaction,
    row: token::ActiveModel,
    restriction: Option<&KeyRestriction>,
) -> Result<token::Model, DbErr> {
    let row = token::Entity::insert(row).exec_with_returning(transaction).await?;
    if let Some(restriction) = restriction {
        restriction::write(transaction, &row.token, restriction).await?;
    }
    Ok(row)
}

/// A key that was made.
struct Made {
    row: token::Model,
    email: String,
    key: NewKey,
    restriction: Option<KeyRestriction>,
}

impl Made {
    /// The key as JSON.
    fn object(&self, config: &Config) -> Json {
        let Self { row, email, key, restriction } = self;
        json!({
            "id": row.id.0, "name": row.name, "email": email, "token": key.bearer(row.id.0), "abilities": abilities_of(row),
            "ends": end_of(config, row).map(time_json), "documentation": documentation(config),
            "restrictions": restriction::object(restriction.as_ref()),
        })
    }

    /// Prints the lines of the original, and what it does not tell behind them.
    fn tell(&self, config: &Config) {
        let Self { row, email, key, restriction } = self;
        let token = key.bearer(row.id.0);
        say("API key created successfully");
        say(&format!("Name: {}", row.name));
        say(&format!("Email: {email}"));
        say(&format!("Token: {token}"));
        say(&format!("Documentation: {}", documentation(config)));
        say(&format!("Abilities: {}", abilities_of(row).join(", ")));
        say(&format!("Ends: {}", time(end_of(config, row))));
        if let Some(restriction) = restriction {
            say(&format!("Restricted: {}", restriction.text()));
        }
        say(&format!(
            "Try it: curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{\"query\": \"{{ me {{ kind name }} }}\"}}' \
             {}/graphql",
            address_to_try(config)
        ));
    }
}

fn documentation(config: &Config) -> String {
    format!("{}/api/documentation", config.public_url())
}

/// Where the server can be asked: the shop's URL, or where none is set, the address that it listens on.
fn address_to_try(config: &Config) -> String {
    if config.app_url == Config::default().app_url {
        return format!("http://{}", demo::reachable(config.listen));
    }
    config.public_url()
}

/// Makes guichet's own tables, if they do not exist.
async fn make_own_tables(db: &DatabaseConnection) -> Result<(), Failure> {
    OwnTables::default().make(db, false).await.map_err(Failure::of)
}

/// The key of this number.
async fn find(db: &DatabaseConnection, id: i64) -> Result<token::Model, Failure> {
    let found = token::Entity::find_by_id(Id(id)).one(db).await?;
    found.ok_or_else(|| Failure::new(format!("there is no API key {id}")))
}

/// A moment as JSON.
fn time_json(at: ShopTime) -> String {
    at.0.to_rfc3339_opts(SecondsFormat::Secs, true)
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
        abilities: Set(Some(json!(abilities).to_string())),
        created_at: Set(Some(now.into())),
        updated_at: Set(Some(now.into())),
        ..Default::default()
    }
}

/// The class name of an owner of this type.
fn class_of(audience: Audience) -> &'static str {
    match audience {
        Audience::Staff => STAFF,
        Audience::Customers => CUSTOMER,
    }
}

async fn owner_by_email(
    db: &DatabaseConnection,
    audience: Audience,
    email: &str,
) -> Result<Option<Id>, DbErr> {
    match audience {
        Audience::Staff => staff_by_email(db, email).await,
        Audience::Customers => customer_by_email(db, email).await,
    }
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

/// How `--expires` writes a date and time.
const MOMENTS: [&str; 4] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];

/// Parses a day, whose end is meant, or a date and time.
fn expiry(text: &str) -> Result<NaiveDateTime, String> {
    let whole_day = |day: NaiveDate| day.and_hms_opt(23, 59, 59);
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(whole_day);
    let moment = || MOMENTS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    day.or_else(moment)
        .ok_or_else(|| "takes YYYY-MM-DD or \"YYYY-MM-DD HH:MM\", with seconds or without".to_owned())
}

pub(super) async fn list(environment: &Environment, arguments: &List) -> Result<(), Failure> {
    let config = &arguments.shop.config(environment).await?;
    let db = shop(config).await?;
    let mut query = token::Entity::find().order_by_asc(token::Column::Id);
    if !arguments.sessions {
        query = query.filter(token::Column::Name.is_not_in(SESSION_KEYS));
    }
    let keys = query.all(&db).await?;
    let owners = owners(&db, &keys).await?;
    let restrictions = restriction::of_keys(&db, &keys).await?;
    if arguments.json {
        let object = |key: &token::Model| object(config, key, &owners, restrictions.get(&key.token));
        let keys: Vec<_> = keys.iter().map(object).collect();
        say(&serde_json::to_string_pretty(&keys)?);
        return Ok(());
    }
    let mut lines =
        vec![["ID", "NAME", "OWNER", "ABILITIES", "MADE", "LAST USED", "ENDS"].map(str::to_owned)];
    lines.extend(keys.iter().map(|key| line(config, key, &owners)));
    let remarks = keys.iter().map(|key| restrictions.get(&key.token).map(KeyRestriction::text));
    print_table(&lines, &[None].into_iter().chain(remarks).collect::<Vec<_>>());
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

fn object(
    config: &Config,
    key: &token::Model,
    owners: &Owners,
    restriction: Option<&KeyRestriction>,
) -> Json {
    let is_staff = key.tokenable_type == STAFF;
    json!({
        "id": key.id.0,
        "name": key.name,
        "owner": owners.get(&(is_staff, key.tokenable_id.0)),
        "type": type_name(if is_staff { Audience::Staff } else { Audience::Customers }),
        "abilities": abilities_of(key),
        "made": key.created_at.map(time_json),
        "last_used": key.last_used_at.map(time_json),
        "ends": end_of(config, key).map(time_json),
        "restrictions": restriction::object(restriction),
    })
}

fn abilities_of(key: &token::Model) -> Vec<String> {
    key.abilities.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

fn line(config: &Config, key: &token::Model, owners: &Owners) -> [String; 7] {
    let owner = (key.tokenable_type == STAFF, key.tokenable_id.0);
    let abilities = abilities_of(key);
    let abilities = match abilities.as_slice() {
        [first, _, ..] => format!("{first} +{}", abilities.len() - 1),
        _ => abilities.concat(),
    };
    [
        key.id.0.to_string(),
        shortened(&key.name, 14),
        shortened(owners.get(&owner).map_or("(gone)", String::as_str), 26),
        shortened(&abilities, 20),
        day(key.created_at),
        day(key.last_used_at),
        day(end_of(config, key)),
    ]
}

/// The beginning of a text that is longer.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// The end of a key: its own, or the age at which all keys end, whichever is earlier.
fn end_of(config: &Config, key: &token::Model) -> Option<ShopTime> {
    let age = config.token_expiration.and_then(|age| TimeDelta::from_std(age).ok());
    let aged = age.zip(key.created_at).map(|(age, made)| ShopTime(made.0 + age));
    [aged, key.expires_at].into_iter().flatten().min()
}

/// A time in the shop's zone, which is named.
fn time(at: Option<ShopTime>) -> String {
    let local = |at: ShopTime| format!("{} {}", at.local().format("%Y-%m-%d %H:%M"), entity::zone());
    at.map_or_else(|| "never".to_owned(), local)
}

fn day(at: Option<ShopTime>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.local().format("%Y-%m-%d").to_string())
}

/// Prints lines in columns, each with its remark below.
fn print_table(lines: &[[String; 7]], remarks: &[Option<String>]) {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    for (line, remark) in lines.iter().zip(remarks) {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
        if let Some(remark) = remark {
            say(&format!("{:1$}  {2}", "", widths[0], shortened(remark, WIDTH - widths[0] - 2)));
        }
    }
}

pub(super) async fn revoke(environment: &Environment, arguments: &Revoke) -> Result<(), Failure> {
    let db = shop(&arguments.shop.config(environment).await?).await?;
    let key = find(&db, arguments.id).await?;
    let name = key.name.clone();
    restriction::remove(&db, &key).await?;
    rotation::forget(&db, &key).await?;
    key.delete(&db).await?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&json!({"id": arguments.id, "name": name, "revoked": true}))?);
    } else {
        say(&format!("API key {} ({name}) revoked", arguments.id));
    }
    Ok(())
}
