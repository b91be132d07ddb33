//! The packed form of [`Who`], which the stores keep beside an event.

use crate::{
    access::actor::Who,
    id::{KeyId, MemberId},
    pack::{Reader, Writer},
};

impl Who {
    /// One byte for the kind, then the ids.
    pub fn pack(self) -> Vec<u8> {
        let kind = |byte: u8| Writer::default().byte(byte);
        match self {
            Self::Key(key) => kind(1).fixed(key.bytes()),
            Self::Member { id, acted_by: None } => kind(2).fixed(id.bytes()),
            Self::Member { id, acted_by: Some(owner) } => kind(3).fixed(id.bytes()).fixed(owner.bytes()),
            Self::Operator(None) => kind(4),
            Self::Operator(Some(member)) => kind(5).fixed(member.bytes()),
            Self::System => kind(6),
        }
        .finish()
    }

    /// Reads the packed form. Returns `None` for an actor of a kind that only a newer release knows: the event
    /// can be read without it.
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let mut reader = Reader(packed);
        let kind = reader.byte()?;
        let mut member = || reader.fixed().map(MemberId::from_bytes);
        let who = match kind {
            1 => Self::Key(KeyId::from_bytes(reader.fixed()?)),
            2 => Self::Member { id: member()?, acted_by: None },
            3 => Self::Member { id: member()?, acted_by: Some(member()?) },
            4 => Self::Operator(None),
            5 => Self::Operator(Some(member()?)),
            6 => Self::System,
            _ => return None,
        };
        reader.is_done().then_some(who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packed_form_reads_back() {
        let (member, owner) = (MemberId::from_bytes([2; 16]), MemberId::from_bytes([3; 16]));
        for who in [
            Who::Key(KeyId::from_bytes([1; 16])),
            Who::Member { id: member, acted_by: None },
            Who::Member { id: member, acted_by: Some(owner) },
            Who::Operator(None),
            Who::Operator(Some(owner)),
            Who::System,
        ] {
            let packed = who.pack();
            assert_eq!(Who::unpack(&packed), Some(who));
            assert_eq!(Who::unpack(&[packed.as_slice(), &[0]].concat()), None, "{who:?}");
            assert_eq!(Who::unpack(&packed[..packed.len() - 1]), None, "{who:?}");
        }
        assert_eq!(Who::unpack(&[99]), None, "of a newer release");
    }
}
