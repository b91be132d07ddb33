//! Codes to a number that nobody has confirmed: it may be a stranger's.

use super::{entrance, owner};
use crate::{
    app::TestApp,
    codes::{new_tenant, rng, seconds},
    people::door::{PASSWORD, visitor},
};
use async_trait::async_trait;
use countersign_core::{
    people::password::{Password, PasswordText, Verified},
    phone::PhoneNumber,
    ports::{
        clock::Clock as _,
        hasher::{Crowded, Hasher, Lane},
    },
    sign_in::{
        first::{Entered, Typed, sign_in},
        own::enrolment::{ask_enrolment, send_enrolment_again},
        signed_in::SignedIn,
    },
};
use futures_util::future::join_all;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};

const PEOPLE: u8 = 10;

/// Finds each password right, and makes no work: the thieves know their own passwords.
struct Trusting;

#[async_trait]
impl Hasher for Trusting {
    async fn verify(&self, _: Lane, _: Password, _: Option<PasswordText>) -> Result<Verified, Crowded> {
        Ok(Verified::Yes)
    }

    async fn hash(
        &self,
        _: Lane,
        _: Password,
        _: Vec<PasswordText>,
    ) -> Result<Option<PasswordText>, Crowded> {
        Err(Crowded)
    }
}

/// Ten persons, each in two browsers at two addresses, ask for codes to one number, for a day and a half.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_number_gets_few_messages_whoever_asks_from_wherever() {
    let app = TestApp::spawn().await;
    let acme = new_tenant(&app.context, &app.clock, "Acme").await.tenant;
    let (mut entrance, _) = entrance(&app);
    entrance.hasher = Arc::new(Trusting);
    for number in 0..PEOPLE {
        owner(&app, &format!("thief{number}"), &[acme]).await;
    }
    let stranger = PhoneNumber::parse("+48500700800").unwrap();
    let (mut sent, mut sent_in_a_day, mut asked) = (0, 0, 0);
    // A session lasts for twelve hours, and a day has 36 of these rounds.
    for round in 0..54_u32 {
        let mut seats = Vec::new();
        for number in 0..PEOPLE {
            // Each round a thief has two more browsers, at addresses of their own.
            let place = Ipv4Addr::from_bits(0x0b00_0000 + (round * 64 + u32::from(number)) * 256);
            let (here, email) = (visitor(place, None), format!("thief{number}@example.com"));
            let typed = Typed { email: &email, password: PASSWORD };
            let entered = sign_in(&entrance, &here, typed, None, app.clock.now(), &mut rng()).await;
            let Ok(Entered::SignedIn(new)) = entered else { panic!("{round}: {entered:?}") };
            let account = entrance.people.account(new.session.person).await.unwrap().unwrap();
            seats.push((new.session, account, here));
        }
        let all = seats.iter().map(|(session, account, visitor)| async {
            let now = app.clock.now();
            let own = SignedIn { entrance: &entrance, session, account, visitor, now };
            let first = ask_enrolment(&own, PASSWORD, &stranger, None, &mut rng()).await.is_ok();
            let again = send_enrolment_again(&own, &stranger, &mut rng()).await.is_ok();
            u32::from(first) + u32::from(again)
        });
        let done: u32 = join_all(all).await.into_iter().sum();
        assert!(done <= 3, "{done} at once");
        asked += 2 * u32::from(PEOPLE);
        sent += done;
        if round < 36 {
            sent_in_a_day += done;
        }
        app.clock.turn(seconds(2_400));
    }
    assert_eq!(asked, 1_080);
    assert!((1..=6).contains(&sent_in_a_day), "{sent_in_a_day} in a day");
    assert!(sent <= 12, "{sent}");
    let to_stranger = async || {
        let all = app.inbox.list(None, 10_000).await.unwrap();
        all.iter().filter(|message| message.to == stranger.e164()).count() as u32
    };
    for _ in 0..300 {
        if to_stranger().await >= sent {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(to_stranger().await, sent, "as many as were asked for with success");
}
