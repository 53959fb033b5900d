#!/bin/bash
# Boots systemd as PID 1 over a throw-away copy of this machine: called in namespaces of its own by support/booted.py.
#   boot.sh FOLDER PACKAGE
# All writes go to a tmpfs that ends with the mount namespace.
set -eu
folder=$1 package=$2
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder"
mkdir "$folder"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
root=$folder/root
cp "$package" "$root/var/cache/package.deb"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
umount "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
rm -rf "$root"/var/lib/private/kallglot_exporter "$root"/var/lib/kallglot_exporter "$root"/etc/kallglot_exporter
ip link set lo up
# A container forbids packages to start or stop services; the machine of an operator does not.
rm -f "$root/usr/sbin/policy-rc.d"

# As an operator installs it; there is no systemd yet that could be told of it.
chroot "$root" dpkg --install /var/cache/package.deb

# Of the machine's own units none starts: the targets that services hang from are empty here, and nothing hangs from them.
rm -rf "$root"/{etc,lib}/systemd/system/*.{wants,requires}
units=$root/etc/test-units
mkdir "$units"
for target in default sysinit basic shutdown multi-user network-online network umount paths slices sockets timers; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$units/$target.target"
done
mount --bind "$(tty)" "$root/dev/console"
cd "$root"
mkdir -p old
pivot_root . old
mount --make-rshared /
umount -l /old
export container=test SYSTEMD_UNIT_PATH=/etc/test-units:/etc/systemd/system:/run/systemd/system:/lib/systemd/system
export SYSTEMD_LOG_TARGET=console
exec /lib/systemd/systemd --system --unit=default.target --default-standard-output=inherit --show-status=no
