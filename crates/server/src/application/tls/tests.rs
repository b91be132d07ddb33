use super::*;
use rcgen::{CertificateParams, KeyPair};

struct Issued {
    certificate: String,
    key: String,
}

fn issue(name: &str) -> Issued {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Issued { certificate: certificate.pem(), key: key.serialize_pem() }
}

fn write(folder: &Path, issued: &Issued) -> TlsFiles {
    let files = TlsFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key") };
    std::fs::write(&files.certificate, &issued.certificate).unwrap();
    std::fs::write(&files.key, &issued.key).unwrap();
    files
}

fn served(certificate: &Certificate) -> Vec<u8> {
    certificate.current.load().cert[0].to_vec()
}

fn refusal(files: &TlsFiles) -> String {
    format!("{:#}", anyhow::Error::from(Certificate::load(files).unwrap_err()))
}

#[test]
fn what_cannot_be_served_is_refused_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (issue("one.example"), issue("other.example"));
    let mixed = Issued { certificate: one.certificate.clone(), key: other.key };
    let refused = refusal(&write(folder.path(), &mixed));
    assert!(refused.contains("tls.crt and ") && refused.contains("tls.key cannot be served: "), "{refused}");
    let empty = Issued { certificate: String::new(), key: one.key.clone() };
    let refused = refusal(&write(folder.path(), &empty));
    assert!(refused.contains("tls.crt holds no certificate in PEM form"), "{refused}");
    let swapped = Issued { certificate: one.certificate.clone(), key: one.certificate.clone() };
    let refused = refusal(&write(folder.path(), &swapped));
    assert!(refused.contains("tls.key holds no private key in PEM form"), "{refused}");
    let files = write(folder.path(), &one);
    std::fs::write(&files.certificate, vec![b'-'; 1024 * 1024 + 1]).unwrap();
    assert!(refusal(&files).contains("larger than 1 MiB"));
    std::fs::remove_file(&files.key).unwrap();
    let files = TlsFiles { certificate: files.key.clone(), key: files.key };
    assert!(refusal(&files).contains("tls.key cannot be read: "));
}

#[test]
fn only_a_whole_new_pair_takes_the_place_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (issue("one.example"), issue("other.example"));
    let files = write(folder.path(), &one);
    let certificate = Certificate::load(&files).unwrap();
    let first = served(&certificate);
    std::fs::write(&files.certificate, &other.certificate).unwrap();
    certificate.refresh();
    assert_eq!(served(&certificate), first, "the key is still the old one's");
    std::fs::remove_file(&files.key).unwrap();
    certificate.refresh();
    certificate.refresh();
    assert_eq!(served(&certificate), first, "a file is missing");
    std::fs::write(&files.key, &other.key).unwrap();
    certificate.refresh();
    let second = served(&certificate);
    assert_ne!(second, first);
    write(folder.path(), &one);
    certificate.refresh();
    assert_eq!(served(&certificate), first);
}

#[cfg(unix)]
#[test]
fn a_link_that_is_swapped_is_a_change() {
    // Kubernetes mounts a secret like this: tls.crt -> ..data/tls.crt, ..data -> a folder.
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["v1", "v2"] {
        std::fs::create_dir(at(name)).unwrap();
        write(&at(name), &issue("server.example"));
    }
    symlink("v1", at("..data")).unwrap();
    for name in ["tls.crt", "tls.key"] {
        symlink(format!("..data/{name}"), at(name)).unwrap();
    }
    let files = TlsFiles { certificate: at("tls.crt"), key: at("tls.key") };
    let certificate = Certificate::load(&files).unwrap();
    let first = served(&certificate);
    symlink("v2", at("..data.new")).unwrap();
    std::fs::rename(at("..data.new"), at("..data")).unwrap();
    certificate.refresh();
    assert_ne!(served(&certificate), first);
}
