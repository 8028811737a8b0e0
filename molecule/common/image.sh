#!/bin/bash
# Make the image that every test host starts from, when it is not there yet, and print its name.
#
#   image.sh DIR    writes DIR/host.list and DIR/host.conf: this machine's Debian mirror and how apt reaches it
#
# Debian packages are the only source: no container registry. The tag is a hash of this file, which is all that goes into
# the image, so an edit here makes a new image and everything else reuses the last one. The mirror is the one the machine
# uses itself; it is read at run time and stays out of the image, the hosts get it as bind mounts. Runs as root.
set -euo pipefail

readonly suite=bookworm
readonly name=localhost/pgbdr-molecule
# A Debian server as one finds it (systemd, ssh, sudo, python3), what the tests look with (iproute2, nftables, procps),
# and what bdr_packages would install, so that a converge does not install it three times.
readonly packages=(
  ca-certificates dbus debian-archive-keyring iproute2 iputils-ping locales nftables openssh-server procps
  python3 python3-apt python3-psycopg2 sudo systemd systemd-sysv
  postgresql-15 postgresql-15-pglogical
)

directory=$1
image=$name:$(sha256sum "$0" | cut -c1-16)

# What apt itself resolved, whatever the format its sources are written in; third-party repositories are left out.
list_sources() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    awk -v suite="$suite" '$1 ~ /^https?:/ && index($2, suite) == 1 {
      print "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " $1, $2, $3
    }' | sort -u >"$directory/host.list"
  grep -q " $suite main\$" "$directory/host.list"
}
if ! list_sources; then
  apt-get --quiet update >&2
  list_sources || { echo "apt on this machine has no source of Debian $suite" >&2; exit 1; }
fi
# A mirror may need a proxy or, when it is a snapshot of the past, leave to be old.
apt-config dump --no-empty Acquire |
  grep -iE '^Acquire::(Check-|Max-ValidTime|Min-ValidTime|Retries|ForceIPv|(https?|proxy)(::|[[:space:]]))' \
    >"$directory/host.conf" || true

# Two scenarios started together build once.
exec 9>/run/lock/pgbdr-molecule-image.lock
flock 9
if ! podman image exists "$image"; then
  echo "building $image from Debian packages" >&2
  # force-unsafe-io: an image that a crash destroys is made again. createcluster.conf has to lie there before
  # postgresql-15 is configured: the hosts start without the distribution's own PostgreSQL.
  # No mirror, host name or resolver of this machine goes in; apt's timers would hold its lock. The date on the empty
  # lists of packages tells Ansible's cache_valid_time that they are to be fetched.
  # The tag is put on last: a build that breaks off leaves no image that looks whole.
  id=$(mmdebstrap --quiet --mode=root --variant=minbase \
    --include="$(IFS=,; echo "${packages[*]}")" \
    --aptopt="$directory/host.conf" --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io --dpkgopt=path-exclude=/usr/share/doc/* --dpkgopt=path-exclude=/usr/share/man/* \
    --extract-hook='mkdir "$1/etc/postgresql-common"' \
    --extract-hook='echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
    --customize-hook='rm -rf "$1"/etc/apt/sources.list* "$1"/etc/apt/apt.conf.d/99mmdebstrap' \
    --customize-hook='mkdir "$1/etc/apt/sources.list.d"' \
    --skip=cleanup/apt --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*' \
    --customize-hook='touch --date=@0 "$1/var/lib/apt/lists"' \
    --customize-hook='rm -f "$1/etc/hostname" "$1/etc/resolv.conf"' \
    --customize-hook='ln -s /dev/null "$1/etc/systemd/system/apt-daily.timer"' \
    --customize-hook='ln -s /dev/null "$1/etc/systemd/system/apt-daily-upgrade.timer"' \
    "$suite" - "$directory/host.list" |
    podman import --quiet --change 'CMD ["/sbin/init"]' --change 'STOPSIGNAL SIGRTMIN+3' -)
  podman tag "$id" "$image"
  # The ones before it serve nobody; what a container still uses, podman keeps.
  podman images --quiet --no-trunc --filter "reference=$name" | grep -vF "$id" | sort -u |
    xargs --no-run-if-empty podman rmi >&2 || true
fi
echo "$image"
