//! Which requests reach the portal: all, none, or those to its own host. The host only decides what is served
//! where. No link is built from it, because a client can send any.

use crate::configuration::PortalSettings;
use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HOST, HeaderMap},
    middleware::Next,
};
use countersign_web::problem::Problem;
use std::sync::Arc;

/// Where this node serves the portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortalPlace {
    Nowhere,
    /// At each host, beside the API.
    Beside,
    /// At this host, as the header Host names it. The API is at all others.
    Host(Arc<str>),
}

impl PortalPlace {
    pub fn new(settings: &PortalSettings) -> Self {
        // The URL is an origin, so the rest after the scheme is host and port.
        let host = settings.url.as_deref().and_then(|url| url.split_once("://"));
        match (settings.on, host) {
            (false, _) => Self::Nowhere,
            (true, None) => Self::Beside,
            (true, Some((_, host))) => Self::Host(host.into()),
        }
    }

    fn admits(&self, path: &str, host: Option<&[u8]>) -> bool {
        let portal = is_below(path, "/portal");
        match self {
            Self::Nowhere => !portal,
            Self::Beside => true,
            Self::Host(own) if host == Some(own.as_bytes()) => portal || is_below(path, "/health"),
            Self::Host(_) => !portal,
        }
    }

    /// Wraps the application. A request that is not admitted gets the answer of a path that does not exist.
    pub async fn guard<B: MessageBody>(
        self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<EitherBody<B>>, Error> {
        // The path as the routes see it, without needless escapes.
        if self.admits(request.match_info().as_str(), single_host(request.headers())) {
            return Ok(next.call(request).await?.map_into_left_body());
        }
        let refusal = Problem::not_found("There is nothing at this path.");
        Ok(request.error_response(refusal).map_into_right_body())
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The header Host, if there is exactly one.
fn single_host(headers: &HeaderMap) -> Option<&[u8]> {
    let mut hosts = headers.get_all(HOST);
    let first = hosts.next()?;
    hosts.next().is_none().then(|| first.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{App, HttpRequest, HttpResponse, middleware::from_fn, test, web};

    async fn status(place: &PortalPlace, hosts: &[&str], path: &str) -> u16 {
        let place = place.clone();
        let guard = from_fn(move |request, next| place.clone().guard(request, next));
        let routes = ["/portal", "/portal/sign-in", "/v1/tenant", "/health/live", "/portals"];
        let app = routes.iter().fold(App::new().wrap(guard), |app, path| {
            app.route(path, web::get().to(|_: HttpRequest| async { HttpResponse::NoContent().finish() }))
        });
        let app = test::init_service(app).await;
        let mut request = test::TestRequest::get().uri(path);
        for host in hosts {
            request = request.append_header((HOST, *host));
        }
        test::call_service(&app, request.to_request()).await.status().as_u16()
    }

    fn place(on: bool, url: Option<&str>) -> PortalPlace {
        PortalPlace::new(&PortalSettings { on, url: url.map(str::to_owned) })
    }

    #[actix_web::test]
    async fn a_portal_without_a_host_of_its_own_is_beside_the_api_or_off() {
        let (on, off) = (place(true, None), place(false, Some("https://portal.example.com")));
        for host in ["sms.example.com", "portal.example.com", "10.0.0.1:8443"] {
            for path in ["/v1/tenant", "/health/live", "/portals"] {
                assert_eq!(status(&on, &[host], path).await, 204, "{path}");
                assert_eq!(status(&off, &[host], path).await, 204, "{path}");
            }
            for path in ["/portal", "/portal/sign-in", "/%70ortal/sign-in"] {
                assert_eq!(status(&on, &[host], path).await, 204, "{path}");
                assert_eq!(status(&off, &[host], path).await, 404, "{path}");
            }
        }
    }

    #[actix_web::test]
    async fn a_host_of_the_portal_has_the_portal_and_health_alone() {
        for own in ["portal.example.com", "portal.example.com:8443", "[::1]:8080"] {
            let place = place(true, Some(&format!("https://{own}")));
            for path in ["/portal", "/portal/sign-in", "/%70ortal/sign-in", "/health/live"] {
                assert_eq!(status(&place, &[own], path).await, 204, "{path}");
            }
            for path in ["/v1/tenant", "/v1%2Ftenant", "/%76%31/tenant", "/portals", "/healthy", "/"] {
                assert_eq!(status(&place, &[own], path).await, 404, "{path}");
            }
        }
    }

    #[actix_web::test]
    async fn every_other_host_has_all_but_the_portal() {
        let place = place(true, Some("https://portal.example.com"));
        let own = "portal.example.com";
        for hosts in [
            &[][..],
            &["sms.example.com"],
            &["portal.example.com:443"],
            &["Portal.example.com"],
            &["portal.example.com."],
            &["x.portal.example.com"],
            &[own, own],
            &["sms.example.com", own],
        ] {
            for path in ["/v1/tenant", "/health/live", "/portals"] {
                assert_eq!(status(&place, hosts, path).await, 204, "{hosts:?} {path}");
            }
            for path in ["/portal", "/portal/sign-in", "/%70ortal/sign-in"] {
                assert_eq!(status(&place, hosts, path).await, 404, "{hosts:?} {path}");
            }
        }
    }
}
