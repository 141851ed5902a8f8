//! Headers of forwarded requests and their answers: hop-by-hop headers are removed (RFC 9110, 7.6.1), and headers
//! about the client are added (RFC 7239).

use std::net::IpAddr;

use axum::http::header::Entry;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use hyper::body::Body;

use super::Sender;

/// Name of this server in `Via`.
const VIA_NAME: &str = "guichet";
/// Hop-by-hop headers, which apply to one connection only.
const HOP_BY_HOP: [HeaderName; 9] = [
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
/// Headers of a request that `Connection` must not remove: a client that lists one there wants the server to get
/// another request than the one that was checked.
const PROTECTED: [HeaderName; 11] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::ACCEPT,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::ORIGIN,
    header::VIA,
    header::CACHE_CONTROL,
    HeaderName::from_static("x-http-method-override"),
];
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PREFIX: &str = "x-forwarded-";
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const PROXY: HeaderName = HeaderName::from_static("proxy");
/// Headers that only a trusted proxy may set: address of the client and trace.
const OF_TRUSTED: [HeaderName; 3] = [REAL_IP, TRACEPARENT, TRACESTATE];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Removes all lines of `Authorization` but the last, by which the caller was authenticated: the upstream server may read
/// another one.
fn keep_last_authorization(headers: &mut HeaderMap) {
    let last = headers.get_all(header::AUTHORIZATION).iter().next_back().cloned();
    if let Some(last) = last {
        headers.insert(header::AUTHORIZATION, last);
    }
}

/// Whether a request has been forwarded by this server before.
pub fn is_looping(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::VIA).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|hop| {
        let mut words = hop.split_whitespace();
        words.nth(1).is_some_and(|by| by.eq_ignore_ascii_case(VIA_NAME))
    })
}

/// Changes the headers of a request for the upstream server. Forwarding headers that the client has sent are removed: a
/// trusted proxy may not have removed them, and the upstream server trusts this one. Only the addresses that a trusted
/// proxy reports are kept.
pub(super) fn prepare_request(headers: &mut HeaderMap, version: Version, sender: &Sender<'_>) {
    let named = connection_options(headers);
    drop_all(headers, |name| {
        let is_forwarded = name.as_str().starts_with(FORWARDED_PREFIX) || *name == header::FORWARDED;
        let is_believed = sender.trusted && *name == FORWARDED_FOR;
        // `Expect` is removed, because the body is sent without waiting.
        HOP_BY_HOP.contains(name)
            || *name == header::EXPECT
            || (named.contains(name) && !is_forwarded && !PROTECTED.contains(name))
            || is_ambiguous(name)
            || (is_forwarded && !is_believed)
            || (!sender.trusted && OF_TRUSTED.contains(name))
    });
    keep_last_authorization(headers);
    append(headers, FORWARDED_FOR, sender.peer.to_string());
    if let Some(value) = headers.get(FORWARDED_FOR).and_then(|hops| forwarded(sender, hops)) {
        headers.insert(header::FORWARDED, value);
    }
    headers.insert(REQUEST_ID, sender.request_id.clone());
    if let Some(span) = &sender.traceparent {
        headers.insert(TRACEPARENT, span.clone());
    }
    headers.insert(FORWARDED_PORT, port(sender).into());
    for (name, value) in [(FORWARDED_PROTO, sender.scheme), (FORWARDED_HOST, sender.host)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    add_via(headers, version);
}

/// Whether a PHP server may take a header name for another one, or for one of its own settings: it sees `HTTP_` and
/// the name, with every character that is no letter and no digit replaced by an underscore.
fn is_ambiguous(name: &HeaderName) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !name.as_str().bytes().all(is_plain) || *name == PROXY
}

/// Sets `Content-Length` or `Transfer-Encoding` for the body that is sent, whatever was announced.
pub(super) fn set_body_length(headers: &mut HeaderMap, body: &impl Body) {
    let was_announced = headers.remove(header::CONTENT_LENGTH).is_some();
    match body.size_hint().exact() {
        Some(0) if !was_announced => {}
        Some(length) => {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        None => {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

/// Changes the headers of the upstream server's answer for the client.
pub(super) fn prepare_answer(headers: &mut HeaderMap, version: Version) {
    let named = connection_options(headers);
    // In a chunked body the length is ignored; hyper accepts a list of lengths only if all are equal.
    let length = headers.remove(header::CONTENT_LENGTH);
    let first = length
        .as_ref()
        .and_then(|length| length.to_str().ok()?.split(',').next()?.trim().parse::<u64>().ok());
    if let Some(length) = first.filter(|_| !headers.contains_key(header::TRANSFER_ENCODING)) {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    drop_all(headers, |name| {
        HOP_BY_HOP.contains(name) || (named.contains(name) && *name != header::CONTENT_LENGTH)
    });
    add_via(headers, version);
}

/// The header names in `Connection`.
fn connection_options(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

fn drop_all(headers: &mut HeaderMap, is_dropped: impl Fn(&HeaderName) -> bool) {
    let dropped: Vec<_> = headers.keys().filter(|name| is_dropped(name)).cloned().collect();
    for name in dropped {
        headers.remove(name);
    }
}

/// Appends a value to a list header; several lines become one.
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

/// The value of `Forwarded` (RFC 7239) for the hops in `X-Forwarded-For`.
fn forwarded(sender: &Sender<'_>, hops: &HeaderValue) -> Option<HeaderValue> {
    let nodes = hops.to_str().ok()?.split(',').map(|hop| match hop.trim().parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => format!("for={address}"),
        Ok(IpAddr::V6(address)) => format!("for=\"[{address}]\""),
        Err(_) => "for=unknown".to_owned(),
    });
    let nodes = nodes.collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(format!("{nodes};host=\"{}\";proto={}", sender.host, sender.scheme)).ok()
}

/// The port that the client has used.
fn port(sender: &Sender<'_>) -> u16 {
    let named = sender.host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    named.unwrap_or(if sender.scheme == "https" { 443 } else { 80 })
}

fn add_via(headers: &mut HeaderMap, version: Version) {
    let hop = if version == Version::HTTP_10 { "1.0 guichet" } else { "1.1 guichet" };
    if let Entry::Vacant(entry) = headers.entry(header::VIA) {
        entry.insert(HeaderValue::from_static(hop));
    } else {
        append(headers, header::VIA, hop.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sender(trusted: bool) -> Sender<'static> {
        Sender {
            peer: [192, 0, 2, 1].into(),
            keyless_client: None,
            trusted,
            scheme: "https",
            host: "shop.example:8443",
            request_id: HeaderValue::from_static("abc"),
            traceparent: None,
        }
    }

    fn passed(trusted: bool, given: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_static(value));
        }
        prepare_request(&mut headers, Version::HTTP_11, &sender(trusted));
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
        let given = [
            ("x-forwarded-for", "1.1.1.1, 2001:db8::1, _hidden"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-port", "1"),
            ("x-forwarded-prefix", "/evil"),
            ("forwarded", "for=1.1.1.1"),
            ("x-real-ip", "1.1.1.1"),
        ];
        let headers = passed(false, &given);
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
        assert_eq!(headers["forwarded"], "for=192.0.2.1;host=\"shop.example:8443\";proto=https");
        assert!(!headers.contains_key("x-real-ip"));
        let trusted = passed(true, &given);
        assert_eq!(trusted["x-forwarded-for"], "1.1.1.1, 2001:db8::1, _hidden, 192.0.2.1");
        let hops = "for=1.1.1.1, for=\"[2001:db8::1]\", for=unknown, for=192.0.2.1";
        assert_eq!(trusted["forwarded"], format!("{hops};host=\"shop.example:8443\";proto=https"));
        assert_eq!(trusted["x-real-ip"], "1.1.1.1");
        for headers in [headers, trusted] {
            assert_eq!(headers["x-forwarded-proto"], "https");
            assert_eq!(headers["x-forwarded-port"], "8443");
            assert!(!headers.contains_key("x-forwarded-prefix"));
        }
    }

    #[test]
    fn names_that_php_takes_for_others_stay_behind() {
        let ambiguous = ["x.real.ip", "x_real_ip", "x-http.method-override", "content!length", "proxy"];
        let given: Vec<_> = ambiguous.iter().map(|name| (*name, "1")).collect();
        let headers = passed(true, &given);
        assert!(ambiguous.iter().all(|name| !headers.contains_key(*name)), "{headers:?}");
        let kept =
            passed(false, &[("connection", "x-http-method-override"), ("x-http-method-override", "PUT")]);
        assert_eq!(kept["x-http-method-override"], "PUT");
    }

    #[test]
    fn lengths_are_those_of_what_is_sent() {
        use axum::body::Body;
        let framed = |announced: Option<&'static str>, body: Body| {
            let mut headers = HeaderMap::new();
            if let Some(length) = announced {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static(length));
            }
            set_body_length(&mut headers, &body);
            let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap().to_owned());
            (text(header::CONTENT_LENGTH), text(header::TRANSFER_ENCODING))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(framed(None, Body::empty()), (None, None));
        assert_eq!(framed(Some("309"), Body::empty()), (some("0"), None));
        assert_eq!(framed(Some("9"), Body::from("abc")), (some("3"), None));
        let pieces = futures_util::stream::iter([Ok::<_, std::convert::Infallible>("abc")]);
        assert_eq!(framed(None, Body::from_stream(pieces)), (None, some("chunked")));
    }

    #[test]
    fn an_answer_has_one_length_or_chunks() {
        let answered = |given: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(name, HeaderValue::from_static(value));
            }
            prepare_answer(&mut headers, Version::HTTP_11);
            headers.get(header::CONTENT_LENGTH).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(answered(&[(header::CONTENT_LENGTH, "2, 2")]).as_deref(), Some("2"));
        let both = [(header::CONTENT_LENGTH, "2"), (header::TRANSFER_ENCODING, "chunked")];
        assert_eq!(answered(&both), None);
    }

    #[test]
    fn a_loop_is_seen() {
        let headers =
            |value: &'static str| HeaderMap::from_iter([(header::VIA, HeaderValue::from_static(value))]);
        assert!(is_looping(&headers("1.1 cache, 1.1 guichet")));
        assert!(!is_looping(&headers("1.1 cache (guichet)")));
    }

    proptest! {
        #[test]
        fn any_hops_are_told_on(hops in prop::collection::vec(r"[0-9a-f:., ]{0,30}|[\x20-\x7e]{0,20}", 0..4)) {
            let mut headers = HeaderMap::new();
            for hop in &hops {
                headers.append(FORWARDED_FOR, HeaderValue::from_str(hop).unwrap());
            }
            prepare_request(&mut headers, Version::HTTP_11, &sender(true));
            let sent = headers[FORWARDED_FOR].to_str().unwrap();
            prop_assert_eq!(sent.rsplit(',').next().map(str::trim), Some("192.0.2.1"));
            let nodes = headers[header::FORWARDED].to_str().unwrap().split(',').count();
            prop_assert_eq!(nodes, sent.split(',').count());
            is_looping(&headers);
        }
    }
}
