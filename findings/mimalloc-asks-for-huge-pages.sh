#!/usr/bin/env bash
# mimalloc 0.1.52 (crates.io; its C sources are v3), Linux, transparent huge pages set to `madvise`.
#
# Behaviour: the crate's default build itself asks the system for huge pages (madvise MADV_HUGEPAGE).
#   A program of a few threads that keeps some hundred kilobytes is then resident with several pages
#   of 2 MiB.
# Likely guess: `madvise` means that only a program that calls madvise gets huge pages, so a Rust
#   program with this allocator that never does is as small as under `never`.
# Seen: 16 threads that keep 64 KiB each hold more than three times as much memory without the
#   feature `no_thp` as with it.
# Way out: features = ["no_thp"], or MIMALLOC_ALLOW_THP=0 in the environment of the program.
set -euo pipefail
case "$(cat /sys/kernel/mm/transparent_hugepage/enabled)" in
    *'[madvise]'*) ;;
    *) echo "this system does not leave huge pages to programs that ask; nothing to see here"; exit 0 ;;
esac
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir "$temp/src"
cat >"$temp/src/main.rs" <<'RUST'
use std::{sync::{Arc, Barrier}, thread};
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
fn main() {
    let all = Arc::new(Barrier::new(17));
    let threads: Vec<_> = (0..16).map(|_| { let all = all.clone(); thread::spawn(move || {
        let kept: Vec<Vec<u8>> = (0..64).map(|n| vec![n; 1024]).collect();
        all.wait(); all.wait();
        kept.len()
    }) }).collect();
    all.wait();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    println!("{}", line.split_whitespace().nth(1).unwrap());
    all.wait();
    for thread in threads { thread.join().unwrap(); }
}
RUST
resident() { # features: KiB of anonymous memory
    printf '[package]\nname = "resident"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nmimalloc = { version = "=0.1.52", features = [%s] }\nlibmimalloc-sys = "=0.1.49"\n' \
        "$1" >"$temp/Cargo.toml"
    CARGO_TARGET_DIR="$temp/target" cargo run --quiet --release --manifest-path "$temp/Cargo.toml"
}
asking=$(resident '') not=$(resident '"no_thp"')
echo "as it is: $asking KiB; with no_thp: $not KiB"
[ "$asking" -gt $((3 * not)) ]
