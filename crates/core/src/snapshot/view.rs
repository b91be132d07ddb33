//! A tenant as the snapshot holds it.

use crate::{
    delivery::{account::ProviderAccount, route::Route, sender::Sender},
    message::template::set::{TemplateName, TemplateSet},
    tenant::{
        Tenant,
        profile::{Profile, ProfileName},
        resource::{Resource, ResourceKind},
        review::ReviewNumber,
        settings::{Settings, Unreadable},
    },
    webhook::Webhook,
};
use std::{collections::BTreeMap, sync::Arc};

/// A tenant with all that its starts and checks need.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantView {
    /// The tenant.
    pub tenant: Tenant,
    /// Its profiles.
    pub profiles: BTreeMap<ProfileName, Profile>,
    /// What it has set.
    pub settings: Settings,
    /// Its review numbers.
    pub reviews: Vec<ReviewNumber>,
    /// Its own texts.
    pub templates: BTreeMap<TemplateName, TemplateSet>,
    /// Its accounts at providers.
    pub providers: Vec<Arc<ProviderAccount>>,
    /// What its messages come from, oldest first.
    pub senders: Vec<Sender>,
    /// Its routes.
    pub routes: Vec<Arc<Route>>,
    /// Where it is told what happens.
    pub webhooks: Vec<Arc<Webhook>>,
}

impl TenantView {
    /// A tenant that has set nothing yet.
    pub fn new(tenant: Tenant) -> Self {
        Self {
            tenant,
            profiles: BTreeMap::new(),
            settings: Settings::default(),
            reviews: Vec::new(),
            templates: BTreeMap::new(),
            providers: Vec::new(),
            senders: Vec::new(),
            routes: Vec::new(),
            webhooks: Vec::new(),
        }
    }

    /// Takes in what is stored of it.
    pub fn take(&mut self, resource: Resource) -> Result<(), Unreadable> {
        let taken = match resource.kind {
            ResourceKind::Provider => {
                ProviderAccount::read(resource).map(|account| self.providers.push(Arc::new(account)))
            }
            ResourceKind::Sender => Sender::read(&resource).map(|sender| self.senders.push(sender)),
            ResourceKind::Route => Route::read(resource).map(|route| self.routes.push(Arc::new(route))),
            ResourceKind::Template => {
                TemplateSet::read(&resource).map(|set| drop(self.templates.insert(set.name.clone(), set)))
            }
            ResourceKind::Webhook => {
                Webhook::read(resource).map(|webhook| self.webhooks.push(Arc::new(webhook)))
            }
        };
        taken.ok_or(Unreadable)
    }
}
