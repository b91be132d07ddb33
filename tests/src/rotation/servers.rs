//! The servers of a rotation, and the files that hold the passwords of one user of theirs.

use crate::directory::{Base, execute_on, started};
use anyhow::{Context, Result};
use countersign::{Settings, keyfile};
use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::sleep;

/// The group whose members the test server asks for a password.
const GROUP: &str = "countersign_by_password";

/// What the files hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Whole URLs.
    Urls,
    /// Passwords alone. Redis is reached through a Sentinel, which has a password of its own.
    Passwords,
}

/// A server that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Redis server of one test and the Sentinel that watches it.
struct Watched {
    _servers: [Running; 2],
    sentinel: redis::Client,
}

pub struct Servers {
    /// The superuser's URL of the database.
    admin: String,
    user: String,
    redis: redis::Client,
    watched: Option<Watched>,
    form: Form,
    /// The two URLs, with `:PASSWORD` for the password.
    urls: [String; 2],
}

fn start_redis(folder: &Path, name: &str, options: &[&str]) -> Result<(Running, String)> {
    let folder = folder.join(format!("server-{name}"));
    std::fs::create_dir(&folder)?;
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port().to_string();
    let mut command = Command::new("redis-server");
    if let ["--sentinel", monitored] = options {
        let file = folder.join("sentinel.conf");
        std::fs::write(
            &file,
            format!("user admin on >admin ~* &* +@all\nsentinel monitor main 127.0.0.1 {monitored} 1\n"),
        )?;
        command.arg(file).arg("--sentinel");
    } else {
        command.args(options);
    }
    command.args(["--bind", "127.0.0.1", "--port", &port, "--logfile", "log", "--dir"]).arg(&folder);
    Ok((Running(command.stdout(Stdio::null()).spawn()?), port))
}

impl Servers {
    /// Each test has a user and a number of its own on the servers.
    pub async fn prepare(base: &Base, form: Form, folder: &Path) -> Result<Self> {
        let admin = base.server_url().context("a server")?;
        let user = match form {
            Form::Urls => "countersign_rotated",
            Form::Passwords => "countersign_rotated_alone",
        };
        for statement in
            [&format!("CREATE ROLE {GROUP}"), &format!("CREATE ROLE {user} LOGIN IN ROLE {GROUP}")]
        {
            // They may be left of a run before.
            let _ = execute_on(&admin, statement).await;
        }
        execute_on(&admin, &format!("ALTER DATABASE {} OWNER TO {user}", base.name().context("a name")?))
            .await?;
        execute_on(&admin, &format!("GRANT ALL ON SCHEMA public TO {user}")).await?;
        let (redis, codes, watched) = match form {
            Form::Urls => {
                let redis = format!("{}/995", started("COUNTERSIGN_TEST_REDIS")?);
                let address = redis.strip_prefix("redis://").context("a URL")?;
                (redis.clone(), format!("redis://{user}:PASSWORD@{address}"), None)
            }
            Form::Passwords => {
                let lasting = ["--appendonly", "yes", "--maxmemory-policy", "noeviction"];
                let (server, port) = start_redis(folder, "master", &lasting)?;
                let (watching, sentinel) = start_redis(folder, "sentinel", &["--sentinel", &port])?;
                let codes = format!("redis-sentinel://{user}:PASSWORD@127.0.0.1:{sentinel}/main");
                let sentinel = redis::Client::open(format!("redis://admin:admin@127.0.0.1:{sentinel}"))?;
                let watched = Watched { _servers: [server, watching], sentinel };
                (format!("redis://127.0.0.1:{port}"), codes, Some(watched))
            }
        };
        let postgres = admin.replacen("countersign@", &format!("{user}:PASSWORD@"), 1);
        let redis = redis::Client::open(redis)?;
        let user = user.to_owned();
        let servers = Self { admin, user, redis, watched, form, urls: [postgres, codes] };
        for _ in 0..100 {
            let sentinel = servers.watched.as_ref().map_or(&servers.redis, |watched| &watched.sentinel);
            if ask(&servers.redis, &["PING"]).await.is_ok() && ask(sentinel, &["PING"]).await.is_ok() {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        ask(&servers.redis, &["FLUSHDB"]).await?;
        Ok(servers)
    }

    /// From now on this password alone opens connections.
    pub async fn set_password(&self, password: &str) -> Result<()> {
        execute_on(&self.admin, &format!("ALTER ROLE {} PASSWORD '{password}'", self.user)).await?;
        let secret = format!(">{password}");
        let user = ["ACL", "SETUSER", &self.user, "reset", "on", &secret, "~*", "&*", "+@all"];
        ask(&self.redis, &user).await?;
        if let Some(Watched { sentinel, .. }) = &self.watched {
            let secret = format!(">{}", sentinel_password(password));
            ask(sentinel, &["ACL", "SETUSER", "default", "resetpass", &secret]).await?;
        }
        Ok(())
    }

    pub fn url(&self, which: usize, password: &str) -> String {
        self.urls[which].replacen("PASSWORD", password, 1)
    }

    /// Whether each server takes it.
    pub async fn takes(&self, password: &str) -> Result<Vec<bool>> {
        let mut taken = vec![execute_on(&self.url(0, password), "SELECT 1").await.is_ok()];
        taken.push(ask(&with_password(&self.redis, &self.user, password)?, &["PING"]).await.is_ok());
        if let Some(Watched { sentinel, .. }) = &self.watched {
            let client = with_password(sentinel, "default", &sentinel_password(password))?;
            taken.push(ask(&client, &["PING"]).await.is_ok());
        }
        Ok(taken)
    }

    /// Ends every connection of the user.
    pub async fn cut(&self) -> Result<()> {
        let user = &self.user;
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'");
        execute_on(&self.admin, &cut).await?;
        ask(&self.redis, &["CLIENT", "KILL", "USER", user]).await.map(drop)
    }

    fn files(&self, password: &str) -> Vec<(&'static str, String)> {
        match self.form {
            Form::Urls => {
                vec![("postgres", self.url(0, password)), ("redis", self.url(1, password) + "\n")]
            }
            Form::Passwords => vec![
                ("postgres", password.to_owned()),
                ("redis", format!("{password}\n")),
                ("sentinel", sentinel_password(password)),
            ],
        }
    }

    /// As the kubelet does it: a fresh folder, and one rename of the link that leads to it.
    pub fn write(&self, folder: &Path, password: &str) -> Result<()> {
        let data = format!("..{password}");
        std::fs::create_dir(folder.join(&data))?;
        for (file, text) in self.files(password) {
            std::fs::write(folder.join(&data).join(file), text)?;
            let _ = std::os::unix::fs::symlink(format!("..data/{file}"), folder.join(file));
        }
        std::os::unix::fs::symlink(&data, folder.join("..data_tmp"))?;
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data"))?;
        Ok(())
    }

    pub fn settings(&self, folder: &Path) -> Result<Settings> {
        keyfile::create(&folder.join("keyring.toml"), 64, &mut rand::rng())?;
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let without_password = |which: usize| self.urls[which].replacen(":PASSWORD", "", 1);
        let mut flags = vec![
            ("data.folder", folder.to_string_lossy().into_owned()),
            ("codes.confirm_replicas", "0".to_owned()),
            ("server.bind", "127.0.0.1:0".to_owned()),
            ("server.operator_bind", "127.0.0.1:0".to_owned()),
            ("server.workers", "1".to_owned()),
        ];
        flags.extend(match self.form {
            Form::Urls => {
                vec![("database.url_file", path("postgres")), ("codes.url_file", path("redis"))]
            }
            Form::Passwords => vec![
                ("database.url", without_password(0)),
                ("database.password_file", path("postgres")),
                ("codes.url", without_password(1)),
                ("codes.password_file", path("redis")),
                ("codes.sentinel_password_file", path("sentinel")),
            ],
        });
        Ok(Settings::load(None, [], flags.into_iter().map(|(key, text)| (key, text, "test")))?)
    }
}

/// It differs from that of the servers, so that neither can stand in for the other.
fn sentinel_password(password: &str) -> String {
    format!("sentinel-{password}")
}

fn with_password(client: &redis::Client, user: &str, password: &str) -> Result<redis::Client> {
    let info = client.get_connection_info().clone();
    let settings = info.redis_settings().clone().set_username(user).set_password(password);
    Ok(redis::Client::open(info.set_redis_settings(settings))?)
}

async fn ask(client: &redis::Client, words: &[&str]) -> Result<redis::Value> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut command = redis::cmd(words[0]);
    Ok(command.arg(&words[1..]).query_async(&mut connection).await?)
}
