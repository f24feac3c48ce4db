"""What is lost while trials run is seen, and no outcome counts after it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diagnostics.lab.execution.essentials import ROOM, Essentials
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.staging import stage_code, staged_files
from diagnostics.lab.execution.trials import run_trials
from diagnostics.lab.execution.worker import EssentialLost, Worker
from diagnostics.lab.server import ProviderServer
from diagnostics.model.cell import Cell, Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from diagnostics.lab.environments import PreparedEnvironment


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trials").mkdir()
    return tmp_path / "trials"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = [tmp_path / "environment" / name for name in ("python", "package/__init__.py", "package/part/a.py")]
    for file in found:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return found


def certificate(server: ProviderServer, folder: Path, files: list[Path]) -> None:
    server.ca_file.unlink()


def another_certificate(server: ProviderServer, folder: Path, files: list[Path]) -> None:
    server.ca_file.write_text("another")


def whole_server(server: ProviderServer, folder: Path, files: list[Path]) -> None:
    content = server.ca_file.read_bytes()
    server.close()
    server.ca_file.parent.mkdir()
    server.ca_file.write_bytes(content)


def one_file(server: ProviderServer, folder: Path, files: list[Path]) -> None:
    files[-1].unlink()


def environment(server: ProviderServer, folder: Path, files: list[Path]) -> None:
    shutil.rmtree(files[0].parent)


def trial_folder(server: ProviderServer, folder: Path, files: list[Path]) -> None:
    folder.rmdir()


LOSSES: dict[Callable[[ProviderServer, Path, list[Path]], None], str] = {
    certificate: "the certificate of the provider server, was removed",
    another_certificate: "the certificate of the provider server, was removed",
    whole_server: "the provider server ended",
    one_file: "a.py was removed while trials needed it",
    environment: "python was removed while trials needed it",
    trial_folder: "trials was removed while trials needed it",
}


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
@pytest.mark.parametrize("looks", [0, 2])
def test_each_loss_is_one_sentence(
    looks: int,
    lose: Callable[[ProviderServer, Path, list[Path]], None],
    server: ProviderServer,
    folder: Path,
    files: list[Path],
) -> None:
    essentials = Essentials(server, folder, files)
    for number in range(looks):
        files[1].with_name(f"compiled-{number}.pyc").touch()  # what is added to an environment is no loss
        assert essentials.lost() is None
    lose(server, folder, files)
    for _ in range(2):
        assert LOSSES[lose] in (essentials.lost() or "")
    assert list(folder.glob("*")) == []


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """No file of this process may grow beyond a size, as on a disk that is full."""
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_a_loss(server: ProviderServer, folder: Path) -> None:
    essentials = Essentials(server, folder, ())
    with no_room(ROOM - 1):
        assert "trials cannot be written while trials need it" in (essentials.lost() or "")
    assert essentials.lost() is None


def test_staged_code_of_which_a_part_is_missing_is_staged_again(tmp_path: Path) -> None:
    folder = stage_code(tmp_path)
    files = staged_files(folder)
    assert sorted(files) == sorted(folder.rglob("*.py"))
    files[3].unlink()
    shutil.rmtree(folder / "diagnostics" / "worker")
    assert stage_code(tmp_path) == folder
    assert all(file.is_file() for file in files)
    assert [path.name for path in (tmp_path / "inside").iterdir()] == [folder.name]


@pytest.mark.environment
@pytest.mark.parametrize("lost", ["certificate", "folder"])
def test_trials_after_a_loss_are_broken_and_not_played_again(
    lost: str, server: ProviderServer, environment: Callable[[str], PreparedEnvironment], tmp_path: Path
) -> None:
    prepared = environment("httpx2")
    hired = []

    @contextmanager
    def hire() -> Iterator[Worker]:
        with Worker(prepared.python, stage_code(tmp_path), server, files=prepared.files) as worker:
            hired.append(worker)
            yield worker

    cell = Cell(prepared.environment.name, "httpx2", "repeated-run", "context-manager", Load(1, 1, 1))
    losses: list[str] = []
    plans = [TrialPlan(cell, number, "fork") for number in range(5)]
    statuses = []
    for result in run_trials(plans, prepared.environment, hire, at_once=1, redact=str, losses=losses):
        statuses.append((result.trial.status, result.trial.symptom))
        if len(statuses) == 2:
            shutil.rmtree(server.ca_file.parent if lost == "certificate" else hired[0].folder)
    assert statuses == [("ran", "none")] * 2 + [("broken", None)] * 3
    assert len(hired) == len(losses) == 1
    assert "was removed while trials needed it" in losses[0]


@pytest.mark.environment
def test_a_worker_that_cannot_start_after_a_loss_says_what_is_lost(
    server: ProviderServer, environment: Callable[[str], PreparedEnvironment], tmp_path: Path
) -> None:
    staged = stage_code(tmp_path)
    shutil.rmtree(staged)
    with pytest.raises(EssentialLost, match=r"was removed while trials needed it"):
        Worker(environment("httpx2").python, staged, server, files=staged_files(staged))
