"""File systems of a row's own: images in a file, mounted for as long as they are needed. That takes root's rights."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.faults.matrix import CannotHereError
from tests.integration.broker import wait_until


def run(*command: str) -> None:
    """Run a program of the system's; CannotHereError when it is not there or may not be used."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CannotHereError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise CannotHereError(f"{' '.join(command[:3])} …: {error.stderr.strip()[-100:]}") from error


def make(image: Path, mib: int, *maker: str) -> None:
    """Make an image with a file system in it; `maker` is the program that makes it, with its options."""
    with image.open("wb") as file:
        file.truncate(mib * 1024 * 1024)
    run(*maker, str(image))


@contextmanager
def mounted(what: Path | str, at: Path, *options: str) -> Iterator[Path]:
    """Mount an image, or another thing that mount knows."""
    at.mkdir(exist_ok=True)
    run("mount", *options, str(what), str(at))
    try:
        yield at
    finally:
        # An image on what is to be unmounted is let go of a moment after its own unmounting.
        wait_until(partial(_unmounts, at), f"{at} is unmounted")


def _unmounts(at: Path) -> bool:
    return subprocess.run(["umount", str(at)], capture_output=True, check=False).returncode == 0
