//! The web pages of Countersign: the portal below `/portal`, where the people of a tenant sign in and work, and
//! `/dev`, the page of `countersign dev`.
//!
//! The page of `dev` contains a key and shows codes, so only `dev` may serve it. It shows a virtual phone and
//! a sign-in form that calls the real API.
//!
//! This crate contains no SQL and sends nothing: it calls the acts of core and serves files embedded in the
//! binary. A page of the portal has one file in `pages`, with its view struct, and one template of the same
//! name. Start reading at `shell.rs`, then `pages/sign_in.rs` and `http/guard.rs`; for `/dev` at `dev/page.rs`.

mod asset;
mod dev;
pub mod errors;
pub mod http;
pub mod mail;
pub mod pages;
pub mod shell;
pub mod site;
pub mod text;
pub mod when;

pub use dev::{DevMail, DevMails, DevPage, configure, guard};
pub use pages::{REFUSALS, configure as configure_portal};
pub use site::Site;
