//! The headers of a passed request and its answer: those of one connection stay behind (RFC 9110, 7.6.1), and
//! the server learns who asked (RFC 7239).

use axum::http::header::Entry;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use super::Sender;

/// What this server is called in `Via`.
const PSEUDONYM: &str = "guichet";
/// Headers that are for one connection.
const OF_ONE_CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// Headers of a request that `Connection` may not take away: whoever names one there wants the server to see
/// another request than was sent.
const KEPT: [HeaderName; 11] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::ACCEPT,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::FORWARDED,
    header::ORIGIN,
    header::VIA,
    header::CACHE_CONTROL,
];
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PREFIX: &str = "x-forwarded-";
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Whether a request went through this server before.
pub(super) fn is_looping(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::VIA).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|hop| {
        let mut words = hop.split_whitespace();
        words.nth(1).is_some_and(|by| by.eq_ignore_ascii_case(PSEUDONYM))
    })
}

/// Makes the headers of a request those that the server gets.
pub(super) fn of_request(headers: &mut HeaderMap, version: Version, sender: &Sender<'_>) {
    let named = named_by_connection(headers);
    drop_all(headers, |name| {
        let is_forwarded = name.as_str().starts_with(FORWARDED_PREFIX);
        // The server waits for nothing: the body is on its way.
        OF_ONE_CONNECTION.contains(name)
            || *name == header::EXPECT
            || (named.contains(name) && !is_forwarded && !KEPT.contains(name))
            // A server that is written in PHP takes them for those with a hyphen.
            || name.as_str().contains('_')
            || (!sender.trusted && (is_forwarded || *name == header::FORWARDED || *name == REAL_IP))
    });
    let peer = sender.peer.to_string();
    append(headers, header::FORWARDED, forwarded(sender, &peer));
    append(headers, FORWARDED_FOR, peer);
    headers.insert(REQUEST_ID, sender.request_id.clone());
    via(headers, version);
    headers.entry(FORWARDED_PORT).or_insert_with(|| port(sender).into());
    for (name, value) in [(FORWARDED_PROTO, sender.scheme), (FORWARDED_HOST, sender.host)] {
        if let (Entry::Vacant(entry), Ok(value)) = (headers.entry(name), HeaderValue::from_str(value)) {
            entry.insert(value);
        }
    }
}

/// Makes the headers of the server's answer those that the client gets.
pub(super) fn of_answer(headers: &mut HeaderMap, version: Version) {
    let named = named_by_connection(headers);
    drop_all(headers, |name| {
        OF_ONE_CONNECTION.contains(name) || (named.contains(name) && *name != header::CONTENT_LENGTH)
    });
    via(headers, version);
}

/// What `Connection` names.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

fn drop_all(headers: &mut HeaderMap, is_dropped: impl Fn(&HeaderName) -> bool) {
    let dropped: Vec<_> = headers.keys().filter(|name| is_dropped(name)).cloned().collect();
    for name in dropped {
        headers.remove(name);
    }
}

/// Adds to the list that a header holds; several lines of it become one.
fn append(headers: &mut HeaderMap, name: HeaderName, value: String) {
    let given = headers.get_all(&name).iter().filter_map(|value| value.to_str().ok());
    let mut list: Vec<_> = given.filter(|value| !value.trim().is_empty()).collect();
    let value = if list.is_empty() {
        HeaderValue::try_from(value)
    } else {
        list.push(&value);
        HeaderValue::try_from(list.join(", "))
    };
    if let Ok(value) = value {
        headers.insert(name, value);
    }
}

fn forwarded(sender: &Sender<'_>, peer: &str) -> String {
    let [before, after] = if sender.peer.is_ipv4() { ["", ""] } else { ["\"[", "]\""] };
    ["for=", before, peer, after, ";host=\"", sender.host, "\";proto=", sender.scheme].concat()
}

/// The port that the client asked.
fn port(sender: &Sender<'_>) -> u16 {
    let named = sender.host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    named.unwrap_or(if sender.scheme == "https" { 443 } else { 80 })
}

fn via(headers: &mut HeaderMap, version: Version) {
    let hop = if version == Version::HTTP_10 { "1.0 guichet" } else { "1.1 guichet" };
    if let Entry::Vacant(entry) = headers.entry(header::VIA) {
        entry.insert(HeaderValue::from_static(hop));
    } else {
        append(headers, header::VIA, hop.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(trusted: bool) -> Sender<'static> {
        Sender {
            peer: [192, 0, 2, 1].into(),
            trusted,
            scheme: "https",
            host: "shop.example:8443",
            request_id: HeaderValue::from_static("abc"),
        }
    }

    fn passed(trusted: bool, given: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_static(value));
        }
        of_request(&mut headers, Version::HTTP_11, &sender(trusted));
        headers
    }

    #[test]
    fn headers_of_the_connection_stay_behind() {
        let headers = passed(
            false,
            &[
                ("connection", "keep-alive, X-Mine, Authorization, x-forwarded-for"),
                ("x-mine", "1"),
                ("authorization", "Bearer x"),
                ("te", "trailers"),
                ("upgrade", "h2c"),
                ("expect", "100-continue"),
                ("x_forwarded_for", "1.1.1.1"),
                ("accept", "application/json"),
            ],
        );
        let names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        for gone in ["connection", "x-mine", "te", "upgrade", "expect", "x_forwarded_for"] {
            assert!(!names.contains(&gone), "{gone}");
        }
        assert_eq!(headers["authorization"], "Bearer x");
        assert_eq!(headers["accept"], "application/json");
        assert_eq!(headers["via"], "1.1 guichet");
        assert_eq!(headers["x-request-id"], "abc");
    }

    #[test]
    fn who_asked_is_told_by_whoever_is_trusted() {
        let given =
            [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "http"), ("forwarded", "for=1.1.1.1")];
        let headers = passed(false, &given);
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-port"], "8443");
        assert_eq!(headers["forwarded"], "for=192.0.2.1;host=\"shop.example:8443\";proto=https");
        let headers = passed(true, &given);
        assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 192.0.2.1");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert!(headers["forwarded"].to_str().unwrap().starts_with("for=1.1.1.1, for=192.0.2.1;"));
    }

    #[test]
    fn a_loop_is_seen() {
        let headers =
            |value: &'static str| HeaderMap::from_iter([(header::VIA, HeaderValue::from_static(value))]);
        assert!(is_looping(&headers("1.1 cache, 1.1 guichet")));
        assert!(!is_looping(&headers("1.1 cache (guichet)")));
    }
}
