//! All pages with data of a sample company.

use crate::{
    errors::Errors,
    pages::{
        choice, code, devices, email, forgot, home, invite, link, mail, member_sign_ins, password,
        portal_list, profile, proof, recovery, recovery_codes, refused_address, reset, security,
        security_rules, setup, sign_in, signed_out, tenants, two_factor, unavailable,
    },
    shell::{Account, Banner, Flash, Reach, Shell},
    text::Text,
    when::When,
};
use askama::Template;
use countersign_core::{
    mode::Mode,
    people::hours::Zone,
    tenant::security::{PasswordAge, SessionIdle, SessionTotal},
    time::Timestamp,
};
use proof::{Act, Proof, ProofPage};

/// What people call themselves and their companies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    Plain,
    Hostile,
}

impl Names {
    fn of(self, plain: &str) -> String {
        match self {
            Self::Plain => plain.to_owned(),
            Self::Hostile => format!("<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {plain}"),
        }
    }
}

/// 2026-11-26, 13:32:18 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_795_699_938_000);

struct Sample {
    t: Text,
    names: Names,
}

impl Sample {
    fn zone(&self) -> Zone {
        Zone::parse("Europe/Warsaw").unwrap()
    }

    fn door(&self, title: &str) -> Shell {
        self.titled(self.t.get(title).into_owned())
    }

    fn titled(&self, title: String) -> Shell {
        Shell {
            t: self.t,
            title,
            token: "0123456789abcdef".to_owned(),
            errors: Errors::default(),
            flash: None,
            support: Some("help@codes.example".to_owned()),
            host: Some("portal.codes.example".to_owned()),
            zone: self.zone(),
            now: NOW,
            account: None,
            cookie: None,
        }
    }

    fn account(&self, path: &str) -> Account {
        Account {
            person: self.names.of("Marta Wiśniewska"),
            reach: Reach::Owner,
            tenant: Some(self.names.of("Zielony Koszyk")),
            may_change: true,
            path: path.to_owned(),
            banners: Vec::new(),
            mode: None,
            ends_at: Some(Timestamp::from_millis(NOW.millis() + 86_400_000)),
        }
    }

    fn app(&self, title: &str, path: &str) -> Shell {
        self.door(title).with_account(self.account(path))
    }

    fn named(&self, title: &str, name: &'static str, value: &str) -> Shell {
        self.titled(self.t.one(title, name, self.names.of(value)))
    }

    fn proof_code(&self) -> Proof {
        Proof::Code {
            number: "+48******231".to_owned(),
            says: self.names.of("code to change the rules"),
            until: "14:42".to_owned(),
            again_from: Some("14:32:40".to_owned()),
        }
    }

    fn when(&self, seconds: i64) -> When {
        When::of(self.t, &self.zone(), Timestamp::from_micros(NOW.micros() - seconds * 1_000_000), NOW)
    }

    fn sessions(&self) -> Vec<devices::SessionRow> {
        let row = |id: &str, browser: &str, icon, from: &str, seconds, is_this| devices::SessionRow {
            id: id.to_owned(),
            browser: self.names.of(browser),
            icon,
            from: from.to_owned(),
            signed_in: self.when(seconds),
            last_seen: self.when(seconds / 9),
            is_this,
        };
        vec![
            row("ses_1", "Firefox 145 on Windows", "laptop", "203.0.113.9, Poland", 11_000, true),
            row("ses_2", "Safari on iPhone", "phone", "10.20.4.7", 86_500, false),
            row("ses_3", "Chrome 141 on macOS", "desktop", "192.0.2.214, Latvia", 200_000, false),
        ]
    }

    fn activity(&self) -> Vec<devices::SignInRow> {
        let row = |what: &str, outcome: &str, tone, device: &str, seconds, is_odd| devices::SignInRow {
            what: what.to_owned(),
            outcome: outcome.to_owned(),
            tone,
            device: self.names.of(device),
            from: "192.0.2.214, Latvia".to_owned(),
            at: self.when(seconds),
            is_odd,
        };
        vec![
            row("Signed in", "Done", "good", "Firefox 145 on Windows", 11_000, false),
            row(
                "Signed in with a code",
                "New device, mail sent",
                "warn",
                "Chrome 141 on macOS",
                58_000,
                true,
            ),
            row("Code sent", "Sent to +48******231", "", "Chrome 141 on macOS", 58_060, true),
            row("Wrong password", "Refused", "bad", "Chrome 141 on macOS", 58_120, false),
            row("Password changed", "Done", "good", "Firefox 145 on Windows", 3_500_000, false),
        ]
    }

    fn code(&self, errors: Errors, is_away: bool) -> code::CodePage {
        code::CodePage {
            shell: self.door(code::TITLE).with_errors(errors),
            number: "+48******231".to_owned(),
            until: "14:37".to_owned(),
            again_from: Some("14:32:40".to_owned()),
            may_resend: true,
            is_away,
        }
    }

    fn invite(&self, reader: invite::Reader) -> invite::InvitePage {
        invite::InvitePage {
            shell: self.named(invite::TITLE_NAMELESS, "tenant", "Zielony Koszyk"),
            tenant: self.names.of("Zielony Koszyk"),
            email: self.names.of("kasia@zielonykoszyk.example"),
            until: "28 November 2026, 10:12".to_owned(),
            is_by_operator: matches!(reader, invite::Reader::Invited),
            may: vec!["Read reports: counts and costs, no numbers".to_owned()],
            reader,
        }
    }

    fn sign_in(&self, errors: Errors, reason: Option<String>) -> sign_in::SignInPage {
        sign_in::SignInPage {
            shell: self.door(sign_in::TITLE).with_errors(errors),
            email: self.names.of("marta@zielonykoszyk.example"),
            reason,
        }
    }

    fn phone(&self, proof: Proof, is_change: bool, is_available: bool) -> two_factor::PhonePage {
        let title = if is_change { two_factor::TITLE_CHANGE } else { two_factor::TITLE };
        two_factor::PhonePage {
            shell: self.door(title),
            phone: "+48 500 500 231".to_owned(),
            proof,
            is_change,
            demanded_from: Some("3 December 2026".to_owned()),
            is_demanded: false,
            is_available,
        }
    }

    fn security(&self, two_factor: Option<security::TwoFactor>) -> security::SecurityPage {
        security::SecurityPage {
            shell: self.app(security::TITLE, "/portal/security"),
            is_available: two_factor.is_some(),
            is_demanded: two_factor.is_none(),
            two_factor,
            password_changed: self.when(41 * 86_400).short,
            keys: 5,
            email: self.names.of("marta@zielonykoszyk.example"),
            idle: choice::spans(self.t, SessionIdle::CHOICES, 3_600),
            total: choice::spans(self.t, SessionTotal::CHOICES, 43_200),
            most_idle: self.titled(String::new()).span(28_800),
            most_total: self.titled(String::new()).span(604_800),
        }
    }

    fn rules(&self, shell: Shell, proof: Proof) -> security_rules::RulesPage {
        security_rules::RulesPage {
            shell,
            tenant: self.names.of("Zielony Koszyk"),
            require_2fa: true,
            require_from: "2026-12-03".to_owned(),
            with_2fa: 4,
            members: 5,
            is_available: true,
            password_age: PasswordAge::Remind,
            password_days: "30".to_owned(),
            idle: choice::spans(self.t, SessionIdle::CHOICES, 28_800),
            total: choice::spans(self.t, SessionTotal::CHOICES, 604_800),
            proof,
        }
    }

    fn list(&self, errors: Errors, proof: Proof) -> portal_list::PortalListPage {
        portal_list::PortalListPage {
            shell: self.app(portal_list::TITLE, "/portal/ip-lists").with_errors(errors),
            entries: format!("203.0.113.0/28 {}\n10.20.0.0/16 VPN", self.names.of("Head office")),
            is_on: true,
            address: "203.0.113.9".to_owned(),
            is_covered: true,
            proof,
        }
    }

    fn act(&self, act: &Act, proof: Proof) -> ProofPage {
        let shell = self.app(security::TITLE, "/portal/security");
        let fields = vec![("act".to_owned(), "off".to_owned()), ("device".to_owned(), self.names.of("x"))];
        ProofPage::new(shell, act, fields, proof, "/portal/security")
    }

    fn doors(&self) -> Vec<(&'static str, String)> {
        let t = self.t;
        let email = self.names.of("marta@zielonykoszyk.example");
        let address = || self.names.of("marta@new.example");
        let idle = sign_in::Ended::Idle { span: self.titled(String::new()).span(3_600) };
        let wait = sign_in::Refusal::Wait { until: "14:33:10".to_owned() };
        let languages = || choice::languages(t.0);
        let zones = || choice::zones(&self.zone());
        let stranger = |phone| invite::Reader::Stranger {
            name: self.names.of("Kasia"),
            phone,
            languages: languages(),
            zones: zones(),
        };
        let mails = [
            ("mail-out", mail::Purpose::SignOutEverywhere),
            ("mail-confirm", mail::Purpose::ConfirmAddress { address: address() }),
            ("mail-undo", mail::Purpose::UndoAddress { address: address() }),
        ];
        let mut pages = vec![
            ("sign-in", render(&self.sign_in(Errors::default(), None))),
            ("sign-in-idle", render(&self.sign_in(Errors::default(), Some(idle.sentence(t))))),
            ("sign-in-wrong", render(&self.sign_in(sign_in::Refusal::Wrong.errors(t), None))),
            ("sign-in-wait", render(&self.sign_in(wait.errors(t), None))),
            ("sign-in-busy", render(&self.sign_in(sign_in::Refusal::Busy.errors(t), None))),
            ("sign-in-away", render(&self.sign_in(sign_in::Refusal::Unavailable.errors(t), None))),
            ("code", render(&self.code(Errors::default(), false))),
            ("code-wrong", render(&self.code(code::wrong(t, 3), false))),
            ("code-away", render(&self.code(Errors::default(), true))),
            (
                "recovery",
                render(&recovery::RecoveryPage {
                    shell: self.door(recovery::TITLE).with_errors(recovery::wrong(t)),
                }),
            ),
            ("forgot", render(&forgot::ForgotPage { shell: self.door(forgot::TITLE), email: email.clone() })),
            ("forgot-sent", render(&forgot::ForgotSentPage { shell: self.door(forgot::TITLE_SENT) })),
            (
                "reset",
                render(&reset::ResetPage {
                    shell: self
                        .door(reset::TITLE)
                        .with_errors(Errors::one("password", "At least 8 characters.")),
                }),
            ),
            ("link", render(&link::BadLinkPage { shell: self.door(link::TITLE) })),
            (
                "setup",
                render(&setup::SetupPage {
                    shell: self.door(setup::TITLE),
                    name: self.names.of("Marta"),
                    email,
                    languages: languages(),
                    zones: zones(),
                }),
            ),
            ("invite", render(&self.invite(stranger(Some(String::new()))))),
            ("invite-no-phone", render(&self.invite(stranger(None)))),
            ("invite-invited", render(&self.invite(invite::Reader::Invited))),
            ("invite-other", render(&self.invite(invite::Reader::Other))),
            ("two-factor", render(&self.phone(Proof::Password, false, true))),
            ("two-factor-change", render(&self.phone(self.proof_code(), true, true))),
            ("two-factor-away", render(&self.phone(Proof::Password, false, false))),
            (
                "two-factor-code",
                render(&two_factor::PhoneCodePage {
                    shell: self.door(two_factor::TITLE_CODE),
                    number: "+48******231".to_owned(),
                    until: "14:42".to_owned(),
                    again_from: None,
                }),
            ),
            (
                "recovery-codes",
                render(&recovery_codes::RecoveryCodesPage {
                    shell: self
                        .door(recovery_codes::TITLE)
                        .with_errors(Errors::one("stored", "Tick the box.")),
                    codes: (0..10).map(|n| format!("7kqm-p3vd-t5x{n}")).collect(),
                    is_enrolment: true,
                }),
            ),
            ("signed-out", render(&signed_out::SignedOutPage { shell: self.door(signed_out::TITLE) })),
            ("unavailable", render(&unavailable::UnavailablePage { shell: self.door(unavailable::TITLE) })),
        ];
        for (name, purpose) in mails {
            let shell = self.door(purpose.title());
            pages.push((name, render(&mail::MailPage { shell: shell.clone(), purpose: purpose.clone() })));
            if name == "mail-confirm" {
                pages.push(("mail-done", render(&mail::MailDonePage { shell, purpose })));
            }
        }
        pages
    }

    /// Doors of people who have signed in.
    fn inner_doors(&self) -> Vec<(&'static str, String)> {
        let tenant = |id: &str, name: &str, line: &str| tenants::TenantChoice {
            id: id.to_owned(),
            name: self.names.of(name),
            line: line.to_owned(),
        };
        let inside = |shell: Shell| shell.with_account(self.account("/portal/tenants"));
        vec![
            (
                "tenants",
                render(&tenants::TenantsPage {
                    shell: inside(self.named(tenants::TITLE, "name", "Marta")),
                    tenants: vec![
                        tenant("ten_1", "Zielony Koszyk", "Owner · last here 12 minutes ago"),
                        tenant("ten_2", "Studio Fala", "Member · never here yet"),
                    ],
                }),
            ),
            (
                "tenants-none",
                render(&tenants::TenantsPage {
                    shell: inside(self.named(tenants::TITLE, "name", "Marta")),
                    tenants: Vec::new(),
                }),
            ),
            (
                "refused-address",
                render(&refused_address::RefusedAddressPage {
                    shell: inside(self.door(refused_address::TITLE)),
                    address: "192.0.2.214".to_owned(),
                    again: "/portal/security".to_owned(),
                    may_change: true,
                }),
            ),
            (
                "password-forced",
                render(&password::ForcedPasswordPage {
                    shell: inside(self.door(password::TITLE_FORCED)),
                    proof: Proof::Password,
                    days: 30,
                }),
            ),
        ]
    }

    fn apps(&self) -> Vec<(&'static str, String)> {
        let t = self.t;
        let on = security::TwoFactor {
            number: "+48******231".to_owned(),
            since: "3 May 2026".to_owned(),
            codes_left: 7,
        };
        let rules = || self.app(security_rules::TITLE, "/portal/security/rules");
        let device = |id: &str, browser: &str, icon, is_trusted, is_this| devices::DeviceRow {
            id: id.to_owned(),
            browser: self.names.of(browser),
            icon,
            first_seen: "12 June 2026".to_owned(),
            last_seen: self.when(3_000),
            is_trusted,
            is_this,
        };
        let mut busy = self.account("/portal");
        busy.banners = vec![
            Banner::PasswordOld { days: 41 },
            Banner::Acting { name: self.names.of("Oksana Kovalenko") },
        ];
        busy.mode = Some(Mode::Test);
        busy.ends_at = Some(NOW);
        let home = |account| home::HomePage {
            shell: self.named(home::TITLE, "name", "Marta").with_account(account),
            has_2fa: false,
            may: vec!["Everything in this company".to_owned()],
        };
        let member = |resets_at: Option<String>, is_own: bool| member_sign_ins::MemberSignInsPage {
            shell: self
                .named(member_sign_ins::TITLE, "name", "Ewa Lis")
                .with_account(self.account("/portal/members")),
            member: self.names.of("Ewa Lis"),
            has_2fa: true,
            is_own,
            resets_at,
            sessions: if is_own { Vec::new() } else { self.sessions() },
            activity: if is_own { Vec::new() } else { self.activity() },
            older: (!is_own).then(|| "?before=sgn_1".to_owned()),
        };
        vec![
            ("home", render(&home(self.account("/portal")))),
            ("home-bands", render(&home(busy))),
            ("home-subuser", render(&home(Account { reach: Reach::Subuser, ..self.account("/portal") }))),
            ("security", render(&self.security(Some(on)))),
            ("security-off", render(&self.security(None))),
            ("rules", render(&self.rules(rules().with_flash(Some(Flash::good("Saved."))), Proof::Password))),
            (
                "rules-code",
                render(&self.rules(
                    rules().with_errors(Errors::one("password_days", "A number from 1 to 365.")),
                    self.proof_code(),
                )),
            ),
            ("list", render(&self.list(Errors::default(), Proof::Nothing))),
            (
                "list-wrong",
                render(&self.list(Errors::one("entries", "Line 2 is no address."), Proof::Password)),
            ),
            (
                "list-lockout",
                render(&portal_list::LockoutPage {
                    shell: self.app(portal_list::TITLE_LOCKOUT, "/portal/ip-lists"),
                    entries: "10.20.0.0/16 VPN\n".to_owned(),
                    address: "203.0.113.9".to_owned(),
                    names: vec![self.names.of("Ewa Lis"), "Tomasz Górski".to_owned()],
                    proof: Proof::Password,
                }),
            ),
            (
                "devices",
                render(&devices::DevicesPage {
                    shell: self.app(devices::TITLE, "/portal/devices"),
                    sessions: self.sessions(),
                    devices: vec![
                        device("dvc_1", "Firefox 145 on Windows", "laptop", false, true),
                        device("dvc_2", "Safari on iPhone", "phone", true, false),
                    ],
                    activity: self.activity(),
                    older: Some("?before=sgn_1".to_owned()),
                }),
            ),
            (
                "devices-none",
                render(&devices::DevicesPage {
                    shell: self.app(devices::TITLE, "/portal/devices"),
                    sessions: Vec::new(),
                    devices: Vec::new(),
                    activity: Vec::new(),
                    older: None,
                }),
            ),
            ("member", render(&member(None, false))),
            ("member-reset", render(&member(Some(self.t.one("tomorrow", "time", "14:32")), true))),
            ("member-elsewhere", render(&member(None, true))),
            (
                "profile",
                render(&profile::ProfilePage {
                    shell: self.app(profile::TITLE, "/portal/profile"),
                    name: self.names.of("Marta Wiśniewska"),
                    languages: choice::languages(t.0),
                    zones: choice::zones(&Zone::parse("America/Argentina/Buenos_Aires").unwrap()),
                }),
            ),
            (
                "email",
                render(&email::EmailPage {
                    shell: self.app(email::TITLE, "/portal/email"),
                    current: self.names.of("marta@zielonykoszyk.example"),
                    email: self.names.of("marta@new.example"),
                    pending: Some((self.names.of("marta@new.example"), "14:42".to_owned())),
                    proof: Proof::Password,
                }),
            ),
            (
                "password",
                render(&password::PasswordPage {
                    shell: self.app(password::TITLE, "/portal/password"),
                    proof: Proof::Password,
                }),
            ),
            (
                "password-code",
                render(&password::PasswordPage {
                    shell: self.app(password::TITLE, "/portal/password"),
                    proof: self.proof_code(),
                }),
            ),
            ("act-off", render(&self.act(&Act::TwoFactorOff, Proof::Password))),
            ("act-codes", render(&self.act(&Act::NewRecoveryCodes, self.proof_code()))),
            ("act-revoke", render(&self.act(&Act::RevokeKeys(5), Proof::Recovery))),
            ("act-trust", render(&self.act(&Act::TrustDevice(self.names.of("Firefox")), Proof::Password))),
            ("act-close", render(&self.act(&Act::CloseAccount, Proof::Password))),
            ("act-reset", render(&self.act(&Act::ResetTwoFactor(self.names.of("Ewa Lis")), Proof::Password))),
            ("act-end", render(&self.act(&Act::EndSessions(self.names.of("Ewa Lis")), Proof::Nothing))),
        ]
    }
}

fn render(page: &impl Template) -> String {
    page.render().unwrap()
}

/// Each page with a name, the first page after sign-in first.
pub fn all(t: Text, names: Names) -> Vec<(&'static str, String)> {
    let sample = Sample { t, names };
    [sample.apps(), sample.inner_doors(), sample.doors()].concat()
}
