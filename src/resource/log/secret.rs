//! What looks like a secret by its name is masked: the original's log may hold anything.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use entity::action_log_entry::Column;
use facade::record::{Cell, CustomRendering, JsonText, Rendering, View};
use serde_json::{Map, Value as Json};
use url::Url;

use crate::Result;
use crate::scope::ShopScope;

/// What is shown in place of a secret; the original writes the same for secret settings.
const MASK: &str = "Encrypted";
/// Parts of names of secrets, in small letters without separators.
const PARTS: [&str; 18] = [
    "password",
    "passphrase",
    "motdepasse",
    "passwd",
    "pwd",
    "secret",
    "token",
    "credential",
    "apikey",
    "bearer",
    "authorization",
    "cookie",
    "recoverycode",
    "securityanswer",
    "totp",
    "2fa",
    "iban",
    "webhookurl",
];
/// Ends of names of secrets. `key` alone names a member, and not a secret.
const ENDS: [&str; 2] = ["pass", "key"];
/// Whole names of secrets.
const NAMES: [&str; 6] = ["pin", "dsn", "otp", "jwt", "auth", "webhook"];
/// Members that name what the members beside them hold, in small letters.
const NAMING: [&str; 6] = ["key", "name", "attribute", "field", "setting", "label"];

/// Whether a member or a column of this name holds a secret.
fn is_secret(name: &str) -> bool {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    let name: String = letters.flat_map(char::to_lowercase).collect();
    PARTS.iter().any(|part| name.contains(part))
        || ENDS.iter().any(|end| name.ends_with(end) && name != "key")
        || NAMES.contains(&name.as_str())
}

/// Whether the members are a pair: the name of a secret, and beside it what it holds.
fn names_secret(members: &Map<String, Json>) -> bool {
    members.iter().any(|(name, value)| is_naming(name) && value.as_str().is_some_and(is_secret))
}

fn is_naming(name: &str) -> bool {
    NAMING.iter().any(|naming| name.eq_ignore_ascii_case(naming))
}

/// Whether a text is a secret whatever its name: what the header `Authorization` has, or an address with a password.
fn is_secret_text(text: &str) -> bool {
    let is_authorization = text.split_once(' ').is_some_and(|(scheme, credentials)| {
        scheme.eq_ignore_ascii_case("bearer") && !credentials.contains(char::is_whitespace)
            || scheme.eq_ignore_ascii_case("basic")
                && BASE64.decode(credentials).is_ok_and(|pair| pair.contains(&b':'))
    });
    is_authorization || text.contains("://") && Url::parse(text).is_ok_and(|url| url.password().is_some())
}

/// JSON that a text holds.
fn inner(text: &str) -> Option<Json> {
    let is_json = text.trim_start().starts_with(['{', '[', '"']);
    is_json.then(|| serde_json::from_str(text).ok()).flatten()
}

/// A text that contains JSON, decoded, with the values of secrets masked.
pub struct MaskedJson;

impl CustomRendering for MaskedJson {
    fn rendering() -> Rendering {
        Rendering {
            json: |cell, api, out| {
                let text = cell.text().unwrap_or_default();
                // Most entries have no details, or none that are secret: these are written as they are.
                match serde_json::from_str::<Json>(text) {
                    Ok(json) if holds_secret(&json) => {
                        let masked = masked(json).to_string();
                        (JsonText::rendering().json)(Cell::Text(&masked), api, out);
                    }
                    _ => (JsonText::rendering().json)(cell, api, out),
                }
            },
            ..JsonText::rendering()
        }
    }
}

fn holds_secret(json: &Json) -> bool {
    match json {
        Json::Object(members) => {
            names_secret(members)
                || members.iter().any(|(name, value)| is_secret(name) || holds_secret(value))
        }
        Json::Array(items) => items.iter().any(holds_secret),
        Json::String(text) => is_secret_text(text) || inner(text).is_some_and(|json| holds_secret(&json)),
        _ => false,
    }
}

/// The same JSON, with what secrets have as values masked. Null, true and false tell nothing and stay.
fn masked(json: Json) -> Json {
    match json {
        Json::Object(members) => {
            let is_pair = names_secret(&members);
            let members = members.into_iter().map(|(name, value)| {
                let is_mute = matches!(value, Json::Null | Json::Bool(_));
                let is_held = is_secret(&name) || is_pair && !is_naming(&name);
                let value = if is_held && !is_mute { Json::from(MASK) } else { masked(value) };
                (name, value)
            });
            Json::Object(members.collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(masked).collect()),
        Json::String(text) if is_secret_text(&text) => Json::from(MASK),
        Json::String(text) => match inner(&text).filter(holds_secret) {
            Some(json) => Json::from(masked(json).to_string()),
            None => Json::String(text),
        },
        scalar => scalar,
    }
}

/// The values before, masked where the column holds a secret.
pub(super) async fn old_values(_: ShopScope<'_>, entries: &[View<'_>]) -> Result<Vec<Option<String>>> {
    values(entries, Column::OldValue)
}

/// The values after, masked where the column holds a secret.
pub(super) async fn new_values(_: ShopScope<'_>, entries: &[View<'_>]) -> Result<Vec<Option<String>>> {
    values(entries, Column::NewValue)
}

fn values(entries: &[View<'_>], column: Column) -> Result<Vec<Option<String>>> {
    let value = |entry: &View<'_>| -> Result<Option<String>> {
        let is_secret = entry.cell(Column::Attribute as usize)?.text().is_some_and(is_secret);
        let value = entry.cell(column as usize)?;
        Ok(value.text().map(|text| if is_secret { MASK.to_owned() } else { masked_text(text) }))
    };
    entries.iter().map(value).collect()
}

/// A text that may hold JSON, with the values of secrets masked.
fn masked_text(text: &str) -> String {
    match masked(Json::from(text)) {
        Json::String(text) => text,
        json => json.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "password",
            "new_password",
            "stripe_secret_key",
            "API-Key",
            "access_token",
            "totpSecret",
            "Recovery codes",
            "stripe_key",
            "smtp_pass",
            "Authorization",
            "2fa",
            "dsn",
            "helpdesk_webhook_url",
            "api_keys",
            "passphrase",
            "otp",
            "jwt",
            "auth",
            "motDePasse",
            "mot de passe",
            "webhook",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["ip", "name", "stock", "passenger", "keyboard", "", "status", "key", "spin", "shipping"]
        {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn what_secrets_hold_is_masked_at_any_depth() {
        let json = json!({"ip": "::1", "password": "p", "token": {"a": "b"}, "has_token": true, "secret": null, "list": [{"api_key": 5}, "password"]});
        let expected = json!({"ip": "::1", "password": MASK, "token": MASK, "has_token": true, "secret": null, "list": [{"api_key": MASK}, "password"]});
        assert!(holds_secret(&json));
        assert_eq!(masked(json), expected);
        let json = json!([{"key": "smtp_password", "value": "p", "id": 5}, {"name": "a", "value": "b"}, "{\"pwd\":\"p\"}"]);
        let expected = json!([{"key": "smtp_password", "value": MASK, "id": MASK}, {"name": "a", "value": "b"}, format!("{{\"pwd\":\"{MASK}\"}}")]);
        assert!(holds_secret(&json));
        assert_eq!(masked(json), expected);
        let json = json!([{"setting": "smtp_password", "value": "LEAK"}, {"Name": "API key", "Value": "LEAK"}, " {\"pwd\": \"LEAK\"}", "\"{\\\"pwd\\\":\\\"LEAK\\\"}\""]);
        assert!(holds_secret(&json));
        assert!(!masked(json.clone()).to_string().contains("LEAK"), "{}", masked(json));
        assert!(!holds_secret(&json!(["password", {"a": ["token"]}])));
    }

    #[test]
    fn credentials_are_known_whatever_their_name() {
        for text in ["Bearer abc.def", "basic dXNlcjpw", "https://user:secret@example.com/x", "smtp://a:b@c"]
        {
            assert_eq!(masked_text(text), MASK, "{text}");
        }
        for text in [
            "bearing",
            "Bearer of news",
            "Basic",
            "Basic Hosting",
            "https://example.com/a@b",
            "https://user@example.com",
            "a://b",
            "{",
            "\"",
            "[x]",
        ] {
            assert_eq!(masked_text(text), text);
        }
        assert_eq!(masked_text(r#"{"a":1,"password":"p"}"#), r#"{"a":1,"password":"Encrypted"}"#);
        assert_eq!(masked_text(r#"{ "a": 1 }"#), r#"{ "a": 1 }"#, "what holds no secret is not written anew");
    }
}
