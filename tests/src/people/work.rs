//! Nobody learns from the work of the server whether an address is known: the same statements and hashes.

use super::{
    door::{Door, PASSWORD, WRONG, visitor},
    endings::disable,
};
use crate::{
    codes::rng,
    directory::{Base, started},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{actor::Actor, change::Change},
    management::invitations::{Handover, invite},
    people::{hours::Zone, member::Limits, person::EmailAddress},
    sign_in::{first::SignInError, join::open_invitation},
};
use countersign_stores::{directory::SqlDirectory, people::SqlPeople, sql::Sql};
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// The statements that went through a proxy.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    /// Those since the last call, sorted: the order of counts follows from their keys.
    fn taken(&self) -> Vec<String> {
        let mut texts = std::mem::take(&mut *self.0.lock().unwrap());
        texts.sort_unstable();
        texts
    }

    /// Opens a proxy before a server and returns its port.
    async fn listen(&self, server: String) -> Result<u16> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let statements = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { return };
                let ((from_client, mut to_client), (mut from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                let statements = statements.clone();
                tokio::spawn(async move { statements.pass(from_client, to_server).await });
            }
        });
        Ok(port)
    }

    /// Passes a client's messages on, and notes the text of each that has one.
    async fn pass(&self, mut client: OwnedReadHalf, mut server: OwnedWriteHalf) -> std::io::Result<()> {
        // The first message has no letter before its length.
        let length = client.read_u32().await?;
        let mut start = vec![0; length as usize - 4];
        client.read_exact(&mut start).await?;
        server.write_u32(length).await?;
        server.write_all(&start).await?;
        loop {
            let (kind, length) = (client.read_u8().await?, client.read_u32().await?);
            let mut body = vec![0; length as usize - 4];
            client.read_exact(&mut body).await?;
            let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text));
            let text = match kind {
                b'Q' => texts.next(),
                // Before the text stands the name of the statement.
                b'P' => texts.nth(1),
                _ => None,
            };
            self.0.lock().unwrap().extend(text.map(|text| text.into_owned()));
            server.write_u8(kind).await?;
            server.write_u32(length).await?;
            server.write_all(&body).await?;
        }
    }
}

/// An installation whose statements can be read.
async fn watched(base: &Base) -> Result<(Door, Statements)> {
    let mut door = Door::new(base).await?;
    let statements = Statements::default();
    let url = started("COUNTERSIGN_TEST_POSTGRES")?;
    let (user, rest) = url.split_once('@').context("a user")?;
    let server = rest.split('/').next().context("a server")?.to_owned();
    let port = statements.listen(server).await?;
    let name = base.name().context("a database of a server")?;
    let sql = Sql::postgres(&format!("{user}@127.0.0.1:{port}/{name}"), None)?;
    let directory = SqlDirectory::new(sql, Arc::clone(&door.entrance.context.keyring));
    door.entrance.context.management.replica.directory = Arc::new(directory.clone());
    door.entrance.people = Arc::new(SqlPeople::new(directory));
    Ok((door, statements))
}

async fn a_sign_in_that_fails_asks_the_same(base: &Base) -> Result<()> {
    let (door, statements) = watched(base).await?;
    let ada = door.owner("ada").await?;
    door.with_phone(ada.person, "+48501000009").await?;
    let eve = door.owner("eve").await?;
    disable(&door, &eve).await?;
    let mut seen = Vec::new();
    let tried =
        [("ada", WRONG), ("nobody", WRONG), ("eve", PASSWORD), ("eve", WRONG), ("no address", PASSWORD)];
    for (number, (name, password)) in (1_u8..).zip(tried) {
        // One connection is open, and begins no transaction of another act.
        for turn in 0..3 {
            statements.taken();
            door.hasher.taken();
            let here = visitor(Ipv4Addr::new(203, 0, 113, number), None);
            let refused = door.sign_in(&here, name, password).await;
            ensure!(matches!(refused, Err(SignInError::Wrong)), "{name}: {refused:?}");
            let work = (turn, statements.taken(), door.hasher.taken());
            ensure!(work.1.len() > 4 && work.2 == 1, "{work:?}");
            seen.push((name, work));
        }
    }
    for (name, work) in &seen {
        let first = seen.iter().find(|(_, first)| first.0 == work.0).context("a first")?;
        assert_eq!(work, &first.1, "{name} and {}", first.0);
    }
    Ok(())
}

async fn the_page_of_an_invitation_asks_the_same(base: &Base) -> Result<()> {
    let (door, statements) = watched(base).await?;
    door.owner("ada").await?;
    let second = crate::codes::new_tenant(&door.entrance.context, &door.clock, "Second").await.tenant;
    let (operator, limits) = (Actor::operator(second), Limits::of_owner(Zone::default()));
    let by = Change::by_operator(door.now());
    let mut seen = Vec::new();
    for name in ["ada", "nobody"] {
        let to = EmailAddress::parse(&super::door::email(name)).context("an address")?;
        statements.taken();
        let (made, secret) =
            invite(&door.entrance.context, &operator, (&to, &limits), Handover::Mail, &by, &mut rng())
                .await?;
        let inviting = statements.taken();
        let link = (second, made.id);
        let open = open_invitation(&door.entrance, link, &secret, door.now()).await?;
        assert_eq!(open.email, to);
        seen.push((inviting, statements.taken()));
    }
    ensure!(!seen[0].0.is_empty() && !seen[0].1.is_empty());
    assert_eq!(seen[0], seen[1]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_disabled_and_wrong_are_the_same_statements_and_hashes() -> Result<()> {
    let base = Base::postgres().await?;
    base.sql.migrate().await?;
    let outcome = a_sign_in_that_fails_asks_the_same(&base).await;
    base.close().await?;
    outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_and_unknown_guests_are_the_same_statements() -> Result<()> {
    let base = Base::postgres().await?;
    base.sql.migrate().await?;
    let outcome = the_page_of_an_invitation_asks_the_same(&base).await;
    base.close().await?;
    outcome
}
