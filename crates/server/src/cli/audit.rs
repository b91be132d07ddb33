//! The audit log: its verification and its export.

use super::parse_tenant_id;
use clap::Subcommand;
use countersign_core::{id::TenantId, management::audit::Kept};

/// Verify and export the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Compare each chain of entries with its hashes and its head, and print a line for each: tenant, entries,
    /// number and hash of the head. Exit code 1 if one is not as it was written or is gone, 2 if the retention
    /// removed the entry of --head
    Verify {
        /// Only this tenant's: ten_...
        #[arg(long, value_parser = parse_tenant_id, conflicts_with = "operator")]
        tenant: Option<TenantId>,
        /// Only the operator's own
        #[arg(long)]
        operator: bool,
        /// Also compare with a head that you kept elsewhere, as this command or the log wrote it
        #[arg(long, value_name = "N:HASH", value_parser = parse_head)]
        head: Option<Kept>,
    },
    /// Restart a broken chain after its last entry, so that its tenant can be changed again. The former
    /// entries stay, but are verified no more; keep a copy of the database first
    Restart {
        /// This tenant's: ten_...
        #[arg(long, value_parser = parse_tenant_id, required_unless_present = "operator", conflicts_with = "operator")]
        tenant: Option<TenantId>,
        /// The operator's own
        #[arg(long)]
        operator: bool,
        /// What happened, for the entry about it: 1 to 200 characters
        #[arg(long, value_parser = parse_why)]
        why: String,
    },
    /// Print the entries of a tenant or of the operator, oldest first, one line of JSON for each
    Export {
        /// Of this tenant: ten_...
        #[arg(long, value_parser = parse_tenant_id, required_unless_present = "operator", conflicts_with = "operator")]
        tenant: Option<TenantId>,
        /// Of the operator
        #[arg(long)]
        operator: bool,
    },
}

fn parse_why(text: &str) -> Result<String, String> {
    let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("1 to 200 characters on one line".to_owned()) }
}

fn parse_head(text: &str) -> Result<Kept, String> {
    let problem = || "a head is the number of an entry, a colon, and 64 hexadecimal digits".to_owned();
    let (n, digits) = text.split_once(':').ok_or_else(problem)?;
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(problem());
    }
    for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| problem())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| problem())?;
    }
    Ok(Kept { n: n.parse().map_err(|_| problem())?, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_head_is_a_number_and_a_hash() {
        let hash = "0a".repeat(32);
        assert_eq!(parse_head(&format!("7:{hash}")), Ok(Kept { n: 7, hash: [10; 32] }));
        for bad in [
            "",
            "7",
            &hash,
            &format!("x:{hash}"),
            &format!("7:{}", &hash[2..]),
            &format!("7:+{}", &hash[1..]),
        ] {
            assert!(parse_head(bad).is_err(), "{bad}");
        }
    }
}
