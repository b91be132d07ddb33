//! PDUs as octets: SMPP 3.4, sections 3.2, 4 and 5.

use std::fmt;
use zeroize::Zeroizing;

/// The size of length, command, status and sequence number.
pub(super) const HEADER: usize = 16;
/// A longer PDU ends the connection. The longest legitimate one has a message_payload of 64 KiB, which nobody
/// sends to a sender of codes.
pub(super) const MAX_PDU: usize = 64 * 1024;

pub(super) const BIND_TRANSCEIVER: u32 = 0x09;
pub(super) const SUBMIT_SM: u32 = 0x04;
pub(super) const DELIVER_SM: u32 = 0x05;
pub(super) const UNBIND: u32 = 0x06;
pub(super) const OUTBIND: u32 = 0x0b;
pub(super) const ENQUIRE_LINK: u32 = 0x15;
pub(super) const ALERT_NOTIFICATION: u32 = 0x102;
pub(super) const DATA_SM: u32 = 0x103;
pub(super) const GENERIC_NACK: u32 = 0x8000_0000;
/// The bit that marks a command as a response.
pub(super) const RESPONSE: u32 = 0x8000_0000;

pub(super) const TLV_RECEIPTED_MESSAGE_ID: u16 = 0x001e;
pub(super) const TLV_SAR_REFERENCE: u16 = 0x020c;
pub(super) const TLV_SAR_TOTAL: u16 = 0x020e;
pub(super) const TLV_SAR_NUMBER: u16 = 0x020f;
pub(super) const TLV_NETWORK_ERROR: u16 = 0x0423;
pub(super) const TLV_PAYLOAD: u16 = 0x0424;
pub(super) const TLV_MESSAGE_STATE: u16 = 0x0427;

/// One PDU. Debug hides the body, which may contain a password or a code.
pub(super) struct Pdu {
    pub(super) command: u32,
    pub(super) status: u32,
    pub(super) sequence: u32,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Pdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, status, sequence, body } = self;
        let length = body.len();
        write!(
            f,
            "Pdu {{ command: {command:#x}, status: {status:#x}, sequence: {sequence}, body: {length} }}"
        )
    }
}

impl Pdu {
    pub(super) fn request(command: u32, sequence: u32, body: Zeroizing<Vec<u8>>) -> Self {
        Self { command, status: 0, sequence, body }
    }

    /// The response to this request. A response to `deliver_sm` or `data_sm` has an id, which is empty.
    pub(super) fn response(&self, status: u32) -> Self {
        let body = if matches!(self.command, DELIVER_SM | DATA_SM) { vec![0] } else { Vec::new() };
        Self { command: self.command | RESPONSE, status, sequence: self.sequence, body: Zeroizing::new(body) }
    }

    /// The answer to a command that this client does not know.
    pub(super) fn nack(&self, status: u32) -> Self {
        Self { command: GENERIC_NACK, status, sequence: self.sequence, body: Zeroizing::default() }
    }

    /// The bytes to send.
    pub(super) fn octets(&self) -> Zeroizing<Vec<u8>> {
        let length = HEADER + self.body.len();
        let mut octets = Zeroizing::new(Vec::with_capacity(length));
        for field in [u32::try_from(length).unwrap_or(u32::MAX), self.command, self.status, self.sequence] {
            octets.extend(field.to_be_bytes());
        }
        octets.extend_from_slice(&self.body);
        octets
    }

    /// Reads a whole frame.
    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let field = |at: usize| Some(u32::from_be_bytes(frame.get(at..at + 4)?.try_into().ok()?));
        let body = Zeroizing::new(frame.get(HEADER..)?.to_vec());
        Some(Self { command: field(4)?, status: field(8)?, sequence: field(12)?, body })
    }
}

/// Writes the body of a PDU. A NUL inside a field would end the field early, so callers check settings and
/// addresses before.
pub(super) struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// Reserves `capacity` octets: a vector that grows leaves a copy of the code in memory.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.extend(text.bytes().filter(|octet| *octet != 0));
        self.0.push(0);
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn tlv(mut self, tag: u16, value: &[u8]) -> Self {
        self.0.extend(tag.to_be_bytes());
        self.0.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.bytes(value)
    }

    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// Reads a body as far as it goes. Fields missing at its end read as empty or 0. Deployed SMSCs leave out
/// final NULs and whole fields, and understanding a receipt is worth more than enforcing a rule.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn text(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|octet| *octet == 0).unwrap_or(self.0.len());
        let text = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        text
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    pub(super) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    fn tlv(&mut self) -> Option<(u16, &'a [u8])> {
        let tag = u16::from_be_bytes(self.bytes(2).try_into().ok()?);
        let length = u16::from_be_bytes(self.bytes(2).try_into().ok()?);
        Some((tag, self.bytes(length.into())))
    }
}

/// The fields of a message from the SMSC that matter for a receipt.
#[derive(Default)]
pub(super) struct Incoming<'a> {
    pub(super) esm_class: u8,
    pub(super) data_coding: u8,
    pub(super) text: &'a [u8],
    pub(super) receipted_id: Option<&'a [u8]>,
    pub(super) state: Option<u8>,
    pub(super) network_error: Option<&'a [u8]>,
}

impl<'a> Incoming<'a> {
    /// Reads the body of a `deliver_sm` (SMPP 3.4, 4.6.1), or of a `data_sm` (4.7.1), which has fewer fields
    /// and its text only in a TLV.
    pub(super) fn parse(command: u32, body: &'a [u8]) -> Self {
        let mut fields = Fields(body);
        fields.text(); // service_type
        for _address in ["source", "destination"] {
            fields.bytes(2);
            fields.text();
        }
        let mut incoming = Self { esm_class: fields.byte(), ..Self::default() };
        if command == DATA_SM {
            fields.byte(); // registered_delivery
            incoming.data_coding = fields.byte();
        } else {
            fields.bytes(2); // protocol_id, priority_flag
            fields.text(); // schedule_delivery_time
            fields.text(); // validity_period
            fields.bytes(2); // registered_delivery, replace_if_present_flag
            incoming.data_coding = fields.byte();
            fields.byte(); // sm_default_msg_id
            let length = fields.byte().into();
            incoming.text = fields.bytes(length);
        }
        while let Some((tag, value)) = fields.tlv() {
            match tag {
                TLV_RECEIPTED_MESSAGE_ID => incoming.receipted_id = Some(Fields(value).text()),
                TLV_MESSAGE_STATE => incoming.state = value.first().copied(),
                TLV_NETWORK_ERROR => incoming.network_error = Some(value),
                TLV_PAYLOAD if incoming.text.is_empty() => incoming.text = value,
                _ => {}
            }
        }
        incoming
    }
}
