//! Settings of traces, also in a build that sends none.

use guichet::platform::config::{Config, OtlpProtocol};

/// A protocol that is not supported is refused before the server starts.
#[test]
fn what_is_not_spoken_is_refused() {
    let read = |variables: &[(&str, &str)]| {
        Config::from_env(variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())))
    };
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
    let config = read(&[endpoint]).unwrap().otlp.unwrap();
    assert_eq!(config.endpoint.to_string(), "http://collector:4318/v1/traces");
    let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector/t");
    assert_eq!(read(&[endpoint, whole]).unwrap().otlp.unwrap().endpoint.to_string(), "http://collector/t");
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SERVICE_NAME", "x")] {
        let endpoint = endpoint.1.to_owned();
        let endpoint = if off.0 == "OTEL_SERVICE_NAME" { String::new() } else { endpoint };
        assert!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), off]).unwrap().otlp.is_none(), "{off:?}");
    }
    for (text, protocol) in [("http/protobuf", OtlpProtocol::Protobuf), ("http/json", OtlpProtocol::Json)] {
        let config = read(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", text)]).unwrap();
        assert_eq!(config.otlp.unwrap().protocol, protocol);
    }
    let encrypted = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector")]).unwrap().otlp.unwrap();
    assert_eq!(encrypted.endpoint.to_string(), "https://collector/v1/traces");
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "unix:/collector"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a"),
    ] {
        assert_eq!(read(&[endpoint, (name, value)]).unwrap_err().variable, name);
    }
    let secret = read(&[endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2")]).unwrap();
    assert!(!format!("{secret:?}").contains("hunter2"));
    let wrong = read(&[endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2")]).unwrap_err();
    assert!(!wrong.to_string().contains("hunter2"));
}

/// Who set a collector expects traces, so the log says that there are none.
#[cfg(not(feature = "otlp"))]
#[tokio::test]
async fn a_build_without_traces_says_so() {
    use crate::harness::program::Program;
    let server = Program::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")]).await;
    let log = server.stop().await;
    let line =
        log.lines().find(|line| line.contains("no traces are sent")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("\"WARN\"") && line.contains("--features otlp"), "{line}");
    let without = Program::start(&[]).await;
    assert!(!without.stop().await.contains("otlp"));
}
