use super::*;

#[test]
fn an_operation_that_took_too_long_is_answered_as_its_media_type_says() {
    let late = NotRun::error(Code::TimedOut, "The operation took too long.");
    let answer = Answer::from_errors(vec![server_error(late)]);
    assert_eq!(status_of(GRAPHQL, &answer), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status_of(JSON, &answer), StatusCode::OK);
}
