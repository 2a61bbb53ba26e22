#!/bin/sh
# Makes configure and the Makefile.in of a fresh clone.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux
exec autoreconf --install --force
