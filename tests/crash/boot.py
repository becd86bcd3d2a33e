"""boot - a device after a power cut: the disk is mounted, an agent starts on it, and in the end all of it is gone again.

    with mounted(image, folder): ...
    with Boot(berth, template, store, run, cgroup, offline=True) as boot: boot.status() ...
"""
import contextlib
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time

OPTIONS = "loop,noauto_da_alloc"
CLONE_NEWNS = 0x20000
SLOWNESS = int(os.environ.get("SLOWNESS", "1"))  # of the machine, which may be emulated


def until(condition, seconds):
    end = time.monotonic() + seconds * SLOWNESS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def quietly(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def own_mounts():
    """A mount namespace for this process: shims of other devices must not hold copies of its mounts."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def is_free(image):
    """No loop device has it: the mount namespaces of containers go a moment after their processes."""
    for file in glob.glob("/sys/block/loop*/loop/backing_file"):
        with contextlib.suppress(OSError), open(file) as backing:
            if backing.read().strip() == image:
                return False
    return True


@contextlib.contextmanager
def mounted(image, folder):
    subprocess.run(["mount", "-o", OPTIONS, image, folder], check=True)
    try:
        yield folder
    finally:
        if not until(lambda: quietly("umount", folder), 10) or not until(lambda: is_free(image), 10):
            subprocess.run(["umount", "-l", folder])
            raise RuntimeError("%s: still in use" % folder)


class Boot:
    def __init__(self, berth, template, store, run, cgroup, offline):
        self.berth, self.run, self.cgroup = berth, run, cgroup
        self.socket = os.path.join(run, "berth.sock")
        os.makedirs(run)
        values = {"store": store, "run": run, "socket": self.socket, "cgroup_parent": cgroup}
        with open(template) as file:
            text = file.read()
        for key, value in values.items():
            text = re.sub(r"^%s = .*" % key, "%s = %s" % (key, value), text, flags=re.M)
        config = run + ".ini"
        with open(config, "w") as file:
            file.write(text)
        self.log = open(run + ".log", "wb")
        # In a network namespace of its own there is no registry.
        self.agent = subprocess.Popen((["unshare", "-n"] if offline else []) + [berth, "agent", "--config", config],
                                      stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def said(self):
        with open(self.log.name, errors="replace") as file:
            return file.read()

    def status(self):
        answer = subprocess.run([self.berth, "-H", "unix://" + self.socket, "status", "--json"], capture_output=True)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def app(self):
        status = self.status()
        return status["apps"][0] if status and status["apps"] else None

    def processes(self):
        """All in the containers' cgroups, and the shims, which have the run directory among their arguments."""
        pids = set()
        for folder in self.cgroup_folders():
            with contextlib.suppress(OSError), open(os.path.join(folder, "cgroup.procs")) as file:
                pids.update(int(line) for line in file)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open("/proc/%s/cmdline" % pid, "rb") as file:
                if self.run.encode() + b"/" in file.read():
                    pids.add(int(pid))
        return pids - {os.getpid()}

    def cgroup_folders(self):
        for root in ["/sys/fs/cgroup"] + [entry.path for entry in os.scandir("/sys/fs/cgroup") if entry.is_dir()]:
            for folder, _, _ in os.walk(root + self.cgroup, topdown=False):
                yield folder

    def kill_all(self):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not self.processes()

    def remove_cgroups(self):
        for folder in self.cgroup_folders():
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        return not list(self.cgroup_folders())

    def __exit__(self, *error):
        self.agent.kill()
        self.agent.wait()
        self.log.close()
        until(self.kill_all, 10)
        until(self.remove_cgroups, 10)
        for line in open("/proc/self/mounts"):
            where = line.split()[1]
            if where.startswith(self.run + "/"):
                quietly("umount", "-l", where)
        shutil.rmtree(self.run, ignore_errors=True)
