#!/usr/bin/python3
"""outage_short.py - the outage test as `make check` runs it: outage.py --short."""
import os
import sys

program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "outage.py")
os.execv(sys.executable, [sys.executable, program, "--short"] + sys.argv[1:])
