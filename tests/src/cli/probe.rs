//! `probe` beside a server, with a test key and without.

use super::{Place, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_goes_through_a_whole_verification_and_sends_nothing() {
    let place = Place::new();
    let tenant = place.run("tenant create --name Acme --countries PL").await.expect(0, &[]).last();
    let create = format!("key create --tenant {tenant} --name probe --scopes verifications:start");
    let test = place.run(&format!("{create},verifications:check --test")).await.expect(0, &[]).last();
    let (live, narrow) =
        (place.run(&create).await.last(), place.run(&format!("{create} --test")).await.last());
    let server = place.serve(false).await;
    let file = place.folder.path().join("key");
    let probe = format!("probe --url {}", server.base_url);
    let with_key = format!("{probe}/ --key-file {}", file.display());

    std::fs::write(&file, format!("{test}\n")).unwrap();
    let ended = eventually(async || Some(place.run(&with_key).await).filter(|ended| ended.code == 0)).await;
    for line in
        ["live      http://127.0.0.1", "document  version 0.1.0", "start     ver_", "check     approved"]
    {
        assert!(ended.answer.contains(line), "{ended:?}");
    }
    let ended = place.run(&probe).await.expect(0, &[]);
    assert!(
        ended.answer.contains("no verification was tried") && !ended.answer.contains("start "),
        "{ended:?}"
    );
    place
        .run(&format!("{with_key} --to +4915112345678"))
        .await
        .expect(1, &["start: 403 country_not_allowed"]);
    std::fs::write(&file, &narrow).unwrap();
    place.run(&with_key).await.expect(1, &["check: 403 insufficient_scope"]);
    std::fs::write(&file, &live).unwrap();
    let refused = place.run(&with_key).await.expect(1, &["The key is no test key"]);
    assert!(!refused.said.contains(&live) && !refused.answer.contains("start "));
    server.stop().await;
    std::fs::write(&file, &test).unwrap();
    let refused = place.run(&with_key).await.expect(1, &["live: ", "does not answer"]);
    assert!(!refused.said.contains(&test));
}
