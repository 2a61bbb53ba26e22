# common.sh - shell functions shared by quickstart, check and .ci/run: packages, the ordinary user, copies of the tree.
# Sourced with $top set to the top of the source tree.  It changes nothing by being sourced.

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Names of the packages of these groups.
packages_of() {
	for group in "$@"; do
		sed -n "s/^$group: //p" "$top/tools/packages"
	done | tr ' ' '\n' | sort -u | grep .
}

packages_missing() {
	for package in $(packages_of "$@"); do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
	done
}

# Services that packages bring must not start here: our tests run private ones.
apt_quietly() {
	policy=/usr/sbin/policy-rc.d
	made=
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
	fi
	rc=0
	DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends -o Dpkg::Use-Pty=0 "$@" </dev/null || rc=$?
	[ -z "$made" ] || rm -f "$policy"
	return $rc
}

# Install what is missing of these groups; without the right to do so, say what to do.
packages_ensure() {
	if ! command -v dpkg-query >/dev/null 2>&1; then
		say "This is no Debian: taking for granted that what tools/packages lists is there."
		return 0
	fi
	missing=$(packages_missing "$@")
	[ -n "$missing" ] || return 0
	if ! is_root; then
		say "Packages are missing, and only root can install them. As root:" >&2
		say "    apt-get install --no-install-recommends ${missing% }" >&2
		return 1
	fi
	say "Installing: ${missing% }"
	apt_quietly update >/dev/null || say "apt-get update failed; trying with the lists that are there" >&2
	apt_quietly install $missing
}

# The ordinary user that the daemon, and the tests of root, run as.
user_ensure() {
	getent passwd postern >/dev/null && return 0
	say "Making the system user postern"
	useradd --system --user-group --home-dir /var/lib/postern --no-create-home --shell /usr/sbin/nologin postern
}

# Files of the source tree, one per line: what git knows or would take, else all but what a build leaves behind.
tree_files() (
	cd "$top" || exit 1
	if command -v git >/dev/null 2>&1 && git -c safe.directory="$top" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git -c safe.directory="$top" ls-files -co --exclude-standard
	else
		find . -type d \( -name .git -o -name .libs -o -name .deps -o -name __pycache__ -o -path ./autom4te.cache -o -path ./b \) -prune -o \
			-type f ! -name '*.o' ! -name '*.lo' ! -name '*.la' ! -path ./config.status ! -path ./config.h ! -path ./Makefile -print
	fi | while IFS= read -r file; do
		[ -e "$file" ] && printf '%s\n' "$file"
	done
)

# Copy the tree there; times are kept, so that a second build only does what changed.
tree_copy() {
	mkdir -p "$1" && tree_files | (cd "$top" && tar -cf - --no-recursion -T -) | tar -xf - -C "$1" --no-same-owner
}
