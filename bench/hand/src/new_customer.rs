//! Creation of a customer without a password, who gets a mail with a link to choose one.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use bcrypt::Version;
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use serde::Deserialize;
use sqlx::{Database, Error};

use crate::answer;
use crate::app::App;
use crate::auth::Caller;
use crate::cells::Cells;
use crate::customers::{COLUMNS, Customer};
use crate::failure::Failure;
use crate::sql::{Dialect, Sql};
use crate::store::{Store, Value};
use crate::time::Moment;

/// Cost of bcrypt, as a power of two.
const COST: u32 = 12;
/// Points for the change and for the row in the answer.
const POINTS: u32 = 12;
/// Length of the password that nobody knows.
const PASSWORD: usize = 10;
/// Supported locales.
const LOCALES: [&str; 2] = ["fr_FR", "en_GB"];
/// Locale of the templates for customers in whose locale there is none.
const FALLBACK: &str = "en_GB";
const SHOP: &str = "https://localhost";
const SHOP_NAME: &str = "CLIENTXCMS";

/// The body of the request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    firstname: String,
    lastname: String,
    email: String,
    address: String,
    city: String,
    zipcode: String,
    region: String,
    country: String,
    locale: String,
}

/// The statements in the order in which they are sent.
pub struct Statements {
    taken: Sql,
    /// Inserts and returns the row, if the database supports that.
    insert: Sql,
    /// Reads the row otherwise.
    row: Sql,
    reset: Sql,
    templates: Sql,
    mail: Sql,
}

impl Statements {
    pub fn new(dialect: Dialect) -> Self {
        let sql = |text: &str| Sql::new(dialect, text);
        let insert = "INSERT INTO customers (firstname, lastname, email, locale, address, city, country, region, \
                      zipcode, password, balance, created_at, updated_at) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let reset = "INSERT INTO password_reset_tokens (email, token, created_at) VALUES (?, ?, ?)";
        let (insert, reset) = if dialect == Dialect::MySql {
            let replace = "ON DUPLICATE KEY UPDATE token = VALUES(token), created_at = VALUES(created_at)";
            (insert.to_owned(), format!("{reset} {replace}"))
        } else {
            let replace =
                "ON CONFLICT (email) DO UPDATE SET token = excluded.token, created_at = excluded.created_at";
            (format!("{insert} RETURNING {COLUMNS}"), format!("{reset} {replace}"))
        };
        Self {
            taken: sql("SELECT COUNT(*) FROM customers WHERE email = ?"),
            insert: sql(&insert),
            row: sql(&format!("SELECT {COLUMNS} FROM customers WHERE id = ? LIMIT 1")),
            reset: sql(&reset),
            templates: sql("SELECT id, locale, subject, content, button_text FROM email_templates \
                            WHERE name = 'reset' AND locale IN (?, ?) ORDER BY id LIMIT 100"),
            mail: sql("INSERT INTO email_messages \
                       (recipient, recipient_id, subject, template, content, created_at) \
                       VALUES (?, ?, ?, ?, ?, ?)"),
        }
    }
}

/// A secret and its hash.
struct Secret {
    plain: String,
    hash: String,
}

/// `POST /api/application/customers`
pub async fn create<S: Store>(
    State(app): State<Arc<App<S>>>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Failure> {
    caller.may(&["customers:store"])?;
    app.limits.take(caller.account(), POINTS)?;
    let input: Input =
        serde_json::from_slice(&body).map_err(|_| Failure::Invalid("body", "The body is not valid."))?;
    input.check()?;
    let mut connection = app.pool.acquire().await?;
    let email = [Value::Text(&input.email)];
    if S::rows(&mut connection, &app.statements.new_customer.taken, &email).await?[0].int(0)? > 0 {
        return Err(Failure::Invalid("email", "The email has already been taken."));
    }
    // Hashing comes first, so that it holds no connection.
    drop(connection);
    let random: String = rand::rng().sample_iter(Alphanumeric).take(PASSWORD).map(char::from).collect();
    let token = hex::encode(rand::random::<[u8; 32]>());
    let (password, token) = tokio::try_join!(hashed(random), hashed(token))?;
    let row = store(&app, &input, &password, &token).await?;
    app.totals.forget(&"customers");
    let standing = app.limits.settle(caller.account(), POINTS, POINTS);
    answer::created(&Customer::read(&row)?, standing)
}

impl Input {
    fn check(&self) -> Result<(), Failure> {
        let texts = [
            ("firstname", &self.firstname, 50),
            ("lastname", &self.lastname, 50),
            ("email", &self.email, 255),
            ("address", &self.address, 250),
            ("city", &self.city, 250),
            ("zipcode", &self.zipcode, 255),
            ("region", &self.region, 250),
        ];
        for (name, text, most) in texts {
            if text.trim().is_empty() || text.chars().count() > most || text.contains(['<', '>']) {
                return Err(Failure::Invalid(name, "The field is not valid."));
            }
        }
        let is_address = self
            .email
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !user.contains('+'));
        if !is_address || self.email.chars().any(char::is_uppercase) {
            return Err(Failure::Invalid("email", "The email field must be a valid email address."));
        }
        if self.country.len() != 2 || !self.country.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Err(Failure::Invalid("country", "The selected country is invalid."));
        }
        if self.country == "FR" && (self.zipcode.len() != 5 || self.zipcode.parse::<u32>().is_err()) {
            return Err(Failure::Invalid("zipcode", "The zipcode field must be a valid postal code."));
        }
        if !LOCALES.contains(&self.locale.as_str()) {
            return Err(Failure::Invalid("locale", "The selected locale is invalid."));
        }
        Ok(())
    }
}

/// Hashes a secret on a blocking thread.
async fn hashed(plain: String) -> Result<Secret, Failure> {
    let work = move || bcrypt::hash_with_result(&plain, COST).map(|parts| (plain, parts));
    let worked =
        tokio::task::spawn_blocking(work).await.map_err(|error| Failure::Internal(error.to_string()))?;
    let (plain, parts) = worked.map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(Secret { plain, hash: parts.format_for_version(Version::TwoY) })
}

/// Stores the customer and the mail with the link in one transaction.
async fn store<S: Store>(
    app: &App<S>,
    input: &Input,
    password: &Secret,
    token: &Secret,
) -> Result<<S as Database>::Row, Failure> {
    let statements = &app.statements.new_customer;
    let now = Moment::now().local();
    let mut transaction = S::begin(&app.pool).await?;
    let connection: &mut S::Connection = &mut transaction;
    let values = [
        Value::Text(&input.firstname),
        Value::Text(&input.lastname),
        Value::Text(&input.email),
        Value::Text(&input.locale),
        Value::Text(&input.address),
        Value::Text(&input.city),
        Value::Text(&input.country),
        Value::Text(&input.region),
        Value::Text(&input.zipcode),
        Value::Text(&password.hash),
        Value::Double(0.0),
        Value::Time(now),
        Value::Time(now),
    ];
    let rows = if S::DIALECT == Dialect::MySql {
        let id = S::run(connection, &statements.insert, &values).await?;
        S::rows(connection, &statements.row, &[Value::Int(id)]).await?
    } else {
        S::rows(connection, &statements.insert, &values).await?
    };
    let row = rows.into_iter().next().ok_or(Error::RowNotFound)?;
    let reset = [Value::Text(&input.email), Value::Text(&token.hash), Value::Time(now)];
    S::run(connection, &statements.reset, &reset).await?;
    let locales = [Value::Text(&input.locale), Value::Text(FALLBACK)];
    let templates = S::rows(connection, &statements.templates, &locales).await?;
    let template = chosen(&templates, &input.locale)?;
    let (subject, content) = (template.text(2)?, content(template, input, &token.plain)?);
    let mail = [
        Value::Text(&input.email),
        Value::Int(row.int(0)?),
        Value::Text(subject),
        Value::Int(template.int(0)?),
        Value::Text(&content),
        Value::Time(now),
    ];
    S::run(connection, &statements.mail, &mail).await?;
    transaction.commit().await?;
    Ok(row)
}

/// The template in the customer's locale, otherwise the first one.
fn chosen<'r, R: Cells>(templates: &'r [R], locale: &str) -> Result<&'r R, Failure> {
    let own = templates.iter().find(|row| row.text(1).is_ok_and(|found| found == locale));
    let missing = || Failure::Internal("there is no template `reset`".to_owned());
    own.or(templates.first()).ok_or_else(missing)
}

/// The HTML of the mail: the shop's name, the template's text, and the button.
fn content(template: &impl Cells, input: &Input, token: &str) -> Result<String, Error> {
    let text = template.text(3)?.replace(":firstname", &escaped(&input.firstname));
    let text = text.replace(":lastname", &escaped(&input.lastname));
    let email = input.email.replace('@', "%40");
    let link = escaped(&format!("{SHOP}/reset-password/{token}?email={email}"));
    let button = escaped(template.text_or_null(4)?.unwrap_or(&link));
    Ok(format!(
        "<h1><a href=\"{SHOP}\">{SHOP_NAME}</a></h1>\n{text}\n\
         <p><a href=\"{link}\">{button}</a></p>\n<p>{link}</p>\n"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
