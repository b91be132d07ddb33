//! `/portal/devices`: where a person is signed in, the known browsers, and what happened.

use crate::{shell::Shell, when::When};
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "devices-title";

#[derive(Template)]
#[template(path = "portal/devices.html")]
pub struct DevicesPage {
    pub shell: Shell,
    pub sessions: Vec<SessionRow>,
    pub devices: Vec<DeviceRow>,
    pub activity: Vec<SignInRow>,
    /// The path of the next page of the activity.
    pub older: Option<String>,
}

pub struct SessionRow {
    pub id: String,
    /// Such as `Firefox 145 on Windows`.
    pub browser: String,
    /// The name of an icon: `laptop`, `phone` or `desktop`.
    pub icon: &'static str,
    /// Such as `203.0.113.9, Poland`.
    pub from: String,
    pub signed_in: When,
    pub last_seen: When,
    pub is_this: bool,
}

pub struct DeviceRow {
    pub id: String,
    pub browser: String,
    pub icon: &'static str,
    pub first_seen: String,
    pub last_seen: When,
    pub is_trusted: bool,
    pub is_this: bool,
}

pub struct SignInRow {
    pub what: String,
    pub outcome: String,
    /// `good`, `warn`, `bad` or nothing.
    pub tone: &'static str,
    pub device: String,
    pub from: String,
    pub at: When,
    /// Whether it deserves a look.
    pub is_odd: bool,
}
