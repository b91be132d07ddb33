//! `/portal/invite/{tenant}/{invitation}/{secret}`: an invitation to a tenant.

use super::{
    choice::{self, Choice},
    may,
    newcomer::{Newcomer, NotJoined, bad_link, chosen_language, chosen_zone, not_joined},
};
use crate::{
    http::{
        answer::{go_to, page_with},
        cookies::{self, Jar},
        form::Form,
        language, signed,
        visiting::Portal,
    },
    mail,
    shell::{Flash, Shell},
    text::Text,
};
use actix_web::{Error, HttpResponse, http::StatusCode, web};
use askama::Template;
use countersign_core::{
    id::{InvitationId, TenantId},
    management::inviter::Inviter,
    people::invitation::LinkSecret,
    phone::PhoneNumber,
    sign_in::{
        begin::NewSession,
        enter::{EnterError, enter},
        join::{
            JoinError, OpenInvitation, accept_as_new, accept_signed_in, open_invitation, send_first_code,
        },
        late::set_flash,
        visit::{Gone, Visit, visit},
    },
};
use countersign_web::{problem::directory, rng};

/// The keys of the title. They have the value `tenant`, and the first also `name`.
pub const TITLE: &str = "invite-title";
pub const TITLE_NAMELESS: &str = "invite-title-nameless";

#[derive(Template)]
#[template(path = "portal/invite.html")]
pub struct InvitePage {
    pub shell: Shell,
    pub tenant: String,
    pub email: String,
    pub until: String,
    pub is_by_operator: bool,
    /// What the member will be allowed to do, a sentence each.
    pub may: Vec<String>,
    pub reader: Reader,
}

/// Who looks at the invitation, as far as this browser tells. Nothing is said of whether the address is known.
pub enum Reader {
    /// Nobody is signed in.
    Stranger { name: String, phone: Option<String>, languages: Vec<Choice>, zones: Vec<Choice> },
    /// The invited person is signed in.
    Invited,
    /// Somebody else is signed in.
    Other,
}

/// The ids and the secret in the address of an invitation.
type Address = web::Path<(String, String, String)>;

/// An invitation that is good.
struct Invited {
    ids: (TenantId, InvitationId),
    secret: LinkSecret,
    open: OpenInvitation,
}

impl Invited {
    async fn of(portal: &Portal, address: &Address) -> Result<Option<Self>, Error> {
        let (tenant, id, secret) = &**address;
        let (Ok(tenant), Ok(id), Some(secret)) = (tenant.parse(), id.parse(), LinkSecret::parse(secret))
        else {
            return Ok(None);
        };
        match open_invitation(&portal.entrance, (tenant, id), &secret, portal.now()).await {
            Ok(open) => Ok(Some(Self { ids: (tenant, id), secret, open })),
            Err(JoinError::Unavailable(error)) => Err(directory(error).into()),
            Err(_) => Ok(None),
        }
    }

    fn link(&self) -> (TenantId, InvitationId, &LinkSecret) {
        (self.ids.0, self.ids.1, &self.secret)
    }
}

/// `GET /portal/invite/{tenant}/{invitation}/{secret}`
pub async fn show(portal: Portal, address: Address) -> Result<HttpResponse, Error> {
    match Invited::of(&portal, &address).await? {
        Some(invited) => answer(&portal, &invited, &Form::default()).await,
        None => bad_link(&portal),
    }
}

/// `POST /portal/invite/{tenant}/{invitation}/{secret}`: a new person joins, a person who is signed in accepts, or
/// somebody signs in first.
pub async fn send(portal: Portal, address: Address, mut form: Form) -> Result<HttpResponse, Error> {
    let Some(invited) = Invited::of(&portal, &address).await? else { return bad_link(&portal) };
    let (request, now) = (&portal.request, portal.now());
    let (entrance, visitor) = (&portal.entrance, &portal.visitor);
    let t = language::of_request(request);
    let act = form.text("act").to_owned();
    let joined = match act.as_str() {
        "accept" => {
            let Some(here) = visit_of(&portal).await? else {
                return Ok(go_to(&signed::with_next("/portal/sign-in", Some(request.path()))));
            };
            let accepted = accept_signed_in(entrance, visitor, invited.link(), &here, now, &mut rng()).await;
            match accepted {
                Ok(member) => return entered(&portal, &here, member.tenant).await,
                Err(error) => Err(error),
            }
        }
        "sign-in" => return Ok(go_to(&signed::with_next("/portal/sign-in", Some(request.path())))),
        _ => {
            // Both are read, so that the page names all errors.
            let (newcomer, number) =
                (Newcomer::read(t, &mut form), invited.open.needs_phone.then(|| read_number(t, &mut form)));
            let (Some(newcomer), None | Some(Some(_))) = (newcomer, &number) else {
                return answer(&portal, &invited, &form).await;
            };
            let former = cookies::read(request, Jar::Session);
            let new = newcomer.with(form.raw("password"));
            let new =
                accept_as_new(entrance, visitor, invited.link(), new, former.as_ref(), now, &mut rng()).await;
            new.map(|new| (new, number.flatten()))
        }
    };
    let refused = match joined {
        Ok((new, None)) => return signed::begun(&portal, new, None).await,
        Ok((new, Some(number))) => return add_phone(&portal, t, new, (form.raw("password"), &number)).await,
        Err(error) => not_joined(&portal, t, error)?,
    };
    match refused {
        NotJoined::Answer(answer) => Ok(answer),
        NotJoined::Errors(errors) => {
            form.errors = errors;
            answer(&portal, &invited, &form).await
        }
    }
}

fn read_number(t: Text, form: &mut Form) -> Option<PhoneNumber> {
    form.read("phone", |text| PhoneNumber::parse(text).map_err(|_| t.get("phone-unreadable").into_owned()))
}

/// The tenant demands a second factor: the first code is sent to the number, and the next page asks for it.
async fn add_phone(
    portal: &Portal,
    t: Text,
    new: NewSession,
    typed: (&str, &PhoneNumber),
) -> Result<HttpResponse, Error> {
    let (entrance, visitor) = (&portal.entrance, &portal.visitor);
    let sent = send_first_code(entrance, visitor, &new, typed, portal.now(), &mut rng()).await;
    if sent.is_err() {
        let flash = serde_json::to_vec(&Flash::warn(t.get("invite-phone-failed"))).unwrap_or_default();
        set_flash(entrance, new.session.id, &flash, &mut rng()).await.map_err(directory)?;
    }
    signed::begun(portal, new, Some("/portal/two-factor".to_owned())).await
}

/// The person who is signed in here, if anybody is.
async fn visit_of(portal: &Portal) -> Result<Option<Visit>, Error> {
    let Some(secret) = cookies::read(&portal.request, Jar::Session) else { return Ok(None) };
    match visit(&portal.entrance, &secret, portal.visitor.address, false, portal.now()).await {
        Ok(here) => Ok(Some(here)),
        Err(Gone::Unavailable(error)) => Err(directory(error).into()),
        Err(_) => Ok(None),
    }
}

/// Enters the tenant that was joined. If it demands something first, the page of the tenants says so.
async fn entered(portal: &Portal, here: &Visit, tenant: TenantId) -> Result<HttpResponse, Error> {
    match enter(&portal.entrance, &portal.visitor, here, tenant, portal.now(), &mut rng()).await {
        Ok(secret) => Ok(signed::with_session(&portal.request, go_to("/portal"), &secret)),
        Err(EnterError::Unavailable(error)) => Err(directory(error).into()),
        Err(_) => Ok(go_to("/portal/tenants")),
    }
}

async fn answer(portal: &Portal, invited: &Invited, form: &Form) -> Result<HttpResponse, Error> {
    let open = &invited.open;
    let shell = Shell::stranger(&portal.request, &portal.state, TITLE_NAMELESS);
    let t = shell.t;
    let person = visit_of(portal).await?.map(|here| here.account.person.email);
    let reader = match person {
        Some(email) if email == open.mark => Reader::Invited,
        Some(_) => Reader::Other,
        None => Reader::Stranger {
            name: form.text("name").to_owned(),
            phone: open.needs_phone.then(|| form.text("phone").to_owned()),
            languages: choice::languages(chosen_language(t, form)),
            zones: choice::zones(&chosen_zone(t, form)),
        },
    };
    let tenant = open.tenant.as_str();
    let title = match &open.inviter {
        Inviter::Named { name, .. } => mail::shown_name(name),
        Inviter::Operator | Inviter::Unknown => None,
    };
    let title = match title {
        Some(name) => t.with(TITLE, &[("name", name.into()), ("tenant", tenant.into())]),
        None => t.one(TITLE_NAMELESS, "tenant", tenant),
    };
    let status = if form.errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let view = InvitePage {
        tenant: open.tenant.as_str().to_owned(),
        email: open.email.expose().to_owned(),
        is_by_operator: open.inviter == Inviter::Operator,
        until: shell.day_and_clock(open.expires_at),
        may: may::sentences(t, &open.limits),
        reader,
        shell: Shell { title, ..shell }.with_errors(form.errors.clone()),
    };
    Ok(view.shell.dress(page_with(status, &view)?))
}
