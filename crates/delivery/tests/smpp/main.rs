//! Tests the SMPP provider against two independent SMSCs: `smpp` for Node and `smpp34` for Python
//! (tests/smpp).

mod smsc;

use anyhow::{Context, Result};
use countersign_delivery::{
    OtherReading, Report, ReportOutcome, SendError, Told,
    providers::smpp::{IdFormat, LongMessages},
};
use serde_json::json;
use smsc::{
    Account,
    Kind::{self, Node, Python},
    Smsc,
};
use std::time::Duration;

const LONG: [LongMessages; 3] = [LongMessages::Sar, LongMessages::Udh, LongMessages::Payload];

/// 300 characters; some of them need UCS-2.
fn polish() -> String {
    "123456 to Twój kod. Zażółć gęślą jaźń, ".chars().cycle().take(300).collect()
}

/// A plain split into parts would cut an extension character twice.
fn extended() -> String {
    format!("{}€{}[{}", "a".repeat(152), "b".repeat(150), "c".repeat(20))
}

fn report(id: &str, outcome: ReportOutcome, code: &str) -> Report {
    Report { reference: None, id: Some(id.into()), outcome, code: code.into() }
}

/// The report of a receipt, and the other readings of its id.
async fn reported(account: &mut Account) -> Result<(Report, Vec<OtherReading>)> {
    match account.report().await? {
        Told::Report { report, others } => Ok((report, others)),
        Told::Unreadable => anyhow::bail!("the receipt cannot be read"),
    }
}

#[tokio::test]
async fn a_message_arrives_as_it_was_sent() -> Result<()> {
    let mut smsc = Smsc::start(Node, json!({})).await?;
    let account = smsc.account(|_| {})?;
    assert_eq!(account.take("123456 is your Acme code: @{€}").await?, "4096");
    let bind = smsc.event("bind").await?;
    assert_eq!((&bind["system_id"], &bind["password"]), (&json!("acme"), &json!("secret")));
    assert_eq!(bind["interface_version"], 0x34);
    let mut submit = smsc.event("submit").await?;
    let valid = submit["valid"].take().as_i64().context("valid")?;
    assert!((295..=301).contains(&valid), "{valid}");
    let expected = json!({
        "event": "submit", "connection": 1, "data_coding": 0, "registered_delivery": 1, "valid": null,
        "source_addr": "Acme", "source_addr_ton": 5, "source_addr_npi": 0,
        "destination_addr": "48500500500", "dest_addr_ton": 1, "dest_addr_npi": 1,
    });
    assert_eq!(submit, expected);
    assert_eq!(smsc.event("message").await?["text"], "123456 is your Acme code: @{€}");
    // One bind serves all messages.
    account.take("again").await?;
    assert_eq!(smsc.event("submit").await?["connection"], 1);
    account.smpp.close().await;
    smsc.event("unbind").await?;
    Ok(())
}

async fn arrives_whole(kind: Kind, text: &str, parts: usize, ways: &[LongMessages]) -> Result<()> {
    let mut smsc = Smsc::start(kind, json!({})).await?;
    for long_messages in ways {
        let account = smsc.account(|settings| settings.long_messages = *long_messages)?;
        account.take(text).await?;
        let message = smsc.event("message").await?;
        assert_eq!(message["text"], text, "{long_messages:?}");
        let expected = if *long_messages == LongMessages::Payload { 1 } else { parts };
        assert_eq!(message["parts"], expected, "{long_messages:?}");
    }
    Ok(())
}

#[tokio::test]
async fn long_texts_arrive_whole() -> Result<()> {
    arrives_whole(Node, &polish(), 5, &LONG).await?;
    arrives_whole(Node, &extended(), 3, &LONG).await?;
    // A surrogate pair at the end of a part.
    arrives_whole(Node, &format!("{}😀{}", "ł".repeat(66), "ł".repeat(70)), 3, &LONG).await
}

#[tokio::test]
async fn long_texts_arrive_whole_in_python() -> Result<()> {
    arrives_whole(Python, &polish(), 5, &LONG).await?;
    arrives_whole(Python, &"a".repeat(400), 3, &LONG).await
}

async fn is_delivered(smsc: &mut Smsc, account: &mut Account, id: &str, code: &str) -> Result<()> {
    assert_eq!(account.take("123456").await?, id);
    assert_eq!(reported(account).await?.0, report(id, ReportOutcome::Delivered, code));
    assert_eq!(smsc.event("receipt").await?["status"], 0);
    Ok(())
}

#[tokio::test]
async fn receipts_come_by_tlv_and_by_text() -> Result<()> {
    for (kind, id) in [(Node, "4096"), (Python, "py-1")] {
        for (receipts, code) in [("tlv", "DELIVRD"), ("text", "DELIVRD 000")] {
            let mut smsc = Smsc::start(kind, json!({ "receipts": receipts })).await?;
            let mut account = smsc.account(|_| {})?;
            is_delivered(&mut smsc, &mut account, id, code).await?;
        }
    }
    for receipts in ["tlv", "text"] {
        let mut smsc = Smsc::start(Node, json!({ "receipts": receipts, "hex": true })).await?;
        let mut account = smsc.account(|settings| settings.id_format = IdFormat::HexDecimal)?;
        let code = if receipts == "tlv" { "DELIVRD" } else { "DELIVRD 000" };
        is_delivered(&mut smsc, &mut account, "4096", code).await?;
    }
    Ok(())
}

#[tokio::test]
async fn receipts_come_by_data_sm() -> Result<()> {
    // `_` and `@` in the text are octets of the GSM alphabet.
    for (receipts, code) in [("data_tlv", "DELIVRD"), ("data_text", "DELIVRD 000"), ("text", "DELIVRD 000")] {
        let mut smsc = Smsc::start(Node, json!({ "receipts": receipts, "prefix": "msg_1@" })).await?;
        let mut account = smsc.account(|_| {})?;
        assert_eq!(account.take("123456").await?, "msg_1@4096");
        let delivered = (report("msg_1@4096", ReportOutcome::Delivered, code), Vec::new());
        assert_eq!(reported(&mut account).await?, delivered);
        let response = smsc.event("receipt").await?;
        let command = if receipts == "text" { "deliver_sm_resp" } else { "data_sm_resp" };
        assert_eq!((&response["status"], &response["command"]), (&json!(0), &json!(command)));
    }
    Ok(())
}

#[tokio::test]
async fn receipts_are_read_however_they_are_written() -> Result<()> {
    for text in [
        "id:{id} stat:delivrd",
        "id:{id}\0 sub:001 dlvrd:001 stat:DELIVRD\0",
        "id:\"{id}\" stat:\"DELIVRD\"",
        "id:{id},sub:001,dlvrd:001,submit date:20260131120000,done date:20260131120105,stat:DELIVRD",
    ] {
        let mut smsc = Smsc::start(Python, json!({ "receipts": text })).await?;
        let mut account = smsc.account(|_| {})?;
        assert_eq!(account.take("123456").await?, "py-1");
        let Report { id, outcome, .. } = reported(&mut account).await?.0;
        assert_eq!((id.as_deref(), outcome), (Some("py-1"), ReportOutcome::Delivered), "{text}");
        assert_eq!(smsc.event("receipt").await?["status"], 0);
    }
    let mut smsc = Smsc::start(Python, json!({ "receipts": "{id} arrived" })).await?;
    let mut account = smsc.account(|_| {})?;
    account.take("123456").await?;
    assert_eq!(account.report().await?, Told::Unreadable);
    assert_eq!(smsc.event("receipt").await?["status"], 0);
    Ok(())
}

#[tokio::test]
async fn a_receipt_knows_how_else_its_id_could_be_read() -> Result<()> {
    let smsc = Smsc::start(Node, json!({ "receipts": "data_text", "hex": true })).await?;
    let mut account = smsc.account(|_| {})?;
    assert_eq!(account.take("123456").await?, "1000");
    let (report, others) = reported(&mut account).await?;
    assert_eq!(report.id.as_deref(), Some("0000004096"));
    // The id of the response, read in the configured format.
    let right = others.iter().find(|other| other.id == "1000").context("the response")?;
    assert_eq!(right.setting, "hex_decimal");
    Ok(())
}

#[tokio::test]
async fn parts_are_one_message_whatever_the_case_of_their_ids() -> Result<()> {
    let config = json!({ "receipts": "text", "prefix": "Part-", "shout": true });
    let mut smsc = Smsc::start(Node, config).await?;
    let mut account = smsc.account(|_| {})?;
    assert_eq!(account.take(&polish()).await?, "Part-4096");
    let delivered = report("Part-4096", ReportOutcome::Delivered, "DELIVRD 000");
    assert_eq!(reported(&mut account).await?.0, delivered);
    for _part in 1..=5 {
        assert_eq!(smsc.event("receipt").await?["status"], 0);
    }
    assert!(!account.has_report());
    Ok(())
}

#[tokio::test]
async fn a_long_message_has_one_end() -> Result<()> {
    for (fail, expected) in [
        (0, report("4096", ReportOutcome::Delivered, "DELIVRD 000")),
        (2, report("4096", ReportOutcome::Undelivered, "UNDELIV 011")),
    ] {
        let mut smsc = Smsc::start(Node, json!({ "receipts": "text", "fail": fail })).await?;
        let mut account = smsc.account(|_| {})?;
        assert_eq!(account.take(&polish()).await?, "4096");
        assert_eq!(reported(&mut account).await?.0, expected);
        for _part in 1..=5 {
            assert_eq!(smsc.event("receipt").await?["status"], 0);
        }
        assert!(!account.has_report());
    }
    Ok(())
}

#[tokio::test]
async fn a_throttled_message_says_so() -> Result<()> {
    for kind in [Node, Python] {
        let smsc = Smsc::start(kind, json!({ "throttle": 1 })).await?;
        let account = smsc.account(|_| {})?;
        let throttled = SendError::Throttle { reason: "ESME_RTHROTTLED (0x58)".into(), after: None };
        assert_eq!(account.send("123456").await?, Err(throttled));
        account.take("123456").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_bind_is_the_account() -> Result<()> {
    for (status, error) in [
        (0x0e, SendError::account("bind refused: ESME_RINVPASWD (0x0E)")),
        (0x0d, SendError::account("bind refused: ESME_RBINDFAIL (0x0D)")),
        (0x05, SendError::retry("bind refused: ESME_RALYBND (0x05)")),
    ] {
        let mut smsc = Smsc::start(Node, json!({ "bind_status": status })).await?;
        let account = smsc.account(|_| {})?;
        assert_eq!(account.send("123456").await?, Err(error.clone()));
        smsc.event("bind").await?;
        // Send again at once: a message that waited for the next bind would get another error.
        assert_eq!(account.send("123456").await?, Err(error));
    }
    Ok(())
}

#[tokio::test]
async fn a_bind_that_drops_in_mid_window_leaves_nothing_hanging() -> Result<()> {
    let mut smsc = Smsc::start(Node, json!({ "drop": 3 })).await?;
    let account = smsc.account(|settings| settings.window = 5)?;
    let sends: Vec<_> = (0..12).map(|_| account.begin("123456")).collect();
    let (mut unknown, mut retry) = (0, 0);
    for send in sends {
        match send.await? {
            Err(SendError::Unknown { .. }) => unknown += 1,
            Err(SendError::Retry { .. }) => retry += 1,
            other => anyhow::bail!("{other:?}"),
        }
    }
    // Three messages arrived; two more may have been written.
    assert!((3..=5).contains(&unknown) && unknown + retry == 12, "{unknown} {retry}");
    assert_eq!(smsc.event("bind").await?["connection"], 1);
    // The client binds again by itself.
    assert_eq!(smsc.event("bind").await?["connection"], 2);
    account.take("123456").await?;
    Ok(())
}

#[tokio::test]
async fn a_bind_that_answers_no_enquiry_is_made_anew() -> Result<()> {
    let mut smsc = Smsc::start(Node, json!({ "mute": true })).await?;
    let account = smsc.account(|settings| {
        settings.enquire_link = Duration::from_millis(200);
        settings.response_timeout = Duration::from_millis(500);
    })?;
    account.take("123456").await?;
    assert_eq!(smsc.event("bind").await?["connection"], 1);
    assert_eq!(smsc.event("enquire_link").await?["connection"], 1);
    assert_eq!(smsc.event("bind").await?["connection"], 2);
    // The first enquiry is answered, and another one follows.
    assert_eq!(smsc.event("enquire_link").await?["connection"], 2);
    assert_eq!(smsc.event("enquire_link").await?["connection"], 2);
    account.take("123456").await?;
    assert_eq!(smsc.event("submit").await?["connection"], 2);
    Ok(())
}

#[tokio::test]
async fn tls_is_spoken_with_whom_the_authority_vouches_for() -> Result<()> {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?.cert.pem();
    let config = json!({ "key": signing_key.serialize_pem(), "cert": cert.pem() });
    let smsc = Smsc::start(Node, config).await?;
    let account = |ca: String| {
        smsc.account(|settings| {
            settings.tls = true;
            settings.ca = Some(ca);
        })
    };
    account(cert.pem())?.take("123456").await?;
    let refused = account(other)?.send("123456").await?;
    assert_eq!(refused, Err(SendError::retry("no TLS with the SMSC")));
    Ok(())
}

#[tokio::test]
async fn an_smsc_that_is_away_is_no_reason_to_wait() -> Result<()> {
    let smsc = Smsc::start(Node, json!({})).await?;
    let account = smsc.account(|_| {})?;
    drop(smsc);
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..3 {
        assert_eq!(account.send("123456").await?, Err(SendError::retry("connection failed")));
    }
    Ok(())
}
