use super::*;
use crate::{code::payment::Transaction, id::VerificationId, mode::Mode};
use rand::{SeedableRng, rngs::StdRng};

fn ring(versions: &[u8]) -> KeyRing {
    let keys =
        |salt: u8| versions.iter().map(move |v| VersionedKey { version: *v, key: [v ^ salt; 32] }).collect();
    KeyRing::new([9; 32], keys(0x10), keys(0x20)).unwrap()
}

#[test]
fn sealed_values_open_only_in_their_place() {
    let mut rng = StdRng::seed_from_u64(3);
    let place = Place {
        kind: Sealed::Code,
        tenant: TenantId::from_bytes([1; 16]),
        id: [2; 16],
        number: Fingerprint([3; 16]),
    };
    let sealed = ring(&[2, 1]).seal(&place, b"123456", &mut rng);
    assert_eq!(ring(&[3, 2]).open(&place, &sealed).unwrap().as_slice(), b"123456");
    for elsewhere in [
        Place { kind: Sealed::Contact, ..place },
        Place { tenant: TenantId::from_bytes([7; 16]), ..place },
        Place { id: [7; 16], ..place },
        Place { number: Fingerprint([7; 16]), ..place },
    ] {
        assert!(ring(&[2]).open(&elsewhere, &sealed).is_err());
    }
    assert!(ring(&[1]).open(&place, &sealed).is_err(), "retired key");
    for damaged in [&sealed[..10], &[], &sealed[..sealed.len() - 1]] {
        assert!(ring(&[2]).open(&place, damaged).is_err());
    }
}

#[test]
fn macs_are_bound_to_mode_tenant_and_verification() {
    let code = Code::parse("123456").unwrap();
    let tenant = TenantId::from_bytes([1; 16]);
    let id = VerificationId::from_bytes([2; 16]);
    let key = RecordKey { tenant, mode: Mode::Live, id };
    let mac = ring(&[1]).code_mac(key, None, &code);
    let others = [
        RecordKey { mode: Mode::Test, ..key },
        RecordKey { tenant: TenantId::from_bytes([9; 16]), ..key },
        RecordKey { id: VerificationId::from_bytes([9; 16]), ..key },
    ];
    for other in others {
        assert_ne!(mac, ring(&[1]).code_mac(other, None, &code));
    }
    assert!(ring(&[5, 1]).code_macs(key, None, &code).contains(&mac));

    let [payment, another] =
        ["49.90", "49.91"].map(|amount| Transaction::parse(amount, "EUR", "Shop").unwrap().digest());
    let bound = ring(&[1]).code_mac(key, Some(&payment), &code);
    assert_ne!(bound, mac);
    assert_ne!(bound, ring(&[1]).code_mac(key, Some(&another), &code));
    assert!(ring(&[5, 1]).code_macs(key, Some(&payment), &code).contains(&bound));
    let mark = ring(&[1]).payment_mark(key, &payment);
    assert_eq!(mark, ring(&[5]).payment_mark(key, &payment), "it outlives a rotation");
    assert_ne!(mark, ring(&[1]).payment_mark(key, &another));
    for other in others {
        assert_ne!(mark, ring(&[1]).payment_mark(other, &payment));
    }
}

/// The records of the previous release contain this MAC: it must never change.
#[test]
fn the_mac_of_a_code_without_a_payment_is_what_it_was() {
    let (tenant, id) = (TenantId::from_bytes([1; 16]), VerificationId::from_bytes([2; 16]));
    let key = RecordKey { tenant, mode: Mode::Live, id };
    let CodeMac { version, mac } = ring(&[1]).code_mac(key, None, &Code::parse("123456").unwrap());
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((version, hex.as_str()), (1, "5b48e02156f40792e92ab79090038ea4"));
}

#[test]
fn a_ring_without_keys_or_with_a_double_version_is_refused() {
    let key = |version| VersionedKey { version, key: [0; 32] };
    assert!(KeyRing::new([0; 32], vec![], vec![key(1)]).is_none());
    assert!(KeyRing::new([0; 32], vec![key(1), key(1)], vec![key(1)]).is_none());
    assert!(KeyRing::new([0; 32], vec![key(0)], vec![key(1)]).is_none());
}

#[test]
fn a_ring_is_replaced_for_everybody_who_holds_it() {
    let mut rng = StdRng::seed_from_u64(3);
    let place = Place {
        kind: Sealed::Contact,
        tenant: TenantId::from_bytes([1; 16]),
        id: [2; 16],
        number: Fingerprint([3; 16]),
    };
    let held = Arc::new(ring(&[1]));
    let also = Arc::clone(&held);
    let old = held.seal(&place, b"+48500600700", &mut rng);
    held.replace(ring(&[2, 1])).unwrap();
    assert_eq!(also.versions(), ring(&[2, 1]).versions());
    assert_eq!(also.seal(&place, b"x", &mut rng)[0], 2, "the new primary makes");
    assert_eq!(also.open(&place, &old).unwrap().as_slice(), b"+48500600700", "the old one reads");
    assert!(also.needs_reseal(&old) && !also.needs_reseal(&[]));
    let anew = also.reseal(&place, &old, &mut rng).unwrap();
    assert!(!also.needs_reseal(&anew));
    held.replace(ring(&[2])).unwrap();
    assert!(also.open(&place, &old).is_err() && also.reseal(&place, &old, &mut rng).is_err());
    assert_eq!(also.open(&place, &anew).unwrap().as_slice(), b"+48500600700");
}

#[test]
fn a_ring_of_another_installation_replaces_nothing() {
    let held = ring(&[2, 1]);
    let keys = |byte| vec![VersionedKey { version: 2, key: [byte; 32] }];
    let fingerprint = KeyRing::new([8; 32], keys(0x12), keys(0x22)).unwrap();
    assert_eq!(held.replace(fingerprint), Err(ReplaceError::OtherFingerprint));
    let seal = KeyRing::new([9; 32], keys(0x12), keys(0x23)).unwrap();
    let refused = held.replace(seal);
    assert_eq!(refused, Err(ReplaceError::OtherKey { kind: KeyKind::Seal, version: 2 }));
    assert_eq!(held.versions(), ring(&[2, 1]).versions());
}

#[test]
fn versions_are_written_and_read_without_the_keys() {
    let versions = ring(&[12, 1]).versions();
    assert_eq!(versions.mac.to_string().parse(), Ok(versions.mac.clone()));
    assert_eq!(versions.mac.primary(), versions.mac.find(12));
    assert_eq!(versions.mac.find(2), None);
    assert_ne!(versions.mac, versions.seal, "the check is of the key");
    let text = KeyVersions::new(vec![KeyVersion { number: 2, check: [0, 0, 1, 255] }]).to_string();
    assert_eq!(text, "2:000001ff");
    for wrong in ["", "2", "2:", "256:00000000", "2:00000000,"] {
        assert!(wrong.parse::<KeyVersions>().is_err(), "{wrong}");
    }
}
