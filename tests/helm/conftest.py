"""Each set of values is rendered twice by each Helm, once for all tests."""

import concurrent.futures
import dataclasses

import pytest
import yaml

from charts import HELMS, SETS, parse, render


@dataclasses.dataclass
class Rendered:
    name: str
    values: dict
    texts: dict
    objects: list


@pytest.fixture(scope="session")
def all_rendered():
    tasks = [(name, helm, turn) for name in SETS for helm in HELMS for turn in range(2)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        texts = dict(zip(tasks, pool.map(lambda task: render(task[1], "--values", SETS[task[0]]), tasks)))
    return {
        name: Rendered(
            name,
            yaml.safe_load(file.read_text(encoding="utf-8")),
            {(helm, turn): texts[name, helm, turn] for helm in HELMS for turn in range(2)},
            parse(texts[name, "helm4", 0]),
        )
        for name, file in SETS.items()
    }


@pytest.fixture(params=SETS)
def rendered(request, all_rendered):
    """One set of values after the other."""
    return all_rendered[request.param]
