//! The shop's licence, from a file that the operator names (docs/contract/application-store.md#3.2).

use std::io::ErrorKind;
use std::path::Path;

use async_graphql::{Context, Json as GraphQlJson, Object, SimpleObject};
use facade::guard::Can;
use facade::words;
use serde_json::{Map, Value as Json};

use crate::scope::ShopScope;
use crate::{Error, Result, abilities};

abilities! {
    /// Shows the shop's licence.
    LICENSE = "license", permissions ["admin.manage_license"];
}

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
    data: GraphQlJson<Json>,
    /// Servers that it covers.
    server: Option<i64>,
    /// Extensions that it covers, by their names, each with the day on which it ends.
    extensions: GraphQlJson<Json>,
    /// Kind of licence.
    r#type: String,
    /// Day on which support ends.
    support_expiration: Option<String>,
    /// Kind of installation.
    version_type: String,
}

/// The fields of the license file. Another program writes it, so any field may be absent or have an unexpected type.
struct LicenseFile(Map<String, Json>);

impl LicenseFile {
    fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Json::Number(number) => number.as_i64(),
            Json::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A map. An empty map is an empty list, as everywhere in the original.
    fn map(&self, name: &str) -> GraphQlJson<Json> {
        match self.0.get(name) {
            Some(Json::Object(fields)) if !fields.is_empty() => GraphQlJson(Json::Object(fields.clone())),
            Some(Json::Array(items)) => GraphQlJson(Json::Array(items.clone())),
            _ => GraphQlJson(Json::Array(Vec::new())),
        }
    }

    /// The license as the API shows it, to a request for the host `domain`.
    fn details(&self, domain: String) -> LicenseDetails {
        LicenseDetails {
            expire: self.text("expire"),
            domain,
            lastchecked: self.number("lastchecked").unwrap_or_default(),
            next_check: self.number("nextCheck").unwrap_or_default(),
            domains: Vec::new(),
            data: self.map("data"),
            server: self.number("server"),
            extensions: self.map("extensions"),
            r#type: self.text("type").unwrap_or_else(|| "community".to_owned()),
            support_expiration: self.text("support_expiration"),
            version_type: self.text("version_type").unwrap_or_else(|| "self_hosted".to_owned()),
        }
    }
}

/// Reading the licence.
#[derive(Default)]
pub struct LicenseQuery;

#[Object]
impl LicenseQuery {
    /// The shop's licence.
    #[graphql(directive = Can::apply(&[LICENSE]))]
    async fn license(&self, ctx: &Context<'_>) -> Result<License> {
        let scope = ShopScope::from(ctx);
        let stored = match &scope.config().license_file {
            Some(file) => read(file).await?,
            None => None,
        };
        Ok(match stored {
            Some(stored) => License {
                status: LicenseStatus::Ok,
                message: None,
                license: Some(stored.details(scope.host_name())),
            },
            None => {
                License { status: LicenseStatus::Error, message: Some("License not found"), license: None }
            }
        })
    }
}

/// Reads the license file. Nothing if it is absent, empty, not JSON, or not an object with fields.
///
/// # Errors
/// When the file exists and cannot be read.
async fn read(file: &Path) -> Result<Option<LicenseFile>> {
    let bytes = match tokio::fs::read(file).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::internal(error)),
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(&bytes) {
        Ok(Json::Object(fields)) if !fields.is_empty() => Ok(Some(LicenseFile(fields))),
        Ok(_) => Ok(None),
        Err(error) => {
            tracing::warn!(%error, "the licence file is no JSON");
            Ok(None)
        }
    }
}
