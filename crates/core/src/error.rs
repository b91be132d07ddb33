//! Errors in logs.

/// Writes an error and its sources in one line. Leaves out a source whose text the error before it already
/// contains.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    for source in std::iter::successors(error.source(), |error| error.source()) {
        let text = source.to_string();
        if !said.ends_with(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Link(&'static str, #[source] Option<Box<Link>>);

    #[test]
    fn what_an_error_repeats_of_its_source_is_said_once() {
        let chained = |texts: &[&'static str]| {
            let last = texts.iter().rev().fold(None, |source, text| Some(Box::new(Link(text, source))));
            chain(last.unwrap().as_ref())
        };
        assert_eq!(chained(&["cannot open", "no such file"]), "cannot open: no such file");
        assert_eq!(
            chained(&["new object: no server", "no server", "refused"]),
            "new object: no server: refused"
        );
        assert_eq!(chained(&["refused", "refused"]), "refused");
    }
}
