//! Kills a worker at a chosen point of its loop. A proxy shows when the worker is there, and holds it.

use crate::{
    load::Book,
    trials::{Trials, say, wait_until},
};
use anyhow::{Context, Result, ensure};
use countersign_bench::{
    api::Api,
    nodes::Redis,
    proxy::{Hold, Proxy},
    relay::Manner,
};
use std::{net::SocketAddr, time::Duration};
use tokio::time::sleep;

/// The number of messages in progress when the worker dies.
const MESSAGES: usize = 4;
/// A worker checks for messages each second, even if nothing wakes it; this is enough for one check.
const LOOKED: Duration = Duration::from_secs(2);
/// The time until another worker sends a dead worker's messages: the lease, the silence, and a check of all
/// partitions.
const TAKEN_OVER: Duration = Duration::from_secs(17);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    ClaimAsked,
    ClaimDone,
    Sending,
    Settled,
    Answered,
}

impl Point {
    /// The point after which messages are sent again is the last.
    const ALL: [Self; 5] = [Self::ClaimAsked, Self::ClaimDone, Self::Sending, Self::Settled, Self::Answered];

    fn name(self) -> &'static str {
        match self {
            Self::ClaimAsked => "before Redis heard its claim",
            Self::ClaimDone => "before it heard what it claimed",
            Self::Sending => "before the provider answered",
            Self::Answered => "between the provider's answer and the settle",
            Self::Settled => "before it heard that it had settled",
        }
    }
}

impl Trials<'_> {
    /// No message is lost at any point. A message is sent twice only if the provider's answer was not settled
    /// yet.
    pub async fn a_worker_dies_at_each_point(&self, redis: &Redis) -> Result<()> {
        let server = SocketAddr::from(([127, 0, 0, 1], redis.port));
        let proxy = Proxy::open(server).await?;
        let direct = self.installation.with("CODES__URL", &format!("redis://{server}"));
        let held = self
            .installation
            .with("CODES__URL", &format!("redis://{}", proxy.address))
            // Longer than it takes to bring all messages to that point.
            .with("DELIVERY__RELAY__TIMEOUT", "4s")
            .with("DELIVERY__SEND_TIMEOUT", "5s")
            .with("DELIVERY__LEASE", "10s");
        let (_, _, live) = self.keys("Points")?;
        let node = direct.serve("api", "points").await?;
        let (api, book) = (Api::new(&node.base_url, &live)?, Book::from(280_000));
        let mut sent = Vec::new();
        for point in Point::ALL {
            let mut victim = held.serve("worker", "victim").await?;
            let name = point.name();
            match point {
                Point::ClaimAsked => proxy.hold(Hold::Requests),
                Point::ClaimDone => proxy.hold(Hold::Answers),
                _ => self.phones.answer(Manner::Late),
            }
            let mut ids = Vec::new();
            for _ in 0..MESSAGES {
                ids.push(book.start(&api).await.with_context(|| format!("no start {name}"))?);
            }
            if matches!(point, Point::ClaimAsked | Point::ClaimDone) {
                sleep(LOOKED).await;
            } else {
                wait_until(async || ids.iter().all(|id| self.phones.was_asked(id))).await.context(name)?;
                match point {
                    Point::Answered => proxy.hold(Hold::Requests),
                    Point::Settled => proxy.hold(Hold::Answers),
                    _ => {}
                }
                if point != Point::Sending {
                    self.phones.answer(Manner::Soon);
                }
            }
            let arrived = || ids.iter().all(|id| self.phones.of(id).is_some());
            match point {
                Point::Answered => wait_until(async || arrived()).await.context(name)?,
                Point::Settled => {
                    let settled = async || {
                        for id in &ids {
                            let read = api.get(&format!("/v1/verifications/{id}")).await;
                            if !read.is_ok_and(|read| read.json["delivery"] == "sent") {
                                return false;
                            }
                        }
                        true
                    };
                    wait_until(settled).await.context(name)?;
                }
                _ => ensure!(!ids.iter().any(|id| self.phones.of(id).is_some()), "{name}: it was sent"),
            }
            victim.process.kill()?;
            if point == Point::Sending {
                self.phones.answer(Manner::Never);
                sleep(Duration::from_millis(200)).await;
            }
            self.phones.answer(Manner::Soon);
            // Cutting the proxy drops the held bytes.
            proxy.cut();
            proxy.mend();
            let other = direct.serve("worker", "survivor").await?;
            wait_until(async || arrived()).await.with_context(|| format!("lost {name}"))?;
            // The next worker has all partitions from its start.
            other.process.end()?;
            sent.push((point, ids));
        }
        let last = direct.serve("worker", "survivor").await?;
        sleep(TAKEN_OVER).await;
        for (point, ids) in sent {
            let received = ids.iter().filter_map(|id| self.phones.of(id));
            let times: Vec<_> = received.flat_map(|received| received.messages.into_values()).collect();
            let expected = if point == Point::Answered { 2 } else { 1 };
            ensure!(
                times == [expected; MESSAGES],
                "killed {}, messages arrived {times:?} times",
                point.name()
            );
        }
        drop(last);
        ensure!(self.phones.faults().is_empty(), "{:?}", self.phones.faults());
        let points: Vec<_> = Point::ALL.into_iter().map(Point::name).collect();
        say(
            "a worker killed at each point of its loop",
            &format!("{}: none lost, twice only {}", points.join(", "), Point::Answered.name()),
        );
        Ok(())
    }
}
