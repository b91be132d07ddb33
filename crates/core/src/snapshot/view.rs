//! A tenant in the snapshot.

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

/// A tenant with everything that its starts and checks need.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantView {
    pub tenant: Tenant,
    pub profiles: BTreeMap<ProfileName, Profile>,
    pub settings: Settings,
    pub reviews: Vec<ReviewNumber>,
    /// The tenant's own message texts.
    pub templates: BTreeMap<TemplateName, TemplateSet>,
    pub providers: Vec<Arc<ProviderAccount>>,
    /// The senders of its messages, oldest first.
    pub senders: Vec<Sender>,
    pub routes: Vec<Arc<Route>>,
    pub webhooks: Vec<Arc<Webhook>>,
}

impl TenantView {
    /// A tenant without any settings.
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

    /// Adds a stored resource to the view.
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
