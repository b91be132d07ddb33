//! Tests the session against a peer that breaks the rules for an SMSC.

use super::{frame::Frames, pdu::*, *};
use crate::{
    provider::tests::outgoing,
    receipt::{Report, ReportOutcome},
};
use countersign_core::time::Timestamp;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpListener,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, sleep},
};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000)
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

struct Direct;

#[async_trait::async_trait]
impl Connect for Direct {
    async fn connect(&self, host: &str, port: u16, _: Duration) -> io::Result<TcpStream> {
        TcpStream::connect((host, port)).await
    }
}

/// A peer that has accepted one bind.
struct Peer {
    frames: Frames<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (reader, writer) = listener.accept().await.unwrap().0.into_split();
        let mut peer = Self { frames: Frames::new(reader, Duration::from_secs(5)), writer };
        let bind = peer.expect(BIND_TRANSCEIVER).await;
        assert!(bind.body.starts_with(b"acme\0secret\0\0\x34\0\0\0"));
        peer.write(&bind.response(0)).await;
        peer
    }

    async fn write(&mut self, pdu: &Pdu) {
        self.writer.write_all(&pdu.octets()).await.unwrap();
    }

    async fn expect(&mut self, command: u32) -> Pdu {
        let pdu = self.frames.next().await.unwrap();
        assert_eq!(pdu.command, command, "{pdu:?}");
        pdu
    }

    async fn take(&mut self, id: &str) {
        let submit = self.expect(SUBMIT_SM).await;
        let body = Body::with_capacity(0).text(id).finish();
        self.write(&Pdu { body, ..submit.response(0) }).await;
    }

    async fn deliver(&mut self, sequence: u32, text: &[u8]) -> u32 {
        let head = b"\0\x01\x0148500500500\0\x05\x00Acme\0\x04\0\0\0\0\0\0\0\0";
        let length = u8::try_from(text.len()).unwrap();
        let body = Body::with_capacity(0).bytes(head).bytes(&[length]).bytes(text).finish();
        self.ask(DELIVER_SM, sequence, body).await
    }

    async fn data(&mut self, sequence: u32, esm_class: u8, tlvs: &[(u16, &[u8])]) -> u32 {
        let head = b"\0\x01\x0148500500500\0\x05\x00Acme\0";
        let body = Body::with_capacity(0).bytes(head).bytes(&[esm_class, 0, 0]);
        let body = tlvs.iter().fold(body, |body, (tag, value)| body.tlv(*tag, value)).finish();
        self.ask(DATA_SM, sequence, body).await
    }

    async fn ask(&mut self, command: u32, sequence: u32, body: Zeroizing<Vec<u8>>) -> u32 {
        self.write(&Pdu::request(command, sequence, body)).await;
        let response = self.expect(command | RESPONSE).await;
        assert_eq!((response.sequence, response.body.as_slice()), (sequence, &[0][..]));
        response.status
    }

    async fn silent_for(&mut self, time: Duration) {
        assert!(timeout(time, self.frames.next()).await.is_err());
    }
}

struct Bench {
    listener: TcpListener,
    smpp: Arc<Smpp>,
    reports: mpsc::Receiver<Told>,
}

async fn bench(change: impl FnOnce(&mut SmppSettings)) -> Bench {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let value = serde_json::json!({
        "host": "127.0.0.1", "port": listener.local_addr().unwrap().port(), "tls": false,
        "system_id": "acme", "password": "secret",
    });
    let mut settings = SmppSettings::parse(&value).unwrap();
    change(&mut settings);
    let (sender, reports) = mpsc::channel(1);
    let smpp = Smpp::new("smpp", settings, Arc::new(Direct), sender, Arc::new(Fixed)).unwrap();
    Bench { listener, smpp: Arc::new(smpp), reports }
}

impl Bench {
    fn send(&self) -> JoinHandle<Result<Accepted, SendError>> {
        let smpp = Arc::clone(&self.smpp);
        tokio::spawn(async move { smpp.send(&outgoing("+48500500500")).await })
    }
}

fn taken(id: &str) -> Result<Accepted, SendError> {
    Ok(Accepted { receipt: None, id: Some(id.into()) })
}

fn report(id: &str, outcome: ReportOutcome, code: &str) -> Told {
    let report = Report { reference: None, id: Some(id.into()), outcome, code: code.into() };
    Told::Report { report, others: Vec::new() }
}

#[tokio::test]
async fn what_cannot_be_read_ends_the_connection() {
    for (octets, reason) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "a PDU of an impossible length"),
        (&[0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2], "a PDU of an impossible length"),
        (&[0, 0, 0, 8, 0x80, 0, 0, 4], "a PDU of an impossible length"),
        // A header that is never completed.
        (&[0, 0, 0, 0x20, 0x80], "a PDU that did not end"),
    ] {
        let bench = bench(|settings| settings.response_timeout = Duration::from_millis(500)).await;
        let send = bench.send();
        let mut peer = Peer::accept(&bench.listener).await;
        peer.expect(SUBMIT_SM).await;
        // Send it when the submit's own time-out is near.
        peer.writer.write_all(octets).await.unwrap();
        let answer = send.await.unwrap();
        // A submit that times out in the same moment is also Unknown.
        let Err(SendError::Unknown { reason: told }) = answer else { panic!("{answer:?}") };
        assert!(told == reason || told == "no response in time", "{told}");
        let end = async { while peer.frames.next().await.is_ok() {} };
        timeout(Duration::from_secs(3), end).await.expect("the connection should end");
    }
}

#[tokio::test]
async fn oddities_are_survived() {
    let mut bench = bench(|_| {}).await;
    let send = bench.send();
    let mut peer = Peer::accept(&bench.listener).await;
    let submit = peer.expect(SUBMIT_SM).await;
    // An unknown command, an unexpected response, and an alert.
    peer.write(&Pdu::request(0x1234, 7, Zeroizing::default())).await;
    let nack = peer.expect(GENERIC_NACK).await;
    assert_eq!((nack.status, nack.sequence), (0x03, 7));
    peer.write(&Pdu { sequence: 4_711, ..submit.response(0) }).await;
    peer.write(&Pdu::request(ALERT_NOTIFICATION, 8, Zeroizing::default())).await;
    peer.write(&Pdu::request(ENQUIRE_LINK, 9, Zeroizing::default())).await;
    assert_eq!(peer.expect(ENQUIRE_LINK | RESPONSE).await.sequence, 9);
    // A deliver_sm without most of its body, and a message from a phone.
    peer.write(&Pdu::request(DELIVER_SM, 10, Zeroizing::new(b"\0\x01".to_vec()))).await;
    assert_eq!(peer.expect(DELIVER_SM | RESPONSE).await.status, 0);
    assert_eq!(peer.data(11, 0, &[(TLV_PAYLOAD, b"STOP")]).await, 0);
    // A response without its NUL still contains its id.
    let body = Zeroizing::new(b"id-1".to_vec());
    peer.write(&Pdu { body, ..submit.response(0) }).await;
    assert_eq!(send.await.unwrap(), taken("id-1"));

    let send = bench.send();
    let submit = peer.expect(SUBMIT_SM).await;
    peer.write(&submit.nack(0x03)).await;
    assert_eq!(send.await.unwrap(), Err(SendError::decline("ESME_RINVCMDID (0x03)")));
    // A refusal without a body, and an acceptance without an id.
    let send = bench.send();
    let submit = peer.expect(SUBMIT_SM).await;
    peer.write(&Pdu { body: Zeroizing::default(), ..submit.response(0) }).await;
    assert_eq!(send.await.unwrap(), Ok(Accepted::default()));
    assert!(bench.reports.try_recv().is_err());
}

#[tokio::test]
async fn receipts_wait_at_the_smsc_while_there_is_no_room() {
    let mut bench = bench(|_| {}).await;
    let send = bench.send();
    let mut peer = Peer::accept(&bench.listener).await;
    peer.take("1").await;
    assert_eq!(send.await.unwrap(), taken("1"));
    assert_eq!(peer.deliver(1, b"id:1 stat:ENROUTE err:000").await, 0);
    let late = b"id:1 stat:DELIVRD err:000";
    assert_eq!(peer.deliver(2, late).await, 0x64);
    assert_eq!(bench.reports.recv().await.unwrap(), report("1", ReportOutcome::Progress, "ENROUTE 000"));
    assert_eq!(peer.deliver(3, late).await, 0);
    assert_eq!(bench.reports.recv().await.unwrap(), report("1", ReportOutcome::Delivered, "DELIVRD 000"));
    drop(bench.reports);
    assert_eq!(peer.deliver(4, late).await, 0x64);
}

#[tokio::test]
async fn receipts_come_by_data_sm_too_and_what_cannot_be_read_is_told() {
    let mut bench = bench(|_| {}).await;
    let send = bench.send();
    let mut peer = Peer::accept(&bench.listener).await;
    peer.take("msg-1").await;
    assert_eq!(send.await.unwrap(), taken("msg-1"));
    let (id, delivered) = ((TLV_RECEIPTED_MESSAGE_ID, &b"msg-1\0"[..]), (TLV_MESSAGE_STATE, &[2][..]));
    assert_eq!(peer.data(1, 4, &[id, delivered]).await, 0);
    assert_eq!(bench.reports.recv().await.unwrap(), report("msg-1", ReportOutcome::Delivered, "DELIVRD"));
    let text = (TLV_PAYLOAD, &b"id:MSG-1 stat:UNDELIV err:011"[..]);
    assert_eq!(peer.data(2, 4, &[text]).await, 0);
    let undelivered = report("MSG-1", ReportOutcome::Undelivered, "UNDELIV 011");
    assert_eq!(bench.reports.recv().await.unwrap(), undelivered);
    // Receipts without a state, without an id, and without either; a message from a phone; and a receipt for
    // which there is no room.
    for (sequence, tlvs) in [(3, &[id][..]), (4, &[delivered]), (5, &[])] {
        assert_eq!(peer.data(sequence, 4, tlvs).await, 0);
        assert_eq!(bench.reports.recv().await.unwrap(), Told::Unreadable);
    }
    assert_eq!(peer.deliver(6, b"delivered").await, 0);
    assert_eq!(bench.reports.recv().await.unwrap(), Told::Unreadable);
    assert_eq!(peer.data(7, 0, &[(TLV_PAYLOAD, b"STOP")]).await, 0);
    assert!(bench.reports.try_recv().is_err());
    assert_eq!(peer.data(8, 4, &[id, delivered]).await, 0);
    assert_eq!(peer.data(9, 4, &[id, delivered]).await, 0x64);
    assert_eq!(peer.data(10, 4, &[]).await, 0x64);
}

#[tokio::test]
async fn a_window_that_is_cut_off_is_partly_unknown() {
    let bench = bench(|settings| settings.window = 2).await;
    let sends: Vec<_> = (0..6).map(|_| bench.send()).collect();
    let mut peer = Peer::accept(&bench.listener).await;
    peer.expect(SUBMIT_SM).await;
    peer.expect(SUBMIT_SM).await;
    peer.silent_for(Duration::from_millis(200)).await;
    drop(peer);
    let (mut unknown, mut retry) = (0, 0);
    for send in sends {
        match send.await.unwrap() {
            Err(SendError::Unknown { .. }) => unknown += 1,
            Err(SendError::Retry { .. }) => retry += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((unknown, retry), (2, 4));
}

#[tokio::test]
async fn a_sender_that_gave_up_sends_nothing() {
    let bench = bench(|settings| settings.window = 1).await;
    let first = bench.send();
    let mut peer = Peer::accept(&bench.listener).await;
    let submit = peer.expect(SUBMIT_SM).await;
    let second = bench.send();
    sleep(Duration::from_millis(50)).await;
    second.abort();
    let third = bench.send();
    sleep(Duration::from_millis(50)).await;
    let id = |id: &str| Body::with_capacity(0).text(id).finish();
    peer.write(&Pdu { body: id("1"), ..submit.response(0) }).await;
    assert_eq!(first.await.unwrap(), taken("1"));
    peer.take("3").await;
    assert_eq!(third.await.unwrap(), taken("3"));
    peer.silent_for(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_message_without_a_place_is_taken_back() {
    let bench = bench(|settings| {
        settings.window = 1;
        settings.response_timeout = Duration::from_secs(20);
    })
    .await;
    let first = bench.send();
    let mut peer = Peer::accept(&bench.listener).await;
    peer.expect(SUBMIT_SM).await;
    let begun = Instant::now();
    assert_eq!(bench.send().await.unwrap(), Err(SendError::retry("no place in the window")));
    assert!(begun.elapsed() >= PATIENCE);
    first.abort();
}

#[tokio::test]
async fn the_rate_of_the_account_is_kept() {
    let bench = bench(|settings| settings.throughput = Some(20)).await;
    let first = bench.send();
    let mut peer = Peer::accept(&bench.listener).await;
    peer.take("1").await;
    first.await.unwrap().unwrap();
    let begun = Instant::now();
    let sends: Vec<_> = (0..5).map(|_| bench.send()).collect();
    for _ in 0..5 {
        peer.take("1").await;
    }
    for send in sends {
        assert_eq!(send.await.unwrap(), taken("1"));
    }
    // Five intervals of 50 ms, less the time that a late timer may catch up.
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_end_is_said_to_the_smsc() {
    for close in [true, false] {
        let bench = bench(|_| {}).await;
        let send = bench.send();
        let mut peer = Peer::accept(&bench.listener).await;
        peer.take("1").await;
        send.await.unwrap().unwrap();
        let smpp = Arc::into_inner(bench.smpp).unwrap();
        let ending = async {
            if close {
                smpp.close().await;
                let refused = smpp.send(&outgoing("+48500500500")).await;
                assert_eq!(refused, Err(SendError::retry("not connected")));
            }
            drop(smpp);
        };
        let watching = async {
            let unbind = peer.expect(UNBIND).await;
            peer.write(&unbind.response(0)).await;
            assert_eq!(peer.frames.next().await.unwrap_err(), "connection lost");
        };
        timeout(Duration::from_secs(3), async { tokio::join!(ending, watching) }).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let bench = bench(|_| {}).await;
    let pdu = Pdu::request(SUBMIT_SM, 1, Zeroizing::new(b"123456".to_vec()));
    let shown = format!("{:?} {pdu:?}", bench.smpp);
    assert!(!shown.contains("secret") && !shown.contains("123456") && !shown.contains("49, 50"), "{shown}");
}
