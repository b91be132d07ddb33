//! A link that is of no use. The page is the same whether it was used, has ended, or never existed.

use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "link-title";

#[derive(Template)]
#[template(path = "portal/link.html")]
pub struct BadLinkPage {
    pub shell: Shell,
}
