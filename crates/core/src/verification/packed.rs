//! The packed form of a record, as the store stores it. Format 2 added the source of guesses. Format 3 added
//! the last evaluated check, at the end. Format 4 added the keyed hash of a payment before that. Format 4 is
//! written only for a record with a payment, so that nodes of the previous release can read all other
//! records.

use crate::{
    code::{Alphabet, CodeShape},
    id::{MessageId, ProfileId},
    keyring::{CodeMac, Fingerprint},
    pack::{Reader, UnpackError, Writer, packed_time, unpack_since},
    tenant::profile::ResendPolicy,
    verification::{
        guesses::Source,
        layout::{self, Field, RECORD_BYTES, flag, format},
        record::Record,
        status::{Delivery, Status},
    },
};

impl Record {
    /// Writes the fields of [`layout::RECORD`], then those without a fixed length.
    pub fn pack(&self) -> Vec<u8> {
        let mut packed = vec![0; RECORD_BYTES];
        let mut put = |field: Field, bytes: &[u8]| field.put(&mut packed, bytes);
        put(
            layout::FORMAT,
            &[if self.payment.is_some() { format::RECORD_WITH_PAYMENT } else { format::RECORD }],
        );
        put(layout::STATUS, &[self.stored_status as u8]);
        put(layout::DELIVERY, &[self.delivery as u8]);
        put(layout::RESEND, &[self.resend as u8]);
        put(layout::FLAGS, &[self.flags()]);
        put(layout::CREATED_AT, &packed_time(self.created_at));
        put(layout::EXPIRES_AT, &packed_time(self.expires_at));
        put(layout::RESEND_AT, &packed_time(self.resend_at));
        put(layout::CHECKS, &[self.checks]);
        put(layout::MAX_CHECKS, &[self.max_checks]);
        put(layout::SENDS, &[self.sends]);
        put(layout::MAX_SENDS, &[self.max_sends]);
        put(layout::LENGTH, &[self.shape.length]);
        put(layout::ALPHABET, &[self.shape.alphabet as u8]);
        put(layout::PROFILE, self.profile.bytes());
        put(layout::NUMBER, &self.number.0);
        put(layout::MESSAGE, self.message.bytes());
        put(layout::SOURCE, &self.source.0);
        put(layout::MAC_VERSION, &[self.mac.version]);
        put(layout::MAC, &self.mac.mac);
        // Version 0 means that there is no previous code.
        put(layout::PREVIOUS_VERSION, &[self.previous_mac.map_or(0, |previous| previous.version)]);
        packed.extend(self.previous_mac.iter().flat_map(|previous| previous.mac));
        let mut packed = Writer(packed).blob(&self.contact).blob(&self.code).finish();
        packed.extend(self.payment.iter().flatten());
        packed.extend(self.judged.iter().flatten());
        packed
    }

    fn flags(&self) -> u8 {
        let set = |is_set, flag| if is_set { flag } else { 0 };
        set(self.accepted, flag::ACCEPTED)
            | set(self.expires_at_check, flag::EXPIRES_AT_CHECK)
            | set(self.review, flag::REVIEW)
    }

    /// Reads the packed form.
    pub fn unpack(packed: &[u8]) -> Result<Self, UnpackError> {
        unpack_since(packed, 1..=format::RECORD_WITH_PAYMENT, Self::read)
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
            accepted: flags & flag::ACCEPTED != 0,
            expires_at_check: flags & flag::EXPIRES_AT_CHECK != 0,
            review: flags & flag::REVIEW != 0,
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
