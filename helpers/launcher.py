"""Kernels forked from one process that has imported everything, so that none of them imports it again.

Run as a module it is that process: it answers each request on its socket with the number of a new kernel's process, and
ends all of them once the other end of the socket is gone. It has one thread, since others would not live on in what it
forks. Systems that cannot fork start plain kernels.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

IMPORTED = (
    "ipykernel.kernelapp",
    "matplotlib_inline.backend_inline",
    "helpers.results",
    "helpers.figures",
    "helpers.tables",
    "helpers.wording",
    "helpers.scorecard",
)
KERNEL = "ipykernel_launcher"
LONGEST = 1 << 20
RARELY = 50_000
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


def can_fork() -> bool:
    """Whether kernels can be forked here and their ends be seen."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class Launcher:
    """The process that forks kernels; for those that are `computing` it imports the statistics and reads the patients.

    To be closed, which ends every kernel that still runs.
    """

    def __init__(self, study_dir: Path | None = None, *, computing: bool = True) -> None:
        self.computing = computing
        self._lock = threading.Lock()
        asked = json.dumps({"computing": computing, "study_dir": str(study_dir) if study_dir and computing else None})
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(other.fileno()), asked],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
            )

    def fork(self, arguments: list[str], folder: str, environment: dict[str, str]) -> "Forked":
        """A kernel with these arguments, in a folder, with an environment of its own."""
        request = {"arguments": arguments, "folder": folder, "environment": environment}
        answer = b""
        with self._lock, contextlib.suppress(OSError):
            self._socket.send(json.dumps(request).encode())
            answer = self._socket.recv(64)
        if not answer:
            raise RuntimeError("the process that starts kernels has ended")
        return Forked(int(answer))

    def __enter__(self) -> "Launcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and its kernels."""
        self._socket.close()
        self._process.terminate()
        self._process.wait()


class Forked:
    """A kernel's process, as far as jupyter_client asks for what `subprocess.Popen` has."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        try:
            self._end = os.pidfd_open(pid)
        except ProcessLookupError:
            self.returncode = 1

    def poll(self) -> int | None:
        """None as long as it runs."""
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            os.close(self._end)
            self.returncode = 1
        return self.returncode

    def wait(self) -> int | None:
        """Wait for its end."""
        if self.poll() is None:
            select.select([self._end], [], [])
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._end, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class _Provisioner(LocalProvisioner):
    launcher: Launcher

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork the kernel that the command would start; one of another kind is started."""
        if KERNEL not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        after = cmd.index(KERNEL) + 1
        self.cwd = Path(kwargs.get("cwd") or Path.cwd())
        self.process = self.launcher.fork(cmd[after:], str(self.cwd), dict(kwargs.get("env") or os.environ))
        self.pid = self.pgid = self.process.pid
        return self.connection_info


def kernel_manager(launcher: Launcher) -> type[AsyncKernelManager]:
    """The class of kernel managers whose kernels the launcher forks."""

    class Manager(AsyncKernelManager):
        async def _async_pre_start_kernel(self, **kwargs: Any) -> tuple[list[str], dict[str, Any]]:
            if self.provisioner is None:
                self.kernel_id = str(uuid.uuid4())
                self.provisioner = _Provisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
                self.provisioner.launcher = launcher
            return await super()._async_pre_start_kernel(**kwargs)

        pre_start_kernel = _async_pre_start_kernel

    return Manager


def _serve(requests: socket.socket, computing: bool, study_dir: str | None) -> None:
    """Import everything, then fork a kernel a request until the other end is gone.

    A kernel does without the debugger that it would import otherwise: nobody steps through a run.
    """
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    rooms = importlib.import_module("helpers.estimates").ROOMS if computing else []
    for name in (*IMPORTED, *rooms):
        importlib.import_module(name)
    if study_dir is not None:
        _read(study_dir)
    gc.freeze()
    gc.set_threshold(RARELY)
    kernels: set[int] = set()
    signal.signal(signal.SIGCHLD, lambda *_: _reap(kernels))
    signal.signal(signal.SIGTERM, lambda *_: _end(kernels))
    with contextlib.suppress(OSError):
        while data := requests.recv(LONGEST):
            pid = os.fork()
            if pid == 0:
                try:
                    requests.close()
                    _become_kernel(**json.loads(data))
                finally:
                    os._exit(1)
            kernels.add(pid)
            requests.send(str(pid).encode())
    _end(kernels)


def _read(study_dir: str) -> None:
    """Read the patients once for all kernels; what is wrong with them is said by who asks for a report."""
    from helpers.errors import UserError
    from helpers.estimates import read_once
    from helpers.study import read_study

    with contextlib.suppress(UserError):
        read_once(read_study(study_dir))


def _end(kernels: set[int]) -> None:
    """End all kernels and this process; who ends meanwhile is not taken note of."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in tuple(kernels):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    os._exit(0)


def _reap(kernels: set[int]) -> None:
    """Take note of every kernel that has ended, so that none is left as a shadow and its time is counted."""
    with contextlib.suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            kernels.discard(pid)


def _become_kernel(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Be a kernel until it is shut down; never return."""
    from ipykernel.kernelapp import IPKernelApp

    parent = os.getppid()
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={parent}"])
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), **json.loads(sys.argv[2]))
