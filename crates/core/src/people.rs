//! People: the persons who can sign in, their memberships of tenants, and the rules by which members change
//! other members.

pub mod account;
pub mod agent;
pub mod bounds;
pub mod cover;
pub mod hours;
pub mod invitation;
pub mod link;
pub mod member;
pub mod notice;
pub mod password;
pub mod person;
pub mod pool;
pub mod proof;
pub mod proof_act;
pub mod recovery;
pub mod session;
pub mod shares;
pub mod waits;
