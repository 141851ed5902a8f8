use super::*;

/// Code of the only error of an answer.
fn code(answer: &Answer) -> Code {
    let [error] = answer.errors.as_slice() else { panic!("{answer:?}") };
    error.source::<Error>().unwrap().code()
}

#[tokio::test]
async fn an_operation_ends_in_time() {
    let answer = bounded(Duration::from_millis(1), std::future::pending()).await;
    assert_eq!(code(&answer), Code::TimedOut);
    assert_eq!(status_of(GRAPHQL, &answer), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status_of(JSON, &answer), StatusCode::OK);
}

#[tokio::test]
async fn a_panic_ends_only_its_operation() {
    let answer = bounded(Duration::from_secs(60), async { panic!("a defect") }).await;
    assert_eq!(code(&answer), Code::Internal);
}
