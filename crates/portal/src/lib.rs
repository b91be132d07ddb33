//! The web pages of Countersign. For now there is one: `/dev`, the page of
//! `countersign dev`, with a virtual phone and a sign-in form that calls the
//! real API.
//!
//! This crate must never be served outside `dev` without its own sign-in: the
//! page holds a key and shows codes. It does no SQL and sends nothing; it
//! reads the core's ports and hands out what is embedded in the binary. Start
//! reading at `dev/page.rs`, then `dev/messages.rs` and `dev/guard.rs`.

mod dev;

pub use dev::{DevPage, configure, guard};
