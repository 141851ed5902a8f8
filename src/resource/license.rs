//! The shop's licence, from a file that the operator names (spec: `application-store.md` 3.2).

use std::io::ErrorKind;
use std::path::Path;

use async_graphql::{Context, Json, Object, SimpleObject};
use serde::Deserialize;

use crate::auth::{Ability::License as CanLicense, Can};
use crate::scope::Scope;
use crate::{Error, Result, words};

words! {
    /// Whether a licence was found.
    pub enum LicenseStatus {
        /// It was found.
        Ok = "ok",
        /// It was not found.
        Error = "error",
    }
}

/// What is known of the shop's licence.
#[derive(SimpleObject)]
pub struct License {
    /// Whether a licence was found.
    status: LicenseStatus,
    /// Why it was not found.
    message: Option<&'static str>,
    /// The licence.
    license: Option<LicenseDetails>,
}

/// The shop's licence.
#[derive(SimpleObject)]
pub struct LicenseDetails {
    /// Day on which it ends.
    expire: Option<String>,
    /// Host of this request.
    domain: String,
    /// When it was last checked, in seconds since 1970.
    lastchecked: i64,
    /// When it is checked again, in seconds since 1970.
    next_check: i64,
    /// Always empty.
    domains: Vec<String>,
    /// Further data.
    data: Json<serde_json::Value>,
    /// Servers that it covers.
    server: Option<i64>,
    /// Extensions that it covers, by their names, each with the day on which it ends.
    extensions: Json<serde_json::Value>,
    /// Kind of licence.
    r#type: String,
    /// Day on which support ends.
    support_expiration: Option<String>,
    /// Kind of installation.
    version_type: String,
}

/// The file's fields; all may be absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Stored {
    expire: Option<String>,
    lastchecked: Option<i64>,
    #[serde(rename = "nextCheck")]
    next_check: Option<i64>,
    data: Option<serde_json::Value>,
    server: Option<i64>,
    extensions: Option<serde_json::Value>,
    r#type: Option<String>,
    support_expiration: Option<String>,
    version_type: Option<String>,
}

impl Stored {
    fn on(self, domain: String) -> LicenseDetails {
        let empty = || serde_json::Value::Array(Vec::new());
        LicenseDetails {
            expire: self.expire,
            domain,
            lastchecked: self.lastchecked.unwrap_or_default(),
            next_check: self.next_check.unwrap_or_default(),
            domains: Vec::new(),
            data: Json(self.data.unwrap_or_else(empty)),
            server: self.server,
            extensions: Json(self.extensions.unwrap_or_else(empty)),
            r#type: self.r#type.unwrap_or_else(|| "community".to_owned()),
            support_expiration: self.support_expiration,
            version_type: self.version_type.unwrap_or_else(|| "self_hosted".to_owned()),
        }
    }
}

/// Reading the licence.
#[derive(Default)]
pub struct LicenseQuery;

#[Object]
impl LicenseQuery {
    /// The shop's licence.
    #[graphql(directive = Can::apply(&[CanLicense]))]
    async fn license(&self, ctx: &Context<'_>) -> Result<License> {
        let scope = Scope::from(ctx);
        let stored = match &scope.config().license_file {
            Some(file) => read(file).await?,
            None => None,
        };
        Ok(match stored {
            Some(stored) => {
                License { status: LicenseStatus::Ok, message: None, license: Some(stored.on(scope.host())) }
            }
            None => {
                License { status: LicenseStatus::Error, message: Some("License not found"), license: None }
            }
        })
    }
}

/// The licence in a file; nothing where the file is absent, empty or holds an empty object.
async fn read(file: &Path) -> Result<Option<Stored>> {
    let bytes = match tokio::fs::read(file).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::internal(error)),
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(Error::internal)?;
    match json.as_object() {
        Some(fields) if !fields.is_empty() => serde_json::from_value(json).map(Some).map_err(Error::internal),
        _ => Ok(None),
    }
}
