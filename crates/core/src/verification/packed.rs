//! The packed form of a record: what the store keeps. Format 2 added the source
//! of guesses, format 3 the check that was evaluated last, at the end, format 4
//! the mark of a payment before that. It is written only where there is one, so
//! that nodes of the release before go on reading all others.

use crate::{
    code::{Alphabet, CodeShape},
    id::{MessageId, ProfileId},
    keyring::{CodeMac, Fingerprint},
    pack::{Reader, UnpackError, Writer, unpack_since},
    tenant::profile::ResendPolicy,
    verification::{
        guesses::Source,
        record::Record,
        status::{Delivery, Status},
    },
};

const FORMAT: u8 = 4;
const FORMAT_WITHOUT_PAYMENT: u8 = 3;

impl Record {
    /// `[format][flags]...`, then the two sealed values.
    pub fn pack(&self) -> Vec<u8> {
        let mut writer = Writer::default()
            .byte(if self.payment.is_some() { FORMAT } else { FORMAT_WITHOUT_PAYMENT })
            .byte(self.stored_status as u8)
            .byte(self.delivery as u8)
            .byte(self.resend as u8)
            .byte(u8::from(self.accepted) | u8::from(self.expires_at_check) << 1 | u8::from(self.review) << 2)
            .time(self.created_at)
            .time(self.expires_at)
            .time(self.resend_at)
            .byte(self.checks)
            .byte(self.max_checks)
            .byte(self.sends)
            .byte(self.max_sends)
            .byte(self.shape.length)
            .byte(self.shape.alphabet as u8)
            .fixed(self.profile.bytes())
            .fixed(&self.number.0)
            .fixed(self.message.bytes())
            .short(&self.source.0);
        // A version of 0 means that there is no previous code.
        let previous = self.previous_mac.unwrap_or(CodeMac { version: 0, mac: [0; 16] });
        for mac in [self.mac, previous] {
            writer = writer.byte(mac.version);
            if mac.version != 0 {
                writer = writer.fixed(&mac.mac);
            }
        }
        let mut packed = writer.blob(&self.contact).blob(&self.code).finish();
        packed.extend(self.payment.iter().flatten());
        packed.extend(self.judged.iter().flatten());
        packed
    }

    /// Reads the packed form.
    pub fn unpack(packed: &[u8]) -> Result<Self, UnpackError> {
        unpack_since(packed, 1..=FORMAT, Self::read)
    }

    fn read(format: u8, reader: &mut Reader<'_>) -> Option<Self> {
        let stored_status = one_of(
            reader.byte()?,
            [
                Status::Pending,
                Status::Approved,
                Status::Canceled,
                Status::Expired,
                Status::Exhausted,
                Status::Failed,
            ],
        )?;
        let delivery = one_of(
            reader.byte()?,
            [Delivery::Queued, Delivery::Sent, Delivery::Delivered, Delivery::Undelivered],
        )?;
        let resend =
            one_of(reader.byte()?, [ResendPolicy::Same, ResendPolicy::New, ResendPolicy::NewKeepPrevious])?;
        let flags = reader.byte()?;
        let (created_at, expires_at, resend_at) = (reader.time()?, reader.time()?, reader.time()?);
        let (checks, max_checks, sends, max_sends) =
            (reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?);
        let shape = CodeShape {
            length: reader.byte()?,
            alphabet: one_of(reader.byte()?, [Alphabet::Digits, Alphabet::Letters])?,
        };
        let profile = ProfileId::from_bytes(reader.fixed()?);
        let number = Fingerprint(reader.fixed()?);
        let message = MessageId::from_bytes(reader.fixed()?);
        let source = if format > 1 { Source(reader.short()?) } else { Source::default() };
        let mac = CodeMac { version: reader.byte()?, mac: reader.fixed()? };
        let previous_mac = match reader.byte()? {
            0 => None,
            version => Some(CodeMac { version, mac: reader.fixed()? }),
        };
        Some(Self {
            stored_status,
            profile,
            number,
            created_at,
            expires_at,
            resend_at,
            checks,
            max_checks,
            sends,
            max_sends,
            resend,
            shape,
            mac,
            previous_mac,
            delivery,
            accepted: flags & 1 != 0,
            expires_at_check: flags & 2 != 0,
            review: flags & 4 != 0,
            source,
            message,
            contact: reader.blob()?.to_vec(),
            code: reader.blob()?.to_vec(),
            payment: if format > 3 { Some(reader.fixed()?) } else { None },
            judged: if format > 2 && !reader.is_done() { Some(reader.eight()?) } else { None },
        })
    }
}

fn one_of<T: Copy, const N: usize>(byte: u8, values: [T; N]) -> Option<T> {
    values.get(usize::from(byte)).copied()
}
