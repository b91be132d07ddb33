//! Reads multipart forms (RFC 7578) from a body that is whole in memory. It accepts only text fields: it
//! refuses a part with a file, and a form that deviates from the RFC.

/// The maximum number of fields of a form.
pub const MAX_FIELDS: usize = 32;

/// RFC 2046, 5.1.1.
const MAX_BOUNDARY: usize = 70;
/// The maximum size of the headers of one part, in bytes.
const MAX_HEAD: usize = 1_024;

/// The boundary among the parameters of a media type, with or without quotes.
pub fn boundary(parameters: &str) -> Option<String> {
    let mut boundaries = parameters.split(';').filter_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    });
    let value = unquoted(boundaries.next()?)?;
    let plain = value.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
    let fits = (1..=MAX_BOUNDARY).contains(&value.len());
    (plain && fits && boundaries.next().is_none()).then(|| value.to_owned())
}

/// Reads a token or a quoted string. No accepted string contains an escape.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])),
        None => Some(value),
    }
}

/// The fields in their order; `None` if the body is not such a form.
pub fn read(body: &[u8], boundary: &str) -> Option<Vec<(String, String)>> {
    let body = std::str::from_utf8(body).ok()?;
    // The text before the first delimiter and after the last has no meaning.
    let delimiter = format!("--{boundary}");
    let mut rest = match body.strip_prefix(&delimiter) {
        Some(rest) => rest,
        None => body.split_once(&format!("\r\n{delimiter}"))?.1,
    };
    let delimiter = format!("\r\n{delimiter}");
    let mut fields = Vec::new();
    while !rest.starts_with("--") {
        if fields.len() == MAX_FIELDS {
            return None;
        }
        let (part, behind) =
            rest.trim_start_matches([' ', '\t']).strip_prefix("\r\n")?.split_once(&delimiter)?;
        let (head, value) = part.split_once("\r\n\r\n")?;
        fields.push((name(head)?, value.to_owned()));
        rest = behind;
    }
    Some(fields)
}

/// The name of a part; C# writes it without quotes.
fn name(head: &str) -> Option<String> {
    if head.len() > MAX_HEAD {
        return None;
    }
    let mut names = head.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let mut parameters = names.next().filter(|_| names.next().is_none())?.split(';');
    if !parameters.next()?.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let mut name = None;
    for parameter in parameters {
        let (key, value) = parameter.trim().split_once('=')?;
        // Any other parameter would be the name of a file.
        if !key.eq_ignore_ascii_case("name") || name.is_some() {
            return None;
        }
        name = Some(unquoted(value)?.to_owned());
    }
    name.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_quoted_or_not() {
        for (parameters, expected) in [
            (" boundary=abc", Some("abc")),
            (" boundary=\"a-b'c\"", Some("a-b'c")),
            ("charset=utf-8; Boundary=abc", Some("abc")),
            ("", None),
            ("boundary=", None),
            ("boundary=\"a", None),
            ("boundary=a b", None),
            ("boundary=a; boundary=b", None),
        ] {
            assert_eq!(boundary(parameters).as_deref(), expected, "{parameters}");
        }
        assert!(boundary(&format!("boundary={}", "a".repeat(71))).is_none());
    }

    #[test]
    fn fields_are_read_as_csharp_and_browsers_write_them() {
        let csharp = "--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=phone_number\
            \r\n\r\n48500500500\r\n--x\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=content\
            \r\n\r\nYour\ncode [%code%]\r\n--x--\r\n";
        let fields = [("phone_number", "48500500500"), ("content", "Your\ncode [%code%]")];
        let fields: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(read(csharp.as_bytes(), "x"), Some(fields.clone()));
        let browser = csharp.replace("name=phone_number", "name=\"phone_number\"");
        assert_eq!(read(format!("preamble\r\n{browser}").as_bytes(), "x"), Some(fields));
        assert_eq!(read(b"--x--", "x"), Some(Vec::new()));
    }

    #[test]
    fn anything_else_is_refused() {
        let part = |head: &str| format!("--x\r\n{head}\r\n\r\nv\r\n--x--\r\n");
        let named = "Content-Disposition: form-data; name=a";
        assert!(read(part(named).as_bytes(), "x").is_some());
        for bad in [
            String::new(),
            "--x".into(),
            "--x\r\n".into(),
            "--y--".into(),
            part(""),
            part("Content-Disposition: form-data"),
            part("Content-Disposition: form-data; name=\"\""),
            part("Content-Disposition: form-data; name=a; name=b"),
            part("Content-Disposition: form-data; name=a; filename=b"),
            part("Content-Disposition: form-data; name=\"a\\\"b\""),
            part("Content-Disposition: attachment; name=a"),
            part(&format!("{named}\r\n{named}")),
            part(&format!("{named}\r\nX: {}", "x".repeat(MAX_HEAD))),
            part(named).replace("\r\n--x--\r\n", ""),
            part(named).replace("--x--", &format!("--x\r\n{named}\r\n\r\nv\r\n").repeat(MAX_FIELDS)),
        ] {
            assert_eq!(read(bad.as_bytes(), "x"), None, "{bad:?}");
        }
        assert_eq!(read(b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--x--", "x"), None);
    }

    #[test]
    fn nothing_that_is_cut_breaks_it() {
        let whole = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--x--\r\n";
        for from in 0..whole.len() {
            for to in from..whole.len() {
                let _ = read(&whole[from..to], "x");
                let _ = read(&[&whole[..from], &whole[to..]].concat(), "x");
            }
        }
    }
}
