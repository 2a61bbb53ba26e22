#!/bin/sh
# installcheck.sh - builds the example plugin out of tree against what "make install" put there, and loads it. Run by "make installcheck".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cp "$srcdir/doc/example-plugin/words.c" "$srcdir/doc/example-plugin/Makefile" "$folder/"

# The prefix is said once more: with DESTDIR the files are not where the pkg-config file thinks.
PKG_CONFIG_PATH=$pkgconfigdir
export PKG_CONFIG_PATH
umask 022
make -C "$folder" CC="$CC" CFLAGS="$CFLAGS" PKG_CONFIG="pkg-config --define-variable=prefix=$prefix" >/dev/null

cat >"$folder/postern.lua" <<END
compatibility_level = 1
MYHOME = "$folder/home"
daemon_user = "$(id -un)"
av_scanners = { plugin("words", "$folder/words.so") { "forbidden" } }
END
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
"$bindir/posternd" -c "$folder/postern.lua" -t

# A wrong option must be refused with its place, by the plugin's own table.
sed 's/{ "forbidden" }/{ wrods = "forbidden" }/' "$folder/postern.lua" >"$folder/wrong.lua"
if "$bindir/posternd" -c "$folder/wrong.lua" -t >"$folder/out" 2>&1; then
	echo "the configuration with a wrong option was taken" >&2
	exit 1
fi
grep -q 'wrong.lua:4: .*wrods.*did you mean "words"' "$folder/out" || { cat "$folder/out" >&2; exit 1; }
echo "installcheck: the example plugin was built and loaded"

# The skeleton that tools/new-plugin writes builds without a warning and passes its own test.
sh "$srcdir/tools/new-plugin" myscan "$folder/myscan" >/dev/null
make -C "$folder/myscan" CC="$CC" CFLAGS="$CFLAGS" PKG_CONFIG="pkg-config --define-variable=prefix=$prefix" >/dev/null
echo "daemon_user = \"$(id -un)\"" >>"$folder/myscan/test.lua.in"
make -C "$folder/myscan" check POSTERND="$bindir/posternd" >"$folder/out" 2>&1 || { cat "$folder/out" >&2; exit 1; }
grep -q '^myscan: good$' "$folder/out" || { cat "$folder/out" >&2; exit 1; }
echo "installcheck: a fresh skeleton was built and found the test virus"

# The converter finds its modules where they were installed.
printf '$max_servers = 7;\n@bypass_virus_checks_maps = (1);\n1;\n' >"$folder/amavisd.conf"
"$userbindir/convert-amavisd-conf" --posternd "$bindir/posternd" "$folder/amavisd.conf" >"$folder/converted.lua"
"$bindir/posternd" -c "$folder/converted.lua" -t
grep -q '^max_servers = 7 ' "$folder/converted.lua"
echo "installcheck: a configuration of amavisd-new was converted"
