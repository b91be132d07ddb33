//! An actor with a share of profiles.

use super::{Bench, number, rng, seconds, wrong};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        change::Change,
        share::{NotShared, Share},
    },
    acts::{
        cancel::{CancelError, cancel_verification},
        check::{CheckError, Submitted, check_code, check_code_by_number},
        families::{Family, FamilyError, check_in_family, find_in_family, start_in_family},
        history::{HistoryError, timeline::read_timeline},
        read::{ReadError, read_verification},
        resend::{ResendError, resend_verification},
        start::{
            request::{StartError, StartRequest},
            start_verification,
        },
    },
    id::{KeyId, ProfileId},
    phone::PhoneNumber,
    ports::clock::Clock,
    tenant::profile::{Profile, ProfileName},
    verification::{outcome::CheckOutcome, status::Status},
};

pub async fn an_actor_reaches_only_its_profiles(bench: Bench) {
    let (context, now) = (&bench.context, bench.clock.now());
    let tenant = bench.caller.tenant;
    let other = Profile {
        name: ProfileName::parse("other").unwrap(),
        ..Profile::first(ProfileId::new(now, &mut rng()), tenant, now)
    };
    context.directory.create_profile(&other, &Change::by_system(now)).await.unwrap();
    context.refresh().await.unwrap();
    let bounded = Actor {
        who: Who::Key(KeyId::new(now, &mut rng())),
        profiles: Share::one(other.id),
        ..bench.caller.clone()
    };
    let request = |name: &str| StartRequest {
        profile: ProfileName::parse(name).unwrap(),
        ..StartRequest::plain(PhoneNumber::parse(&number(1)).unwrap())
    };
    let start = async |name: &str| {
        let (once, now) = (None, bench.clock.now());
        start_verification(context, &bounded, request(name), once, now, &mut rng()).await
    };
    // A foreign profile and one that does not exist.
    for name in ["default", "nothing"] {
        assert!(matches!(start(name).await, Err(StartError::NotShared(NotShared))), "{name}");
    }
    let unknown = start_verification(context, &bench.caller, request("nothing"), None, now, &mut rng()).await;
    assert!(matches!(unknown, Err(StartError::UnknownProfile)), "an actor without bounds may know it");

    let (foreign, code) = bench.start_with_code(&number(1)).await;
    let own = start("other").await.unwrap().verification.id;
    let claims = bench.claim().await;
    let own_code = bench.code_of(claims.iter().find(|claim| claim.key.id == own).unwrap());
    bench.clock.turn(seconds(60));
    let now = bench.clock.now();
    for code in [&code, &wrong(&code)] {
        let checked = check_code(context, &bounded, foreign, Submitted::plain(code), now, &mut rng()).await;
        assert!(matches!(checked, Err(CheckError::NotFound)), "{checked:?}");
    }
    let to = PhoneNumber::parse(&number(1)).unwrap();
    for name in [ProfileName::default(), ProfileName::parse("nothing").unwrap()] {
        let submitted = Submitted::plain(&code);
        let by_number =
            check_code_by_number(context, &bounded, &to, &name, submitted.clone(), now, &mut rng()).await;
        assert!(matches!(by_number, Err(CheckError::NotShared(_))), "{by_number:?}");
        let place = (&to, &name);
        let in_family =
            check_in_family(context, &bounded, Family::Smsapi, place, submitted, now, &mut rng()).await;
        assert!(matches!(in_family, Err(CheckError::NotShared(_))), "{in_family:?}");
    }
    let resent =
        resend_verification(context, &bounded, foreign, None, &Change::by_system(now), &mut rng()).await;
    assert!(matches!(resent, Err(ResendError::NotFound)), "{resent:?}");
    let canceled = cancel_verification(context, &bounded, foreign, &Change::by_system(now), &mut rng()).await;
    assert!(matches!(canceled, Err(CancelError::NotFound)), "{canceled:?}");
    let read = read_verification(context, &bounded, foreign, now).await;
    assert!(matches!(read, Err(ReadError::NotFound)), "{read:?}");
    let timeline = read_timeline(context, &bounded, foreign).await;
    assert!(matches!(timeline, Err(HistoryError::NotFound)), "{timeline:?}");

    let request = StartRequest::plain(to.clone());
    let begun =
        start_in_family(context, &bench.caller, Family::Twilio, request.clone(), now, &mut rng()).await;
    assert!(begun.is_ok());
    let refused = start_in_family(context, &bounded, Family::Twilio, request, now, &mut rng()).await;
    assert!(matches!(refused, Err(FamilyError::Start(StartError::NotShared(_)))), "{refused:?}");
    let default = bench.read(foreign).await.profile_id;
    let find = async |actor| find_in_family(context, actor, Family::Twilio, &to, default).await.unwrap();
    assert!(find(&bench.caller).await.is_some() && find(&bounded).await.is_none());

    // Nothing of this has touched the foreign verification, and the own one is reached by each act.
    let untouched = bench.read(foreign).await;
    assert_eq!((untouched.status, untouched.attempts_left, untouched.sends_left), (Status::Pending, 5, 4));
    assert_eq!(bench.history(foreign).await, ["started"]);
    assert_eq!(read_verification(context, &bounded, own, now).await.unwrap().id, own);
    assert_eq!(read_timeline(context, &bounded, own).await.unwrap().len(), 1);
    assert!(
        resend_verification(context, &bounded, own, None, &Change::by_system(now), &mut rng()).await.is_ok()
    );
    let name = ProfileName::parse("other").unwrap();
    let submitted = Submitted::plain(&own_code);
    let checked =
        check_code_by_number(context, &bounded, &to, &name, submitted, now, &mut rng()).await.unwrap();
    assert_eq!((checked.id, checked.outcome), (own, CheckOutcome::Approved));
}
