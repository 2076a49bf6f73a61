"""Forked kernels: they run, die alone, and none outlives the launcher or the process that asked for them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path

import pytest

from helpers.launcher import Launcher, can_fork, kernel_manager

pytestmark = pytest.mark.skipif(not can_fork(), reason="kernels are not forked here")
SECONDS = 30


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """One that still has a kernel when it is closed."""
    made = Launcher(computing=False)
    yield made
    left = run(started(made)).provisioner.pid
    assert alive(left)
    made.close()
    assert gone([left])


def run(task: Coroutine):
    """What a task comes to."""
    return asyncio.run(task)


def alive(pid: int) -> bool:
    """Whether a process runs and is not only a shadow of one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: list[int]) -> bool:
    """Whether processes end in time."""
    end = time.monotonic() + SECONDS
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(alive, pids))


async def started(launcher: Launcher):
    manager = kernel_manager(launcher)(kernel_name="helpers")
    await manager.start_kernel(cwd=str(Path.cwd()))
    return manager


async def told(manager, code: str) -> str:
    """What a kernel prints."""
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=SECONDS)
    said: list[str] = []
    await client.execute_interactive(
        code, timeout=SECONDS, output_hook=lambda message: said.append(message["content"].get("text", ""))
    )
    client.stop_channels()
    return "".join(said)


ASKED = "import os, sys; print(os.getppid(), os.getpid() == os.getpgrp(), 'helpers.figures' in sys.modules)"


def test_a_kernel_has_everything_imported_and_a_group_of_its_own(launcher):
    async def task():
        manager = await started(launcher)
        said = await told(manager, ASKED)
        pid = manager.provisioner.pid
        await manager.shutdown_kernel(now=True)
        return said, pid

    said, pid = run(task())
    threads = [path.read_text().strip() for path in Path(f"/proc/{launcher._process.pid}/task").glob("*/comm")]
    assert len(threads) == 1, threads
    assert said.split() == [str(launcher._process.pid), "True", "True"]
    assert gone([pid])


def test_a_killed_kernel_is_seen_to_be_dead_and_others_go_on(launcher):
    async def task():
        one, other = await started(launcher), await started(launcher)
        await told(one, "1")
        os.kill(one.provisioner.pid, signal.SIGKILL)
        assert gone([one.provisioner.pid])
        assert one.provisioner.process.wait() == 1
        assert not await one.is_alive()
        said = await told(other, "print(6 * 7)")
        await other.shutdown_kernel(now=True)
        return said

    assert run(task()) == "42\n"


@pytest.mark.slow
def test_a_launcher_that_was_killed_takes_its_kernels_along_and_says_so():
    async def task():
        made = Launcher(computing=False)
        manager = await started(made)
        await told(manager, "1")
        made._process.kill()
        assert gone([manager.provisioner.pid])
        with pytest.raises(RuntimeError, match="the process that starts kernels has ended"):
            await started(made)
        made.close()

    run(task())


OUTLIVED = """
import asyncio, sys
sys.path.insert(0, "tests")
from test_launcher import started, told
from helpers.launcher import Launcher

async def task():
    made = Launcher(computing=False)
    manager = await started(made)
    await told(manager, "1")
    print(made._process.pid, manager.provisioner.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(task())
"""


@pytest.mark.slow
def test_nothing_outlives_the_process_that_asked_for_kernels():
    asking = subprocess.Popen([sys.executable, "-c", OUTLIVED], stdout=subprocess.PIPE, text=True)
    pids = [int(each) for each in asking.stdout.readline().split()]
    assert all(map(alive, pids))
    asking.kill()
    asking.wait()
    assert gone(pids)
