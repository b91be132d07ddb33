use super::*;
use actix_web::{
    App,
    body::{BodySize, MessageBody},
    test::{TestRequest, call_service, init_service},
};
use std::{future::poll_fn, pin::pin};

/// The slices of a body, as the server reads them.
async fn slices(body: impl MessageBody) -> Vec<Bytes> {
    let mut body = pin!(body);
    let mut slices = Vec::new();
    while let Some(slice) = poll_fn(|context| body.as_mut().poll_next(context)).await {
        slices.push(slice.ok().unwrap());
    }
    slices
}

#[actix_web::test]
async fn the_largest_file_is_sent_in_slices_of_one_copy() {
    let app = init_service(App::new().configure(configure)).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = TestRequest::get().uri("/docs/swagger-ui-bundle.js").to_request();
        let body = call_service(&app, request).await.into_body();
        let BodySize::Sized(length) = body.size() else { panic!("the length is known") };
        let slices = slices(body).await;
        assert!(length > 1_000_000 && slices.iter().all(|slice| slice.len() <= SLICE));
        assert_eq!(slices.iter().map(Bytes::len).sum::<usize>() as u64, length);
        answers.push(slices);
    }
    let places = |slices: &[Bytes]| slices.iter().map(|slice| slice.as_ptr()).collect::<Vec<_>>();
    assert_eq!(places(&answers[0]), places(&answers[1]), "a request copied the file");
}

#[actix_web::test]
async fn slices_hold_the_whole_body() {
    for length in [0, 1, SLICE, SLICE + 1, 3 * SLICE] {
        let whole: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        assert_eq!(slices(in_slices(whole.clone().into())).await.concat(), whole, "{length}");
    }
}

#[actix_web::test]
async fn every_file_is_there_under_the_policy_and_revalidated() {
    let app = init_service(App::new().configure(configure)).await;
    for name in NAMES {
        let get = || TestRequest::get().uri(&format!("/docs/{name}"));
        let answer = call_service(&app, get().to_request()).await;
        assert_eq!(answer.status(), 200, "{name}");
        let header =
            |name: header::HeaderName| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let policy = header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("script-src"), "scripts come from this server alone");
        assert_eq!(header(header::X_FRAME_OPTIONS), "DENY");
        let again = get().insert_header((header::IF_NONE_MATCH, header(header::ETAG)));
        assert_eq!(call_service(&app, again.to_request()).await.status(), 304, "{name}");
    }
    let page = String::from_utf8(FILES["index.html"].bytes.to_vec()).unwrap();
    let loaded = page
        .split(['"'])
        .filter_map(|part| part.strip_prefix("./").or((part == "index.css").then_some(part)));
    assert!(loaded.inspect(|name| assert!(FILES.contains_key(name), "{name}")).count() >= 6);
}
