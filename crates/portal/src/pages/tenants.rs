//! `/portal/tenants`: which tenant to enter.

use crate::{
    http::{
        answer::{go_to, page},
        cookies::{self, Jar},
        signed,
        visiting::{Sent, Visiting},
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::header::SET_COOKIE};
use askama::Template;
use countersign_core::{
    people::member::Role,
    sign_in::{
        enter::{EnterError, enter},
        out::sign_out,
        tenants::{OpenTenant, tenants},
    },
};
use countersign_web::{
    problem::{Problem, directory},
    rng,
};

/// The key of the title. It has the value `name`.
pub const TITLE: &str = "tenants-title";

#[derive(Template)]
#[template(path = "portal/tenants.html")]
pub struct TenantsPage {
    pub shell: Shell,
    pub tenants: Vec<TenantChoice>,
}

pub struct TenantChoice {
    pub id: String,
    pub name: String,
    /// The role, and the last visit.
    pub line: String,
}

impl TenantChoice {
    pub fn initials(&self) -> String {
        crate::shell::initials(&self.name)
    }
}

/// `GET /portal/tenants`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    let title = here.t.one(TITLE, "name", here.name());
    let shell = here.shell(title).await?;
    let open = tenants(&here.entrance, here.visit.session.person).await.map_err(directory)?;
    let role = |role| match role {
        Role::Owner => "role-owner",
        Role::Subuser => "role-member",
    };
    let choice = |open: &OpenTenant| TenantChoice {
        id: open.view.tenant.id.to_string(),
        name: open.view.tenant.name.as_str().to_owned(),
        line: here.t.get(role(open.member.limits.role)).into_owned(),
    };
    let view = TenantsPage { shell, tenants: open.iter().map(choice).collect() };
    Ok(page(&view)?)
}

/// `POST /portal/tenants`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, form } = sent;
    let unknown = || Problem::not_found("There is no such tenant.");
    let tenant = form.text("tenant").parse().map_err(|_| unknown())?;
    let entered = enter(&here.entrance, &here.visitor, &here.visit, tenant, here.now(), &mut rng()).await;
    let secret = match entered {
        Ok(secret) => secret,
        Err(EnterError::NotFound) => return Err(unknown().into()),
        Err(EnterError::Refused { .. }) => return Ok(go_to("/portal/refused")),
        // The tenant allows only shorter sessions: the person signs in again.
        Err(EnterError::TooOld) => {
            sign_out(&here.entrance, &here.visitor, &here.visit, here.now()).await.map_err(directory)?;
            let mut answer = go_to("/portal/sign-in");
            answer.headers_mut().append(SET_COOKIE, cookies::clear(&here.request, Jar::Session));
            return Ok(answer);
        }
        Err(EnterError::Moved) => return Ok(go_to("/portal/tenants")),
        Err(EnterError::Unavailable(error)) => return Err(directory(error).into()),
    };
    let to = signed::next(&here.request).unwrap_or_else(|| "/portal".to_owned());
    Ok(signed::with_session(&here.request, go_to(&to), &secret))
}
