"""The README, as somebody follows it: from an empty folder to an approved code; and the package."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tarfile
import time
import venv
import zipfile
from pathlib import Path

import pytest
import standardwebhooks
from test_webhooks import APPROVED, SECRET, signed

from countersign import __version__

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DIST = Path(os.environ["COUNTERSIGN_TEST_DIST"])


def blocks(language, section=None):
    text = README if section is None else re.search(rf"^## {section}\n(.*?)^## ", README, re.M | re.S)[1]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """An empty folder with a virtual environment, after the install line of the README."""
    folder = tmp_path_factory.mktemp("readme")
    venv.create(folder / ".venv", with_pip=True)
    wheel = next(DIST.glob("*.whl"))
    [install] = blocks("sh", "Start")
    assert install == "pip install countersign-sdk\n"
    environment = environment_of(folder) | {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": os.environ["COUNTERSIGN_TEST_WHEELS"],
    }
    line = install.replace("countersign-sdk", str(wheel))
    subprocess.run(["sh", "-euc", line], cwd=folder, env=environment, check=True, capture_output=True)
    return folder


def environment_of(folder):
    return {"PATH": f"{folder / '.venv' / 'bin'}:/usr/bin:/bin", "HOME": str(folder)}


@pytest.mark.parametrize("key", ["key", "test_key"])
def test_from_an_empty_folder_to_an_approved_code(installed, dev, inbox, number, key):
    start = blocks("python", "Start")[0]
    (installed / "start.py").write_text(start)
    process = subprocess.Popen(
        ["python", "-W", "error", "start.py"],
        cwd=installed,
        env=environment_of(installed) | {"COUNTERSIGN_URL": dev["base_url"], "COUNTERSIGN_KEY": dev[key]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        process.stdin.write(number + "\n")
        process.stdin.flush()
        code = inbox(number)[0]["code"] if key == "key" else "123456"
        output, _ = process.communicate(code + "\n", timeout=30)
    assert process.returncode == 0
    assert output.split(": ")[-1] == "approved\n"


def test_the_other_blocks_run(installed, dev, test_client, client, number, capsys):
    body, headers = signed(APPROVED | {"type": "verification.failed"})
    names = {
        "client": client,
        "verification": client.verifications.start(to=number),
        "number": number,
        "body": body,
        "headers": headers,
        "secret": SECRET,
    }
    for block in blocks("python")[1:]:
        names["client"] = client
        exec(compile(block.replace("order A-1001", f"order {number}"), "README.md", "exec"), names)
    output = capsys.readouterr().out
    assert "resend_too_soon - again in" in output
    assert "400 invalid_request req_" in output
    assert "whm_1 ver_1 None" in output


def test_the_asynchronous_block_signs_in(dev, monkeypatch, number):
    import anyio

    names = {}
    exec(blocks("python", "Start")[1], names)
    monkeypatch.setenv("COUNTERSIGN_KEY", dev["test_key"])
    monkeypatch.setenv("COUNTERSIGN_URL", dev["base_url"])
    assert anyio.run(names["sign_in"], number, "123456") is True


def test_the_package_holds_what_belongs():
    document = json.loads((ROOT.parents[1] / "openapi" / "openapi.json").read_text())
    assert __version__ == document["info"]["version"]
    [wheel], [sdist] = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    assert f"-{__version__}-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(f"countersign_sdk-{__version__}.dist-info/METADATA").decode()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"countersign", f"countersign_sdk-{__version__}.dist-info"}
    assert "countersign/py.typed" in names
    assert f"countersign_sdk-{__version__}.dist-info/licenses/LICENSE" in names
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.10" in metadata
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    assert tops <= {"src", "README.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}


def test_signatures_of_the_readme_are_those_of_the_standard():
    """The vector of the specification's reference implementation."""
    body, headers = signed(APPROVED, at=time.time())
    assert standardwebhooks.Webhook(SECRET).verify(body.decode(), headers) == APPROVED
    assert len(base64.b64decode(SECRET.removeprefix("whsec_"))) == 32
