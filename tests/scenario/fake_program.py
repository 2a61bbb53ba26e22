#!/usr/bin/python3 -SE
"""fake_program.py - stands for any scanner program: what it prints and how it ends is in FILE.json beside the FILE by which it was called.

It looks at its arguments as the product would: folders, files, names in the working folder, -path=FOLDER. A file with the mark in
it is infected. Without any file to look at it ends with 99: whoever called it so has scanned nothing."""
import json
import os
import signal
import sys
import time


def files(argument):
    if argument.startswith("-path="):
        argument = argument[6:]
    if os.path.isdir(argument):
        return [os.path.join(argument, name) for name in sorted(os.listdir(argument))]
    return [os.path.abspath(argument)] if os.path.isfile(argument) else []


def report(plan, paths):
    text, hits = plan["head"], 0
    for path in paths:
        with open(path, "rb") as f:
            hit = plan["mark"].encode() in f.read()
        hits += hit
        line = plan["found"] if hit else plan["clean"]
        text += line.replace("{base}", path).replace("{path}", path + plan["member"]).replace("{member}", plan["member"])
    end = plan["end_found"] if hits else plan["end_clean"]
    return text + end.replace("{hits}", str(hits)).replace("{files}", str(len(paths))), plan["found_code"] if hits else plan["clean_code"]


def say(text):
    os.write(1, text)


def main():
    with open(sys.argv[0] + ".json", encoding="ascii") as f:
        plan = json.load(f)
    way = plan["way"]
    if way == "hang":
        time.sleep(plan["hang_s"])
    if way == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "garbage":
        say(bytes.fromhex(plan["garbage"]))
        sys.exit(plan["bad_code"])
    if way == "unsure":
        sys.exit(plan["unsure_code"])
    paths = [path for argument in sys.argv[1:] for path in files(argument)]
    if not paths:
        say(b"nothing to scan in: " + " ".join(sys.argv[1:]).encode())
        sys.exit(99)
    text, code = report(plan, paths)
    text = text.encode()
    if way in ("half", "half and hang"):
        say(text[:len(text) // 2])
        if way == "half and hang":
            time.sleep(plan["hang_s"])
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "single bytes":
        for byte in text:
            say(bytes([byte]))
    else:
        say(text)
    sys.exit(code)


main()
