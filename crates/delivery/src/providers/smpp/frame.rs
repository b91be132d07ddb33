//! Cuts PDUs out of a stream. It buffers no more than one PDU and one chunk.

use super::pdu::{HEADER, MAX_PDU, Pdu};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, timeout_at},
};
use zeroize::Zeroize;

/// The number of octets read at once.
const CHUNK: usize = 4 * 1024;

/// Reads PDUs. A call of [`Frames::next`] may be dropped and repeated without losing data.
pub(super) struct Frames<R> {
    stream: R,
    buffer: Vec<u8>,
    /// When the first octet of an unfinished PDU arrived.
    begun: Option<Instant>,
    /// The longest time from the first octet of a PDU to its last.
    patience: Duration,
}

impl<R> Drop for Frames<R> {
    fn drop(&mut self) {
        self.buffer.zeroize();
    }
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(stream: R, patience: Duration) -> Self {
        Self { stream, buffer: Vec::new(), begun: None, patience }
    }

    /// Returns the next PDU, or the reason why none will follow.
    pub(super) async fn next(&mut self) -> Result<Pdu, &'static str> {
        loop {
            if let Some(pdu) = self.cut()? {
                return Ok(pdu);
            }
            self.buffer.reserve(CHUNK);
            let read = self.stream.read_buf(&mut self.buffer);
            let outcome = match self.begun {
                None => read.await,
                Some(begun) => {
                    timeout_at(begun + self.patience, read).await.map_err(|_| "a PDU that did not end")?
                }
            };
            match outcome {
                Ok(0) | Err(_) => return Err("connection lost"),
                Ok(_) => {
                    self.begun.get_or_insert_with(Instant::now);
                }
            }
        }
    }

    fn cut(&mut self) -> Result<Option<Pdu>, &'static str> {
        let Some(length) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if !(HEADER..=MAX_PDU).contains(&length) {
            return Err("a PDU of an impossible length");
        }
        let Some(frame) = self.buffer.get(..length) else { return Ok(None) };
        let pdu = Pdu::parse(frame).ok_or("a PDU that cannot be read")?;
        self.buffer.drain(..length);
        self.begun = (!self.buffer.is_empty()).then(Instant::now);
        Ok(Some(pdu))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pdu::ENQUIRE_LINK;
    use super::*;
    use tokio::io::{AsyncWriteExt, duplex};
    use zeroize::Zeroizing;

    fn enquiry(sequence: u32) -> Zeroizing<Vec<u8>> {
        Pdu::request(ENQUIRE_LINK, sequence, Zeroizing::default()).octets()
    }

    #[tokio::test(start_paused = true)]
    async fn pdus_come_whole_however_they_were_cut() {
        let (mut there, here) = duplex(64);
        let mut frames = Frames::new(here, Duration::from_secs(5));
        let octets = [enquiry(1), enquiry(2), enquiry(3)].map(|pdu| pdu.to_vec()).concat();
        let write = tokio::spawn(async move {
            for piece in octets.chunks(7) {
                there.write_all(piece).await.unwrap();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        for sequence in 1..=3 {
            let pdu = frames.next().await.unwrap();
            assert_eq!((pdu.command, pdu.sequence, pdu.body.len()), (ENQUIRE_LINK, sequence, 0));
        }
        write.await.unwrap();
        assert_eq!(frames.next().await.unwrap_err(), "connection lost");
    }

    #[tokio::test(start_paused = true)]
    async fn a_length_that_cannot_be_is_no_reason_to_wait() {
        for octets in [&b"GET / HTTP/1.1\r\n"[..], &[0xff; 16], &[0, 0, 0, 15], &[0, 0, 0, 0], &[0, 1, 0, 1]]
        {
            let (mut there, here) = duplex(64);
            there.write_all(octets).await.unwrap();
            let mut frames = Frames::new(here, Duration::from_secs(5));
            assert_eq!(frames.next().await.unwrap_err(), "a PDU of an impossible length");
            assert!(frames.buffer.capacity() <= MAX_PDU + 2 * CHUNK);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pdu_that_drips_is_not_waited_for() {
        let (mut there, here) = duplex(64);
        let drip = tokio::spawn(async move {
            for octet in enquiry(1).iter() {
                if there.write_all(&[*octet]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let (mut frames, begun) = (Frames::new(here, Duration::from_secs(5)), Instant::now());
        // The call is dropped, as a select does, and the time for the PDU goes on.
        let early = tokio::time::timeout(Duration::from_secs(2), frames.next()).await;
        assert!(early.is_err());
        assert_eq!(frames.next().await.unwrap_err(), "a PDU that did not end");
        assert_eq!(begun.elapsed().as_secs(), 5);
        drop(frames);
        drip.await.unwrap();
    }

    #[tokio::test]
    async fn the_longest_pdu_stays_within_the_bound() {
        let (mut there, here) = duplex(CHUNK);
        let body = Zeroizing::new(vec![7; MAX_PDU - HEADER]);
        let octets = Pdu::request(5, 9, body).octets();
        let write = tokio::spawn(async move { there.write_all(&octets).await });
        let mut frames = Frames::new(here, Duration::from_secs(5));
        assert_eq!(frames.next().await.unwrap().body.len(), MAX_PDU - HEADER);
        assert!(frames.buffer.capacity() <= 2 * (MAX_PDU + CHUNK), "{}", frames.buffer.capacity());
        write.await.unwrap().unwrap();
    }
}
