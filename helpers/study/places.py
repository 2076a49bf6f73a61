"""Whether the files a study names lie in its folder, or are said to lie elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from helpers.study.schema import LIBRARY

if TYPE_CHECKING:
    from helpers.study import Study


def places(study: Study) -> Iterator[str]:
    """Sentences for files that leave the study's folder without a word, by their path or by a link."""
    files = [("cohort", study.cohort.source, study.cohort.elsewhere)] if study.cohort.source not in LIBRARY else []
    if study.adverse_events and study.adverse_events.table:
        table = study.adverse_events.table
        files.append(("adverse_events.table", table.source, table.elsewhere))
    for entry, source, elsewhere in files:
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            if not elsewhere.strip() and not (study.folder / source).resolve().is_relative_to(study.folder.resolve()):
                yield (
                    f"entry '{entry}.source': the file lies outside of the study's folder; put it there, or say in "
                    f"'{entry}.elsewhere' in a few words where it is kept"
                )
