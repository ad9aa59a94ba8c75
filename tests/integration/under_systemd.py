"""A real systemd of one's own, in namespaces of its own, for the shipped unit as it is; the machine is left alone.

It knows no units but those that it is given, sees a /etc, /run, /opt, /var/lib and /var/backups of its own, and ends
with the test.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.broker import wait_until

SYSTEMD = Path("/lib/systemd/systemd")
TARGETS = ("default", "sysinit", "basic", "shutdown", "multi-user", "network-online", "umount", "final")
TARGET = "[Unit]\nDescription={name}\nDefaultDependencies=no\n"
UID = 64_321
USER, GROUP = f"vwmon:x:{UID}:{UID}::/:/bin/false\n", f"vwmon:x:{UID}:\n"
PYTHON = """\
#!/bin/sh
export LD_LIBRARY_PATH=/opt/vwmon/base/lib PYTHONPATH=/opt/vwmon/checkout:/opt/vwmon/packages
exec /opt/vwmon/base/bin/{name} "$@"
"""
PROGRAM = """\
#!/bin/sh
exec /opt/vwmon/bin/python -m vwmon "$@"
"""
BOOT = """\
set -e
mount --make-rprivate /
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir /run/over /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/over,workdir=/run/work /etc
cp -r {own}/etc/. /etc/
chown -R root:root /etc/vwmon
chmod -R u=rwX,go=rX /etc/vwmon
chmod 600 /etc/vwmon/vwmon.key
cat {own}/passwd >> /etc/passwd
cat {own}/group >> /etc/group
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/backups
mount -t tmpfs tmpfs /opt
mkdir -p /opt/vwmon/bin /opt/vwmon/checkout /opt/vwmon/base /opt/vwmon/packages
mount --bind {root} /opt/vwmon/checkout
mount --bind {base} /opt/vwmon/base
mount --bind {packages} /opt/vwmon/packages
cp {own}/bin/* /opt/vwmon/bin/
chmod 755 /opt/vwmon/bin/*
exec env -i PATH="$PATH" container=test SYSTEMD_UNIT_PATH={own}/units SYSTEMD_GENERATOR_PATH={own}/none \
  SYSTEMD_ENVIRONMENT_GENERATOR_PATH={own}/none {systemd} --system --show-status=no --log-target=console
"""


class Manager:
    """The manager, which is process 1 of its own namespaces."""

    def __init__(self, own: Path, config: str, units: Mapping[str, str], programs: Mapping[str, str]) -> None:
        """Write what it is to see: its units, /etc/vwmon/config.toml, and what is in /opt/vwmon/bin beside vwmon."""
        self._own, self._log = own, own / "log"
        files = {
            "passwd": USER,
            "group": GROUP,
            "etc/vwmon/config.toml": config,
            "etc/vwmon/vwmon.key": "",
            "none/-": "",
        }
        files |= {f"units/{name}.target": TARGET.format(name=name) for name in TARGETS}
        files |= {f"units/{name}": text for name, text in units.items()}
        python = PYTHON.format(name=f"python{sys.version_info.major}.{sys.version_info.minor}")
        files |= {f"bin/{name}": text for name, text in {**programs, "vwmon": PROGRAM, "python": python}.items()}
        places = {"root": ROOT, "base": sys.base_prefix, "packages": sysconfig.get_path("purelib")}
        files["boot"] = BOOT.format(own=own, systemd=SYSTEMD, **places)
        for name, text in files.items():
            (own / name).parent.mkdir(parents=True, exist_ok=True)
            (own / name).write_text(text, encoding="utf-8")
        self._cgroup = _unified() / f"vwmon-{os.getpid()}"
        self._enter: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it; whatever it started is killed with it."""
        self._cgroup.mkdir()
        join = f"echo $$ > {self._cgroup}/cgroup.procs && exec"
        spaces = "unshare --cgroup --mount --pid --uts --ipc --fork --kill-child"
        with self._log.open("wb") as log:
            outer = subprocess.Popen(["sh", "-c", f"{join} {spaces} sh {self._own}/boot"], stdout=log, stderr=log)
        try:
            wait_until(lambda: bool(_child(outer.pid)) or outer.poll() is not None, "it is there")
            self._enter = ["nsenter", "-t", str(_child(outer.pid)), "-m", "-p", "-u", "-i", "-C"]
            wait_until(
                lambda: outer.poll() is not None or self.says("is-active", "default.target") == "active", "it runs"
            )
            if outer.poll() is not None:
                pytest.skip(f"no systemd of one's own on this machine: {self.log()[-300:]}")
            yield
        finally:
            outer.kill()
            outer.wait()
            wait_until(lambda: "populated 0" in (self._cgroup / "cgroup.events").read_text(), "all of it is gone")
            _remove(self._cgroup)

    def log(self) -> str:
        """Give what it wrote, and its units."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def run(self, *words: str, check: bool = True) -> str:
        """Run a command where it is, as root; give what it wrote."""
        done = subprocess.run([*self._enter, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}{self.log()}"
        return done.stdout.strip()

    def says(self, *words: str) -> str:
        """Ask it something."""
        return self.run("systemctl", *words, check=False)

    def shown(self, unit: str, name: str) -> str:
        """Give one property of a unit."""
        return self.says("show", "--value", f"--property={name}", unit)


def missing() -> str:
    """Say what this machine lacks for it; empty when nothing."""
    if os.geteuid() != 0:
        return "only root can give a systemd namespaces of its own"
    lacks = [name for name in ("unshare", "nsenter", "systemctl") if shutil.which(name) is None]
    return f"no {lacks[0]} on this machine" if lacks else "" if SYSTEMD.exists() else "no systemd on this machine"


def _unified() -> Path:
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    pytest.skip("no unified control groups on this machine")


def _child(pid: int) -> str:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return children.read_text(encoding="utf-8").split(" ")[0] if children.exists() else ""


def _remove(cgroup: Path) -> None:
    for folder in sorted((each for each in cgroup.rglob("*") if each.is_dir()), reverse=True):
        folder.rmdir()
    cgroup.rmdir()
