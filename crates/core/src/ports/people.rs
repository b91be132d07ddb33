//! What the portal needs of persons, in the directory's database. It is never in the copy in memory.

pub mod notices;
