# The archive on a machine with systemd: a container with the programs of this Debian, in which systemd is
# the first process. Read by run.sh.

machine="$temp/machine"

boots() {
    local folder
    mkdir -p "$machine"/{usr,etc/systemd/system,var/log,var/lib,run,tmp,proc,sys,dev,root,home}
    for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$machine/$folder"; done
    cp -a /etc/{ld.so.cache,nsswitch.conf,os-release,debian_version,login.defs,pam.d,security,ssl} "$machine/etc/" || return 1
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$machine/etc/passwd"
    printf 'root:x:0:\n' >"$machine/etc/group"
    : >"$machine/etc/machine-id"
    # None of the services of this machine.
    printf '[Unit]\nRequires=basic.target\nAfter=basic.target\n' >"$machine/etc/systemd/system/test.target"
    cp -r "$temp/one/archive" "$machine/root/" || return 1
    podman run --detach --name machine --systemd always --privileged --network private --volume /usr:/usr:O --rootfs "$machine" \
        /lib/systemd/systemd --unit=test.target &&
        within 30 on_machine systemctl is-system-running
}
on_machine() { podman exec machine "$@"; }
check "a machine starts with systemd" boots

installs() { # the commands of docs/install.md, as printed there
    sed -n '/^<!-- tested: systemd -->$/,/^```$/p' docs/install.md | sed '1,2d;$d' >"$machine/root/install.sh"
    [ -s "$machine/root/install.sh" ] && on_machine sh -euxc 'cd /root/archive && . /root/install.sh'
}
check "the commands of docs/install.md install it" installs

unit_is_hardened() { # 0 is the most that systemd can do; a service without settings has 9.6
    on_machine systemd-analyze verify --man=no countersign.service && on_machine systemd-analyze security --threshold=15 countersign.service
}
check "unit: systemd-analyze verify, security" unit_is_hardened

unit_serves() {
    within 20 on_machine countersign healthcheck && is "$(on_machine systemctl is-active countersign)" active || return 1
    on_machine sh -c 'grep -E "^(Seccomp|NoNewPrivs|CapBnd):" /proc/$(systemctl show --property MainPID --value countersign)/status' >"$temp/status"
    is "$(tr '\t\n' '  ' <"$temp/status")" 'CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 '
    is "$(on_machine stat -c '%a %U' /var/lib/countersign /var/lib/countersign/keyring.toml | xargs)" '700 countersign 600 countersign'
}
check "unit: it serves, confined" unit_serves

unit_serves_clients() {
    as_user() { on_machine runuser -u countersign -- countersign "$@" --config /etc/countersign/countersign.toml; }
    curl() { on_machine curl "$@"; }
    checks_a_code http://127.0.0.1:8080 as_user
    local outcome=$?
    unset -f curl
    return "$outcome"
}
check "unit: a code is sent and checked" unit_serves_clients

unit_restarts() {
    local before
    before=$(on_machine systemctl show --property MainPID --value countersign)
    on_machine kill -KILL "$before" && within 20 on_machine countersign healthcheck &&
        [ "$(on_machine systemctl show --property MainPID --value countersign)" != "$before" ]
}
check "unit: killed, it starts again" unit_restarts

unit_ends() {
    on_machine systemctl stop countersign && is "$(on_machine systemctl show --property Result,ExecMainStatus countersign | sort | xargs)" 'ExecMainStatus=0 Result=success'
}
check "unit: asked to stop, it ends with code 0" unit_ends
podman rm --force --time 1 machine >/dev/null 2>&1
