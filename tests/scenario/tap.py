"""tap.py - the little TAP that Python tests need: functions named test_* are run in the order of the file, each one a test point."""
import sys
import traceback


def run(module):
    tests = [(name, value) for name, value in vars(module).items() if name.startswith("test_") and callable(value)]
    wanted = sys.argv[1:]
    tests = [(name, value) for name, value in tests if not wanted or name in wanted]
    print("1..%d" % len(tests), flush=True)
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print("ok %d - %s" % (number, name), flush=True)
        except BaseException:  # pylint: disable=broad-except
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print("not ok %d - %s" % (number, name), flush=True)
    sys.exit(1 if failed else 0)
