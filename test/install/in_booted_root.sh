#!/bin/bash
# Runs inside a root that systemd has booted, with a network of its own: what the package promises to
# who installs it. Each line of what it prints is "ok <what>" or "not ok <what>"; the last is "done".
# test_package.py starts it. The package is installed; /upgrade.deb is the next version of it.
exec > /result 2> /result.errors
port=11211

check() {
    local what=$1
    shift
    if "$@" > /said 2>&1; then
        echo "ok $what"
    else
        echo "not ok $what"
        sed 's/^/# /' /said
        systemctl status --no-pager --lines 10 "twincached*" 2>&1 | sed 's/^/# /'
    fi
}

# ask <address> <line>...: what the node answers, up to its last line.
ask() {
    local node=$1 line answer
    shift
    exec 3<> "/dev/tcp/$node/$port" || return 1
    for line in "$@"; do printf '%s\r\n' "$line" >&3; done
    while IFS= read -r -t 5 answer <&3; do
        answer=${answer%$'\r'}
        printf '%s\n' "$answer"
        case $answer in END | STORED | *ERROR*) break ;; esac
    done
    exec 3>&-
}
answers() { ask "$1" "$2" "${@:4}" | grep -qx "$3"; }
within() { # <seconds> <command...>
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}
pid_of() { systemctl show -p MainPID --value "$1"; }
runs_as_nobody_known() {
    local uid
    uid=$(awk '/^Uid:/ { print $2 }' "/proc/$(pid_of "$1")/status")
    [ "$uid" -ne 0 ]
}
is_gone() { ! systemctl is-active --quiet "$1" && [ ! -e /usr/sbin/twincached ]; }

ip link set lo up 2> /dev/null
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6

check "the package starts nothing by itself" test "$(systemctl is-active twincached)" = inactive
check "the shipped configuration serves, without IPv6" systemctl start twincached
check "ready is what the unit waited for" twinctl check
check "its user is not root" runs_as_nobody_known twincached
check "systemd says how it is" sh -c 'systemctl show -p StatusText --value twincached | grep -q "ready; alone"'
check "the exposure is at most 1.5" systemd-analyze security --no-pager --threshold=15 twincached.service
check "it stops" systemctl stop twincached

for node in a b; do
    sed '/^\[replication\]/a secret-file = %d/secret' \
        "/usr/share/doc/twincached/examples/pair-on-one-host/$node.conf" > /etc/twincached/$node.conf
done
install -d -m 700 /etc/credstore
(umask 077 && head -c 32 /dev/urandom | base64 | tee /etc/credstore/twincached.{a,b}.secret > /dev/null)
check "its configuration is checked as the unit would start it" systemd-run --pipe --wait -p DynamicUser=yes \
    -p LoadCredential=secret:twincached.a.secret twincached --config /etc/twincached/a.conf --check-config
check "a pair starts, with a secret that its user cannot read" systemctl start twincached@a twincached@b
check "a stores" answers 127.0.0.11 "set greeting 0 0 5" STORED hello
check "b has it" within 30 answers 127.0.0.12 "get greeting" hello

old=$(pid_of twincached@b)
kill -9 "$old"
restarted() { [ "$(pid_of twincached@b)" -gt 0 ] && [ "$(pid_of twincached@b)" != "$old" ] && answers 127.0.0.12 "get greeting" hello; }
check "a node that is killed is started again, and refilled" within 60 restarted
warned() { journalctl --no-pager -u twincached@a -p warning | grep -q "serving alone as primary"; }
check "the journal tells warnings from the rest" within 10 warned

echo "# mine" >> /etc/twincached/twincached.conf
before=$(pid_of twincached@a)
check "it is upgraded" dpkg --install --force-confold /upgrade.deb
check "what runs goes on running" test "$(pid_of twincached@a)" = "$before"
check "what the operator wrote stays" grep -qx "# mine" /etc/twincached/twincached.conf
check "b is restarted" systemctl restart twincached@b
check "a is restarted" systemctl restart twincached@a
check "a has the items" answers 127.0.0.11 "get greeting" hello
check "b has the items" answers 127.0.0.12 "get greeting" hello
sed -i 's/^peer = .*/peer = host-b.invalid/' /etc/twincached/a.conf
check "a starts, though the peer's name does not resolve" systemctl restart twincached@a

check "an instance has logs" test -d /var/log/private/twincached-a
check "it is removed" dpkg --remove twincached
check "nothing of it runs" is_gone twincached@a
check "it is purged" dpkg --purge twincached
check "the logs are gone, those of instances, too" sh -c '! ls -d /var/log/twincached* /var/log/private/twincached* 2> /dev/null'
check "the configuration is gone" test ! -e /etc/twincached/twincached.conf
check "what the operator added is there" test -e /etc/twincached/a.conf
echo "done"
