//! Ids and names in paths, and values that several resources read.

pub mod created;
pub mod id;
pub mod name;
pub mod paths;
pub mod time;
pub mod values;
