//! The upstream, the shop's own server, if one is set: whether it answers for the shop of the settings, whether its
//! clock agrees, and which of its paths are new.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Response, Uri, header};
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::Finding;
use crate::platform::config::Config;
use crate::server::upstream::{Upstream, documented_path};

/// A path that needs a key, and is refused without one.
const HEALTH: &str = "/api/application/health";
/// The path of its OpenAPI document.
const DOCUMENT: &str = "/docs/api-docs.json";
/// Maximum lengths of answers, in bytes.
const MAX_HEALTH: usize = 64 * 1024;
const MAX_DOCUMENT: usize = 4 * 1024 * 1024;
/// Seconds by which two clocks may differ.
const TOLERANCE: i64 = 5;
const CHECK: &str = "upstream";

/// The findings about the upstream; none if none is set.
pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let Some(settings) = config.upstream.clone() else { return Vec::new() };
    let upstream = match Upstream::new(settings) {
        Ok(upstream) => upstream,
        Err(error) => {
            return vec![Finding::error(
                CHECK,
                error.to_string(),
                "correct GUICHET_UPSTREAM or GUICHET_UPSTREAM_CA",
            )];
        }
    };
    let headers = headers_for(&config.app_url);
    if is_guichet(&upstream).await {
        let mend = "name the shop's own server in GUICHET_UPSTREAM, not guichet's address";
        return vec![Finding::error(CHECK, "GUICHET_UPSTREAM is a guichet: requests would go round", mend)];
    }
    match upstream.get(HEALTH, headers.clone(), MAX_HEALTH).await {
        Ok(answer) => {
            let mut findings = vec![api(config, &answer), clock(&answer)];
            findings.extend(settings_differ(config, answer.headers()));
            findings.extend(document(&upstream, headers).await);
            findings
        }
        Err(trouble) => {
            let says = trouble.to_string();
            let mend = if says.contains("certificate") {
                "name the certificates that its own is signed by in GUICHET_UPSTREAM_CA, and it by a name that its \
                 certificate has"
            } else {
                "start it, or correct GUICHET_UPSTREAM"
            };
            vec![Finding::error(CHECK, says, mend)]
        }
    }
}

/// Whether the upstream is a guichet: it answers `/readyz` as guichet does.
async fn is_guichet(upstream: &Upstream) -> bool {
    let Ok(answer) = upstream.get("/readyz", HeaderMap::new(), MAX_HEALTH).await else { return false };
    let body: Json = serde_json::from_slice(answer.body()).unwrap_or_default();
    answer.headers().contains_key("x-request-id")
        && ["ok", "unavailable"].iter().any(|state| body["status"] == *state)
}

/// The headers of a request to the public URL of the shop.
fn headers_for(app_url: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let host = app_url.parse::<Uri>().ok().and_then(|uri| uri.authority().map(ToString::to_string));
    if let Some(host) = host.and_then(|host| HeaderValue::from_str(&host).ok()) {
        headers.insert(header::HOST, host);
    }
    if app_url.starts_with("https://") {
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers
}

/// Whether the answer is from the API of the shop.
fn api(config: &Config, answer: &Response<Bytes>) -> Finding {
    let status = answer.status();
    let body: Json = serde_json::from_slice(answer.body()).unwrap_or_default();
    if status == 401 && body["message"] == "Unauthenticated." {
        return Finding::ok(CHECK, format!("the shop's API answers for APP_URL {}", config.app_url));
    }
    if let Some(location) = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()) {
        let says = format!("it sends requests for APP_URL {} on to {location}", config.app_url);
        return Finding::error(
            CHECK,
            says,
            "set APP_URL to the address of the shop, and GUICHET_UPSTREAM to its server",
        );
    }
    let says = format!("{HEALTH} without a key answers {status} there, not the API's 401");
    let mend = "name the shop's own server, which answers for the host of APP_URL, in GUICHET_UPSTREAM";
    Finding::error(CHECK, says, mend)
}

fn clock(answer: &Response<Bytes>) -> Finding {
    let date = answer.headers().get(header::DATE).and_then(|value| value.to_str().ok());
    let Some(there) = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok()) else {
        return Finding::warning(CHECK, "it does not tell its time", "let its web server send Date");
    };
    let apart = (there.with_timezone(&Utc) - Utc::now()).num_seconds().abs();
    if apart > TOLERANCE {
        let says = format!("its clock and this machine's are {apart} seconds apart");
        return Finding::warning(CHECK, says, "let both follow a time server");
    }
    Finding::ok(CHECK, "its clock agrees with this machine's")
}

/// The settings that its headers reveal and that differ from those of guichet.
fn settings_differ(config: &Config, headers: &HeaderMap) -> Vec<Finding> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let mut findings = Vec::new();
    if let Some(origin) =
        text(header::ACCESS_CONTROL_ALLOW_ORIGIN).filter(|&origin| origin != config.frontend_url)
    {
        let says =
            format!("browsers may call it from {origin}, FRONTEND_URL is {} here", config.frontend_url);
        findings.push(Finding::warning(CHECK, says, "set FRONTEND_URL as there"));
    }
    let cookies = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let names = cookies.filter_map(|cookie| cookie.split_once('=').map(|(name, _)| name));
    let session = names
        .filter_map(|name| name.strip_suffix("_session"))
        .find_map(|name| Some(name.rsplit_once('_')?.1));
    let own = hex::encode(Sha256::digest(config.app_key.expose()));
    if session.is_some_and(|key| key.len() == 8 && !own.starts_with(key)) {
        findings.push(Finding::error(CHECK, "it has another APP_KEY", "set APP_KEY as there"));
    }
    findings
}

/// The paths that it documents and the contract does not have: those of a newer version or of extensions.
async fn document(upstream: &Upstream, headers: HeaderMap) -> Vec<Finding> {
    let Ok(answer) = upstream.get(DOCUMENT, headers, MAX_DOCUMENT).await else { return Vec::new() };
    let document: Json = serde_json::from_slice(answer.body()).unwrap_or_default();
    let Some(paths) = document["paths"].as_object() else { return Vec::new() };
    let is_new = |path: &&String| {
        let path = path.strip_prefix("/api").unwrap_or(path);
        documented_path(&format!("/api{path}")).is_none()
    };
    let new: Vec<&str> = paths.keys().filter(is_new).map(String::as_str).collect();
    let version = document["info"]["version"].as_str().unwrap_or("unknown");
    let says = match new.as_slice() {
        [] => {
            format!("its API is of version {version}, all of its {} paths are of the contract", paths.len())
        }
        new => format!(
            "its API is of version {version}; these paths are not of the contract, and are passed on: {}",
            new.join(", ")
        ),
    };
    vec![Finding::ok(CHECK, says)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_is_seen_by_the_name_of_the_cookie() {
        let config =
            Config::from_env([("APP_KEY".to_owned(), format!("base64:{}=", "A".repeat(43)))]).unwrap();
        let own = hex::encode(Sha256::digest(config.app_key.expose()));
        let cookie = |key: &str| {
            let value = format!("shop_{key}_session=abc; path=/");
            HeaderMap::from_iter([(header::SET_COOKIE, HeaderValue::from_str(&value).unwrap())])
        };
        assert!(settings_differ(&config, &cookie(&own[..8])).is_empty());
        assert_eq!(settings_differ(&config, &cookie("01234567")).len(), 1);
    }
}
