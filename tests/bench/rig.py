"""What the measurements share: a private folder, processes started and ended by pid, their CPU time and memory.

Nothing here touches a process that it did not start.  CPU time comes from a control group of its own for each peer where
that can be made (root, cgroup v2 or the v1 controller cpuacct), which counts children that have ended too; otherwise from
/proc, where a child that ended uncollected is missed.  Memory is PSS, the sum over all processes of a peer.
"""
import contextlib, os, pwd, resource, shutil, signal, socket, subprocess, sys, tempfile, time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Trouble(Exception):
    pass


def user_exists(name):
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children_of(pids):
    """These and all their descendants that live."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(f"/proc/{name}/stat") as f:
                parents.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
    found, todo = [], list(pids)
    while todo:
        pid = todo.pop()
        if pid not in found and os.path.exists(f"/proc/{pid}"):
            found.append(pid)
            todo += parents.get(pid, [])
    return found


def pss_mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


class Group:
    """The processes of one peer."""

    ROOTS = (("/sys/fs/cgroup", "cpu.stat"), ("/sys/fs/cgroup/unified", "cpu.stat"), ("/sys/fs/cgroup/cpuacct", "cpuacct.usage"),
             ("/sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage"))

    def __init__(self, name):
        self.pids, self.folder, self.counter, self.ended_ms = [], None, None, {}
        for root, counter in self.ROOTS:
            folder = f"{root}/postern-bench-{os.getpid()}-{name}"
            try:
                os.mkdir(folder)
            except OSError:
                continue
            if os.path.exists(f"{folder}/{counter}"):
                self.folder, self.counter = folder, counter
                return
            os.rmdir(folder)

    def enter(self):
        """Run in the child before exec."""
        if self.folder:
            with open(f"{self.folder}/cgroup.procs", "w") as f:
                f.write(str(os.getpid()))

    def members(self):
        if not self.folder:
            return children_of(self.pids)
        with open(f"{self.folder}/cgroup.procs") as f:
            return [int(pid) for pid in f.read().split()]

    def cpu_ms(self):
        if self.counter == "cpu.stat":
            with open(f"{self.folder}/cpu.stat") as f:
                return int(dict(line.split() for line in f)["usage_usec"]) / 1000
        if self.counter:
            with open(f"{self.folder}/{self.counter}") as f:
                return int(f.read()) / 1e6
        total = 0
        for pid in self.members():
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/stat") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                total += sum(int(n) for n in fields[11:15]) * TICK_MS   # its own and that of collected children
        return total

    def pss_mib(self):
        total = 0.0
        for pid in self.members():
            try:
                total += pss_mib(pid)
            except PermissionError:
                return None
            except OSError:
                pass
        return total

    def remove(self):
        if self.folder:
            with contextlib.suppress(OSError):
                os.rmdir(self.folder)


class Rig:
    """A private folder on tmpfs and what runs in it; `with Rig() as rig:` ends all of it whatever happens."""

    def __init__(self, build_dir, keep=False):
        self.build, self.keep = os.path.abspath(build_dir), keep
        self.root = os.geteuid() == 0
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.started, self.groups, self.salt = [], [], int(time.time()) % 1000000
        self.folder = tempfile.mkdtemp(prefix="postern-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        os.chmod(self.folder, 0o755)

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))
        try:
            self.check_build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process, group in reversed(self.started):
            self.stop(process, group)
        for group in self.groups:
            group.remove()
        if self.keep:
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_build(self):
        posternd = f"{self.build}/posternd"
        if not os.path.exists(posternd):
            raise Trouble(f"there is no posternd in {self.build}: build it, and name the folder with --build-dir")
        with open(f"{self.build}/Makefile") as f:
            flags = [line for line in f if line.startswith(("CFLAGS =", "CC =", "SANITIZER", "AM_CFLAGS =", "LDFLAGS ="))]
        if any("-fsanitize" in line for line in flags) or self.links_sanitizer():
            raise Trouble(f"{self.build} is built with a sanitizer; measure a build made with CFLAGS=-O2 and none")
        if not any("-O2" in line or "-O3" in line for line in flags):
            raise Trouble(f"{self.build} is not optimised; measure a build made with CFLAGS=-O2")
        subprocess.run(["make", "-s", "-C", self.build, "tests/bench/load"], check=True, stdout=subprocess.DEVNULL)
        self.load_program = f"{self.build}/tests/bench/load"

    def links_sanitizer(self):
        for name in (f"{self.build}/.libs/posternd", f"{self.build}/.libs/libcore.so", f"{self.build}/posternd"):
            with contextlib.suppress(OSError):
                with open(name, "rb") as f:
                    if b"__asan_init" in f.read() or b"__ubsan_handle" in f.read():
                        return True
        return False

    def subfolder(self, name, user=None, mode=0o750):
        path = os.path.join(self.folder, name)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        if user and self.root:
            shutil.chown(path, user)
        return path

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def group(self, name):
        group = Group(name)
        self.groups.append(group)
        return group

    def start(self, name, arguments, group=None, env=None):
        """Its output goes to NAME.log in the private folder."""
        group = group or self.group(name)
        with open(os.path.join(self.folder, f"{name}.log"), "ab") as log:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                       preexec_fn=group.enter, env=env)
        process.name = name
        group.pids.append(process.pid)
        self.started.append((process, group))
        return process

    def log_of(self, name):
        with open(os.path.join(self.folder, f"{name}.log"), errors="replace") as f:
            return f.read()[-2000:]

    def stop(self, process, group):
        """It, and what it started and left behind."""
        members = group.members()
        if process.poll() is None:
            process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        for last in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 5
            left = self.left_of(group, members)
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, last)
            while left and time.monotonic() < deadline:
                time.sleep(0.05)
                process.poll()
                left = self.left_of(group, members)
        self.started = [entry for entry in self.started if entry[0] is not process]

    @staticmethod
    def left_of(group, members):
        """A control group knows them; else they are those that were there before the end began."""
        return group.members() if group.folder else [pid for pid in members if os.path.exists(f"/proc/{pid}")]

    def await_port(self, process, port, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", port), 5):
                    return
            self.must_live(process)
            time.sleep(0.05)
        raise Trouble(f"{process.name} does not listen after {seconds} seconds:\n{self.log_of(process.name)}")

    def must_live(self, process):
        if process.poll() is not None:
            raise Trouble(f"{process.name} has ended with {process.returncode}:\n{self.log_of(process.name)}")

    def load(self, port, size_bytes, seconds=None, mails=None, kept=False, connections=8):
        """Distinct mails, by our own generator: (mails, seconds)."""
        self.salt += 1
        arguments = [self.load_program, "-c", str(connections), "-l", str(size_bytes), "-s", str(self.salt)]
        arguments += ["-t", str(seconds)] if seconds else []
        arguments += ["-m", str(mails)] if mails else []
        arguments += ["-d"] if kept else []
        done = subprocess.run(arguments + ["127.0.0.1", str(port)], capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble(f"load at port {port}: {done.stderr.strip()}")
        words = done.stdout.split()
        return int(words[1]), float(words[3])

    def smtp_source(self, port, size_bytes, mails, kept=False, connections=8):
        """The same body again and again, by Postfix's generator: (mails, seconds)."""
        arguments = ["smtp-source", "-s", str(connections), "-m", str(mails), "-l", str(size_bytes), "-f", "sender@load.example",
                     "-t", "recipient@load.example"] + (["-d"] if kept else [])
        begin = time.monotonic()
        done = subprocess.run(arguments + [f"127.0.0.1:{port}"], capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble(f"smtp-source at port {port}: {done.stderr.strip()}")
        return mails, time.monotonic() - begin


def median_and_spread(values):
    """(median, half the distance between least and greatest, in percent of the median)"""
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return median, (ordered[-1] - ordered[0]) / 2 / median * 100 if median else 0.0


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown processor")
    return f"{os.cpu_count()} processors ({model}), Linux {os.uname().release}, load before the start {os.getloadavg()[0]:.2f}"
