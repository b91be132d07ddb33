//! One bound connection: the messages in flight, the responses, and the end of the connection.

use super::{
    Shared,
    frame::Frames,
    job::{InFlight, Job},
    pdu::{self, Incoming, Pdu},
    receipt::{self, Read},
    status,
};
use crate::{provider::SendError, receipt::Told};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// A connection with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The size of the burst, in time, with which a late timer may catch up with the account's rate.
const CATCH_UP: Duration = Duration::from_millis(10);
/// The longest time for an unbind.
const UNBIND_TIMEOUT: Duration = Duration::from_secs(1);
const LAST_SEQUENCE: u32 = 0x7fff_ffff;

/// The reason why a session ended.
pub(super) type Lost = &'static str;

pub(super) struct Session {
    shared: Arc<Shared>,
    frames: Frames<ReadHalf<Box<dyn Stream>>>,
    writer: WriteHalf<Box<dyn Stream>>,
    in_flight: HashMap<u32, InFlight>,
    sequence: u32,
    heard: Instant,
    /// The time until which the SMSC must answer an `enquire_link`.
    enquiry: Option<Instant>,
    /// The time at which the account's rate allows the next message.
    next_submit: Instant,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, stream: Box<dyn Stream>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let frames = Frames::new(reader, shared.settings.response_timeout);
        let now = Instant::now();
        Self {
            shared,
            frames,
            writer,
            in_flight: HashMap::new(),
            sequence: 0,
            heard: now,
            enquiry: None,
            next_submit: now,
        }
    }

    /// Binds as a transceiver. The caller limits the time.
    pub(super) async fn bind(&mut self) -> Result<(), SendError> {
        let settings = &self.shared.settings;
        let body = pdu::Body::with_capacity(160)
            .text(&settings.system_id)
            .text(&settings.password)
            .text(&settings.system_type)
            .bytes(&[0x34, 0, 0]) // interface_version, addr_ton, addr_npi
            .text("") // address_range
            .finish();
        let sequence = self.next_sequence();
        let request = Pdu::request(pdu::BIND_TRANSCEIVER, sequence, body);
        let lost = |lost: Lost| SendError::retry(format!("bind failed: {lost}"));
        self.write(&request).await.map_err(lost)?;
        loop {
            let pdu = self.frames.next().await.map_err(lost)?;
            let answers = [pdu::BIND_TRANSCEIVER | pdu::RESPONSE, pdu::GENERIC_NACK].contains(&pdu.command);
            if answers && pdu.sequence == sequence {
                self.heard = Instant::now();
                return match pdu.status {
                    status::OK if pdu.command != pdu::GENERIC_NACK => Ok(()),
                    status => Err(status::refused_bind(status)),
                };
            }
        }
    }

    /// Serves until the connection is lost or `stop` is set. Then everything in flight has been answered, and
    /// the jobs left in `jobs` were not written.
    pub(super) async fn run(&mut self, jobs: &mut mpsc::Receiver<Job>, stop: &CancellationToken) -> Lost {
        let outcome = self.serve(jobs, stop).await;
        let lost = outcome.err().unwrap_or("unbound");
        for (_, in_flight) in self.in_flight.drain() {
            let _ = in_flight.reply.send(Err(SendError::unknown(lost)));
        }
        // Close now, so that the SMSC notices at once and not when the last reference is dropped.
        let _ = timeout(UNBIND_TIMEOUT, self.writer.shutdown()).await;
        lost
    }

    async fn serve(&mut self, jobs: &mut mpsc::Receiver<Job>, stop: &CancellationToken) -> Result<(), Lost> {
        let window = self.shared.settings.window;
        loop {
            let now = Instant::now();
            let has_place = self.in_flight.len() < window;
            let may_submit = has_place && self.next_submit <= now;
            let turn = self.next_turn(has_place && !may_submit);
            tokio::select! {
                pdu = self.frames.next() => self.receive(pdu?).await?,
                job = jobs.recv(), if may_submit => match job {
                    Some(job) => self.submit(job).await?,
                    None => return self.unbind().await,
                },
                () = sleep_until(turn) => self.turn().await?,
                () = stop.cancelled() => return self.unbind().await,
            }
        }
    }

    /// The time of the next action if nothing arrives.
    fn next_turn(&self, waits_for_rate: bool) -> Instant {
        let asked = self.enquiry.unwrap_or(self.heard + self.shared.settings.enquire_link);
        let oldest = self.in_flight.values().map(|in_flight| in_flight.until).min();
        let rate = waits_for_rate.then_some(self.next_submit);
        [oldest, rate].into_iter().flatten().fold(asked, Instant::min)
    }

    /// Gives up messages that waited too long, and sends a silent SMSC an `enquire_link`.
    async fn turn(&mut self) -> Result<(), Lost> {
        let now = Instant::now();
        let overdue: Vec<u32> = self
            .in_flight
            .iter()
            .filter(|(_, one)| one.until <= now)
            .map(|(sequence, _)| *sequence)
            .collect();
        let mut suspicious = now >= self.heard + self.shared.settings.enquire_link;
        for in_flight in overdue.iter().filter_map(|sequence| self.in_flight.remove(sequence)) {
            let _ = in_flight.reply.send(Err(SendError::unknown("no response in time")));
            suspicious = true;
        }
        match self.enquiry {
            Some(until) if until <= now => Err("no answer to enquire_link"),
            None if suspicious => {
                self.enquiry = Some(now + self.shared.settings.response_timeout);
                let sequence = self.next_sequence();
                self.write(&Pdu::request(pdu::ENQUIRE_LINK, sequence, Zeroizing::default())).await
            }
            _ => Ok(()),
        }
    }

    async fn submit(&mut self, job: Job) -> Result<(), Lost> {
        if !job.claim() {
            return Ok(());
        }
        let now = Instant::now();
        if let Some(throughput) = self.shared.settings.throughput {
            let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
            self.next_submit = self.next_submit.max(earliest) + Duration::from_secs(1) / throughput.max(1);
        }
        let sequence = self.next_sequence();
        let until = now + self.shared.settings.response_timeout;
        // Register the message before writing it: once the write has begun, nobody knows how much arrived.
        self.in_flight.insert(sequence, InFlight { part: job.part, reply: job.reply, until });
        self.write(&Pdu::request(pdu::SUBMIT_SM, sequence, job.body)).await
    }

    async fn receive(&mut self, pdu: Pdu) -> Result<(), Lost> {
        self.heard = Instant::now();
        self.enquiry = None;
        match pdu.command {
            pdu::GENERIC_NACK => self.responded(&pdu),
            command if command & pdu::RESPONSE != 0 => {
                if command == pdu::SUBMIT_SM | pdu::RESPONSE {
                    self.responded(&pdu);
                }
            }
            pdu::ENQUIRE_LINK => self.write(&pdu.response(status::OK)).await?,
            pdu::DELIVER_SM | pdu::DATA_SM => {
                let status = self.take(&pdu);
                self.write(&pdu.response(status)).await?;
            }
            pdu::UNBIND => {
                self.write(&pdu.response(status::OK)).await?;
                return Err("unbound by the SMSC");
            }
            // The standard has no response to these.
            pdu::ALERT_NOTIFICATION | pdu::OUTBIND => {}
            _ => self.write(&pdu.nack(status::INVALID_COMMAND)).await?,
        }
        Ok(())
    }

    /// Handles a response. If it comes too late, nobody waits for it: the message was already reported as
    /// Unknown.
    fn responded(&mut self, pdu: &Pdu) {
        let Some(InFlight { part, reply, .. }) = self.in_flight.remove(&pdu.sequence) else { return };
        let answer = match pdu.status {
            status::OK if pdu.command != pdu::GENERIC_NACK => {
                Ok(self.shared.settings.id_format.of_response(pdu::Fields(&pdu.body).text()))
            }
            status => Err(status::refused_submit(status)),
        };
        // Save the id before the next PDU is read: that PDU may be the receipt.
        if let (Some(part), Ok(Some(id))) = (part, &answer) {
            self.shared.parts().note(part, id);
        }
        let _ = reply.send(answer);
    }

    /// The status that answers a `deliver_sm` or a `data_sm`. Messages from phones are accepted and dropped:
    /// if they were refused, the SMSC would repeat them and delay the receipts. An unreadable receipt is
    /// accepted too, because a repeat would be just as unreadable.
    fn take(&self, pdu: &Pdu) -> u32 {
        let format = self.shared.settings.id_format;
        let read = receipt::read(&Incoming::parse(pdu.command, &pdu.body), format);
        if matches!(read, Read::Message) {
            return status::OK;
        }
        let Ok(place) = self.shared.reports.try_reserve() else { return status::RECEIVER_BUSY };
        let Read::Receipt(receipt) = read else {
            place.send(Told::Unreadable);
            return status::OK;
        };
        let others = format.others(&receipt.ids);
        if let Some(report) = self.shared.parts().report(receipt) {
            place.send(Told::Report { report, others });
        }
        status::OK
    }

    /// Unbinds. Responses to messages in flight may still arrive meanwhile.
    async fn unbind(&mut self) -> Result<(), Lost> {
        let sequence = self.next_sequence();
        self.write(&Pdu::request(pdu::UNBIND, sequence, Zeroizing::default())).await?;
        let goodbye = async {
            loop {
                let pdu = self.frames.next().await?;
                if pdu.command == pdu::UNBIND | pdu::RESPONSE {
                    return Ok(());
                }
                self.receive(pdu).await?;
            }
        };
        timeout(UNBIND_TIMEOUT, goodbye).await.unwrap_or(Ok(()))
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence >= LAST_SEQUENCE { 1 } else { self.sequence + 1 };
        self.sequence
    }

    /// Writes a PDU. Nothing is read meanwhile. A window of small PDUs fits into the buffers of the two
    /// machines, so the write times out only if the SMSC reads nothing.
    async fn write(&mut self, pdu: &Pdu) -> Result<(), Lost> {
        let octets = pdu.octets();
        let write = async {
            self.writer.write_all(&octets).await?;
            self.writer.flush().await
        };
        match timeout(self.shared.settings.response_timeout, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("connection lost"),
            Err(_) => Err("the SMSC reads nothing"),
        }
    }
}
