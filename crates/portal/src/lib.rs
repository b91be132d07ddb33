//! The web pages of Countersign. For now there is one: `/dev`, the page of `countersign dev`. It shows a
//! virtual phone and a sign-in form that calls the real API.
//!
//! The page contains a key and shows codes, so only `dev` may serve it until it has a sign-in of its own.
//! This crate contains no SQL and sends nothing: it reads core's ports and serves files embedded in the
//! binary. Start reading at `dev/page.rs`, then `dev/messages.rs` and `dev/guard.rs`.

mod dev;
pub mod mail;

pub use dev::{DevMail, DevMails, DevPage, configure, guard};
