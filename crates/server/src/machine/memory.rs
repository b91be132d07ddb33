//! The memory that a container may use. (How many threads it may run at once, std says: it reads the quota of
//! the cgroup, too.)

use std::{fs, path::Path};

/// Where the hierarchies of cgroups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// Version 1 has no word for "no limit", but a number near this one.
const NO_LIMIT: u64 = 1 << 60;

/// The least limit on this process, in bytes; nothing where it has none, or this system no cgroups.
pub fn memory_limit() -> Option<u64> {
    find_limit(&fs::read_to_string("/proc/self/cgroup").ok()?, Path::new(MOUNT))
}

/// `cgroups` is what the kernel says of the process: `NUMBER:CONTROLLERS:PATH` on each line, of version 2
/// with number 0 and no controllers.
fn find_limit(cgroups: &str, mount: &Path) -> Option<u64> {
    let limits = cgroups.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (controllers, path) = line.split_once(':')?;
        match controllers {
            "" => least(mount, path, "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                least(&mount.join("memory"), path, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    limits.min()
}

/// The least of a group and those that it is in. In a container the path may be one of the host, which is not
/// there: then the mount itself is the group.
fn least(root: &Path, path: &str, file: &str) -> Option<u64> {
    let group = root.join(path.trim_start_matches('/'));
    let groups = group.ancestors().take_while(|group| group.starts_with(root));
    let limits = groups.filter_map(|group| fs::read_to_string(group.join(file)).ok()?.trim().parse().ok());
    limits.filter(|limit| *limit < NO_LIMIT).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn write(root: &Path, path: &str, text: &str) {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn version_2_has_one_tree() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(find_limit("0::/pod/box\n", root.path()), None);
        write(root.path(), "pod/box/memory.max", "max\n");
        assert_eq!(find_limit("0::/pod/box\n", root.path()), None);
        write(root.path(), "pod/memory.max", "268435456\n");
        assert_eq!(find_limit("0::/pod/box\n", root.path()), Some(256 * MIB), "of the group that it is in");
        write(root.path(), "pod/box/memory.max", "134217728\n");
        assert_eq!(find_limit("0::/pod/box\n", root.path()), Some(128 * MIB));
    }

    #[test]
    fn version_1_has_a_tree_for_memory() {
        let root = tempfile::tempdir().unwrap();
        let cgroups = "3:cpuset:/\n2:cpu,cpuacct:/docker/1\n1:memory,hugetlb:/docker/1\n0::/\n";
        write(root.path(), "memory/memory.limit_in_bytes", "9223372036854771712\n");
        write(root.path(), "cpu/docker/1/memory.limit_in_bytes", "1\n");
        assert_eq!(find_limit(cgroups, root.path()), None);
        write(root.path(), "memory/docker/1/memory.limit_in_bytes", "134217728\n");
        assert_eq!(find_limit(cgroups, root.path()), Some(128 * MIB));
    }

    #[test]
    fn a_container_may_see_its_own_group_as_the_root() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "memory.max", "134217728\n");
        assert_eq!(find_limit("0::/kubepods/pod1/box\n", root.path()), Some(128 * MIB));
        assert_eq!(find_limit("0::/../other\n", root.path()), Some(128 * MIB));
    }
}
