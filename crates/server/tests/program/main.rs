//! The program itself, as operators run it.

// Marked, so that clippy lets their helpers unwrap as tests may.
#[cfg(test)]
mod apply;
#[cfg(test)]
mod files;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod logs;
