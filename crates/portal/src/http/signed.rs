//! A session that has begun: its cookies, and where the browser goes.

use super::{
    answer::go_to,
    cookies::{self, Jar},
    next,
    visiting::Portal,
};
use actix_web::{Error, HttpRequest, HttpResponse, http::header::SET_COOKIE};
use countersign_core::{
    people::invitation::LinkSecret,
    sign_in::{
        begin::NewSession,
        enter::{EnterError, enter},
        tenants::tenants,
        visit::visit,
    },
};
use countersign_web::{problem::directory, rng};
use url::form_urlencoded;

/// The page to which the browser goes on, if the address of this one names one.
pub fn next(request: &HttpRequest) -> Option<String> {
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    let (_, path) = query.find(|(name, _)| name == "next")?;
    next::safe(&path).map(str::to_owned)
}

/// A path with the page to which the browser goes on.
pub fn with_next(path: &str, next: Option<&str>) -> String {
    let Some(next) = next else { return path.to_owned() };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{path}?{query}")
}

/// Gives the browser a new secret of its session.
pub fn with_session(request: &HttpRequest, mut answer: HttpResponse, secret: &LinkSecret) -> HttpResponse {
    answer.headers_mut().append(SET_COOKIE, cookies::set(request, Jar::Session, secret));
    answer
}

/// The answer after a sign-in is finished. A person of one tenant enters it at once.
pub async fn begun(portal: &Portal, new: NewSession, to: Option<String>) -> Result<HttpResponse, Error> {
    let (request, entrance, now) = (&portal.request, &portal.entrance, portal.now());
    let mut secret = new.secret;
    let (mut place, mut is_nowhere) = ("/portal", false);
    if new.session.tenant.is_none() {
        let open = tenants(entrance, new.session.person).await.map_err(directory)?;
        place = "/portal/tenants";
        is_nowhere = open.is_empty();
        if let [only] = open.as_slice() {
            let seen = visit(entrance, &secret, portal.visitor.address, true, now).await;
            if let Ok(seen) = seen {
                let tenant = only.view.tenant.id;
                match enter(entrance, &portal.visitor, &seen, tenant, now, &mut rng()).await {
                    Ok(renewed) => (secret, place) = (renewed, "/portal"),
                    Err(EnterError::Refused { .. }) => place = "/portal/refused",
                    // The page of the tenants says what there is to choose.
                    Err(_) => {}
                }
            }
        }
    }
    let to = match (place, to) {
        ("/portal", to) => to.unwrap_or_else(|| place.to_owned()),
        // Who may enter no company may still accept an invitation.
        (_, Some(to)) if is_nowhere && to.starts_with("/portal/invite/") => to,
        (place, to) => with_next(place, to.as_deref()),
    };
    let mut answer = with_session(request, go_to(&to), &secret);
    let cookies = answer.headers_mut();
    if let Some(device) = new.device.as_ref().or(portal.visitor.device.as_deref()) {
        cookies.append(SET_COOKIE, cookies::set(request, Jar::Device, device));
    }
    for jar in [Jar::Half, Jar::Visit] {
        cookies.append(SET_COOKIE, cookies::clear(request, jar));
    }
    Ok(answer)
}
