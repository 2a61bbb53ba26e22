#!/usr/bin/python3
"""fault_short.py - the fault test as `make check` runs it: fault.py --short."""
import os
import sys

program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fault.py")
os.execv(sys.executable, [sys.executable, program, "--short"] + sys.argv[1:])
