//! The rules for statements, so that both engines run them alike.

use super::Statement;

/// Constructs that one engine lacks, or that the two run differently.
const FORBIDDEN: [&str; 9] = [
    "::",
    "FOR UPDATE",
    "FOR SHARE",
    "ANY(",
    "ANY (",
    // The engines differ in which row it replaces, and in what happens to other rows.
    "INSERT OR ",
    // The engines' clocks: statements take the time as a parameter.
    "NOW()",
    "CURRENT_TIMESTAMP",
    "?",
];

/// Why a statement breaks the rules.
pub(crate) fn check(statement: &Statement) -> Result<(), String> {
    let text =
        statement.text.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(").to_uppercase();
    let refuse = |reason: &str| Err(format!("{reason}: {}", statement.text));
    if let Some(construct) = FORBIDDEN.iter().find(|construct| text.contains(**construct)) {
        return refuse(construct);
    }
    for verb in ["INSERT ", "UPDATE ", "DELETE "] {
        if text.contains(&format!("AS ({verb}")) || text.contains(&format!("AS MATERIALIZED ({verb}")) {
            return refuse("a CTE that writes");
        }
    }
    // An upsert of several rows may contain the same key twice, which Postgres refuses and SQLite accepts.
    if text.contains(" DO UPDATE ") && text.contains("), (") {
        return refuse("an upsert of several rows");
    }
    if placeholders(statement.text) != (1..=statement.params.len()).collect::<Vec<_>>() {
        return refuse("the placeholders are not $1 to the number of parameters");
    }
    Ok(())
}

/// The numbers after `$`, each once, in order; 0 for a `$` without a number.
fn placeholders(text: &str) -> Vec<usize> {
    let number = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().unwrap_or(0)
    };
    let mut numbers: Vec<_> = text.split('$').skip(1).map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[test]
fn what_the_dialect_forbids_is_refused() {
    use super::Kind;
    let check = |text, params| check(&Statement { table: "t", text, params });
    for text in [
        "SELECT a::text FROM t",
        "SELECT a FROM t FOR\n    UPDATE",
        "SELECT a FROM t WHERE a = any(b)",
        "WITH w AS (\n    DELETE FROM t RETURNING a) SELECT a FROM w",
        "INSERT INTO t (a) VALUES (1), (1) ON CONFLICT (a) DO UPDATE SET a = 2",
        "SELECT a FROM t WHERE a = $1",
        "SELECT a FROM t WHERE a = '$'",
    ] {
        assert!(check(text, &[]).is_err(), "{text}");
    }
    assert!(check("SELECT a FROM t WHERE a = $2", &[Kind::Int, Kind::Int]).is_err());
    assert_eq!(check("SELECT a FROM t WHERE a = $2 AND b = $1 AND c = $2", &[Kind::Int, Kind::Int]), Ok(()));
}
