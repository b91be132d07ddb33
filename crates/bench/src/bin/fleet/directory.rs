//! Directories with many tenants.

use crate::Fleet;
use anyhow::{Context, Result, ensure};
use countersign_bench::{resident, run};
use countersign_core::{
    access::{
        change::Change,
        key::{Key, PresentedKey},
        scope::Scope,
    },
    id::{KeyId, MemberId, ProfileId, TenantId},
    mode::Mode,
    phone::countries::Countries,
    ports::directory::{keys::Keys, tenants::Tenants},
    tenant::{Tenant, TenantName, profile::Profile},
    time::Timestamp,
};
use countersign_stores::{certificates::Certificates, directory::SqlDirectory, sql::Sql};
use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::time::sleep;

impl Fleet {
    /// The same database, without a node.
    pub fn sql(&self) -> Result<Sql> {
        let arguments = &self.arguments;
        let authority =
            (!arguments.postgres_ca.is_empty()).then(|| std::fs::read(&arguments.postgres_ca)).transpose()?;
        let certificates = Certificates { authority, client: None };
        Ok(Sql::postgres(&arguments.postgres, Some(&certificates))?)
    }

    /// The directory, as a command uses it.
    pub fn sql_directory(&self) -> Result<SqlDirectory> {
        Ok(SqlDirectory::new(self.sql()?, Arc::new(self.installation.keyring()?)))
    }

    /// Runs a statement that no part of the program has.
    pub fn psql(&self, statement: &str) -> Result<String> {
        let output =
            Command::new("psql").arg(&self.arguments.postgres).args(["-qAtc", statement]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Measures the time and memory that a node needs to load a large directory.
    pub async fn directory(&mut self) -> Result<()> {
        let size = self.arguments.directory;
        let tenant = self.installation.make_tenant("many")?;
        for name in ["a", "b"] {
            let scopes = "verifications:start,verifications:check";
            let make = ["key", "create", "--tenant", &tenant, "--name", name, "--scopes", scopes];
            self.installation.run(&make)?;
        }
        // Copies the tenant under ids that no tenant has.
        let id = |prefix: &str, n: &str| format!("'{prefix}_' || lpad(({n})::text, 26, '0')");
        let (ten, pro, key) = (id("ten", "n"), id("pro", "n"), id("key", "2 * n + (k.name = 'b')::int"));
        let copies = format!("generate_series(1, {size}) n");
        for statement in [
            format!("INSERT INTO tenants SELECT {ten}, name, created_at FROM tenants, {copies} WHERE id = '{tenant}'"),
            format!(
                "INSERT INTO settings SELECT {ten}, name, value, updated_at FROM settings, {copies} WHERE tenant_id = '{tenant}'"
            ),
            format!(
                "INSERT INTO profiles SELECT {pro}, {ten}, name, code_length, code_alphabet, expires_in_s, max_checks, max_sends,
                    resend_policy, created_at, limits FROM profiles, {copies} WHERE tenant_id = '{tenant}'"
            ),
            format!(
                "INSERT INTO keys SELECT {key}, {ten}, mode, name, scopes, secret_hash, disabled, expires_at, created_at,
                    last_used_at, version, allowlist, replaced_by FROM keys k, {copies} WHERE tenant_id = '{tenant}'"
            ),
        ] {
            self.psql(&statement)?;
        }
        let since = Instant::now();
        let node = self.serve("api", Vec::new()).await?;
        println!();
        println!(
            "API node with {size} tenants and {} keys: ready after {:.2} s, {} MiB",
            2 * size,
            since.elapsed().as_secs_f64(),
            resident(node.process.0.id())? >> 10
        );
        Ok(())
    }

    /// Measures the cost with more and more tenants, whose keys take turns.
    pub async fn tenants(&mut self, api: &mut countersign_bench::Server) -> Result<()> {
        println!();
        println!("| tenants | CPU for a pair, us | MiB of the API node |");
        println!("|---|---|---|");
        let directory = self.sql_directory()?;
        let (mut size, mut keys) = (1, Vec::new());
        while size <= self.arguments.tenants {
            while keys.len() < size {
                let (tenant, _) = make_tenant(&directory).await?;
                keys.push(make_key(&directory, tenant, None, Mode::Test).await?);
            }
            // The node's copy of the directory is a moment behind.
            sleep(Duration::from_secs(2)).await;
            api.keys.clone_from(&keys);
            let cost = run(api, &self.load(self.arguments.pairs.min(20_000))).await?;
            println!("| {size} | {:.1} | {} |", cost.cpu_per_pair(), resident(api.process.0.id())? >> 10);
            self.empty().await?;
            size *= 10;
        }
        Ok(())
    }
}

/// The real time, as the command line has it.
#[expect(clippy::disallowed_methods, reason = "the command line has it, too")]
pub fn now() -> Result<Timestamp> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Timestamp::from_millis(i64::try_from(now.as_millis())?))
}

/// Makes a tenant with its first profile, as the command line does.
#[expect(clippy::disallowed_methods, reason = "the real randomness, as the command line has it")]
pub async fn make_tenant(directory: &SqlDirectory) -> Result<(TenantId, ProfileId)> {
    let (now, mut rng) = (now()?, rand::rng());
    let name = TenantName::parse("Bench").context("a name")?;
    let tenant = Tenant::new(TenantId::new(now, &mut rng), name, now);
    let profile = Profile::first(ProfileId::new(now, &mut rng), tenant.id, now);
    let by = Change::by_system(now);
    directory.create_tenant(&tenant, &profile, &Countries::default(), None, &by).await?;
    Ok((tenant.id, profile.id))
}

/// Makes a key of a tenant, or of a member of it.
#[expect(clippy::disallowed_methods, reason = "the real randomness, as the command line has it")]
pub async fn make_key(
    directory: &SqlDirectory,
    tenant: TenantId,
    member: Option<MemberId>,
    mode: Mode,
) -> Result<String> {
    let (now, mut rng) = (now()?, rand::rng());
    let presented = PresentedKey::generate(mode, KeyId::new(now, &mut rng), &mut rng);
    let scopes = [Scope::VerificationsStart, Scope::VerificationsCheck].into_iter().collect();
    let key = Key { member, ..Key::new(&presented, tenant, "bench".to_owned(), scopes, now) };
    directory.create_key(&key, None, None, &[], &Change::by_system(now)).await?;
    Ok(presented.expose().to_string())
}
