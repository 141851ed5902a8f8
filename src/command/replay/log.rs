//! The `GET`s of an access log: nginx' and Apache's combined format, or JSON lines.

use serde_json::Value as Json;

/// The names of fields of JSON lines with the method, the path, the whole request line, and the user.
const METHOD: [&str; 3] = ["method", "request_method", "verb"];
const PATH: [&str; 6] = ["request_uri", "uri", "path", "url", "target", "request_path"];
const LINE: [&str; 2] = ["request", "request_line"];
const USER: [&str; 4] = ["key", "user", "remote_user", "token_id"];

/// A `GET` request of an access log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LoggedRequest {
    /// Path and query, as they were sent.
    pub(super) target: String,
    /// The user, if the log names one.
    pub(super) user: Option<String>,
}

/// The `GET` request of a line; `None` for any other line.
pub(super) fn read(line: &str) -> Option<LoggedRequest> {
    let line = line.trim();
    if line.starts_with('{') { of_json(&serde_json::from_str(line).ok()?) } else { of_combined(line) }
}

fn of_json(line: &Json) -> Option<LoggedRequest> {
    // Caddy writes the request as an object of its own.
    let line = line.get("request").filter(|inner| inner.is_object()).unwrap_or(line);
    let text = |names: &[&str]| names.iter().find_map(|name| line.get(name)?.as_str().map(str::to_owned));
    let user = USER.iter().find_map(|name| match line.get(name)? {
        Json::String(user) if !user.is_empty() && user != "-" => Some(user.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let (method, target) = match (text(&METHOD), text(&PATH)) {
        (Some(method), Some(target)) => (method, target),
        (method, _) => {
            let (named, target) = of_request_line(&text(&LINE)?)?;
            (method.unwrap_or(named), target)
        }
    };
    logged_get(&method, &target, user)
}

/// `address - user [time] "GET /path HTTP/1.1" status length …`
fn of_combined(line: &str) -> Option<LoggedRequest> {
    let (before, rest) = line.split_once('"')?;
    let (request, _) = rest.split_once('"')?;
    let user = before.split_whitespace().nth(2).filter(|user| *user != "-").map(str::to_owned);
    let (method, target) = of_request_line(request)?;
    logged_get(&method, &target, user)
}

fn of_request_line(text: &str) -> Option<(String, String)> {
    let mut words = text.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    Some((method.to_owned(), target.to_owned()))
}

/// The request, if it is a `GET` of a plain path.
fn logged_get(method: &str, target: &str, user: Option<String>) -> Option<LoggedRequest> {
    // Of an absolute URL, only path and query are sent.
    let target = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => &rest[rest.find('/')?..],
        _ => target,
    };
    let path = target.split('?').next().unwrap_or_default();
    let is_plain = !path.split('/').any(|step| matches!(step, "." | ".."));
    let is_get = method.eq_ignore_ascii_case("get") && target.starts_with('/') && is_plain;
    is_get.then(|| LoggedRequest { target: target.to_owned(), user })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str, user: Option<&str>) -> Option<LoggedRequest> {
        Some(LoggedRequest { target: target.to_owned(), user: user.map(str::to_owned) })
    }

    #[test]
    fn lines_of_both_formats_are_read() {
        let combined =
            r#"203.0.113.9 - bot [28/Nov/2026:10:00:00 +0100] "GET /api/x?a=%22 HTTP/1.1" 200 12 "-" "curl""#;
        assert_eq!(read(combined), get("/api/x?a=%22", Some("bot")));
        assert_eq!(read(&combined.replace("bot", "-")), get("/api/x?a=%22", None));
        assert_eq!(read(&combined.replace("GET", "POST")), None);
        assert_eq!(read(r#"{"method": "GET", "uri": "/api/x", "key": 7}"#), get("/api/x", Some("7")));
        assert_eq!(
            read(r#"{"request": "GET http://shop/api/x HTTP/2.0", "user": "-"}"#),
            get("/api/x", None)
        );
        let within = r#"{"request": {"method": "GET", "uri": "/api/x?next=http://y/z"}, "status": 200}"#;
        assert_eq!(read(within), get("/api/x?next=http://y/z", None));
        for other in [
            r#"{"request": "GET /api/x HTTP/1.1", "method": "DELETE"}"#,
            r#"{"method": "GET", "uri": "/api/../x"}"#,
        ] {
            assert_eq!(read(other), None, "{other}");
        }
        for other in ["", "{", "{}", "GET /x", r#"{"method": "GET"}"#, r#""GET x""#] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_logged_is_read_back(target in r"/[a-z/]{0,9}(\?[a-z=&%0-9]{0,9})?", user in proptest::option::of("[a-z]{1,9}"), rest in "[ -~]{0,20}") {
            let name = user.as_deref().unwrap_or("-");
            let line = format!("192.0.2.1 - {name} [28/Nov/2026:10:00:00 +0100] \"GET {target} HTTP/1.1\" 200 1 {rest}");
            let request = Some(LoggedRequest { target: target.clone(), user: user.clone() });
            prop_assert_eq!(&read(&line), &request);
            let json = serde_json::json!({"method": "GET", "uri": target, "user": user}).to_string();
            prop_assert_eq!(&read(&json), &request);
        }

        #[test]
        fn any_line_is_a_request_or_none(line in r#"\PC*|[ "GET/.:?{}a-]{0,40}|"(GET|get) [a-z]{0,3}://[a-z/?.:]{0,9}"#, target in r"\PC*", key in any::<f64>()) {
            let named = serde_json::json!({"request": {"method": "GET", "url": target, "key": key}}).to_string();
            for line in [line.clone(), named, format!("{{\"request\": {line}}}")] {
                prop_assert!(read(&line).is_none_or(|request| request.target.starts_with('/')));
            }
        }
    }
}
