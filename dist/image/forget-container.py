#!/usr/bin/env python3
"""Removes the random name of the container in which buildah made an image; otherwise the digest differs each time.

usage: forget-container.py FOLDER      FOLDER is an image as `buildah push IMAGE dir:FOLDER` writes it
"""

import hashlib
import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
old = folder / manifest["config"]["digest"].removeprefix("sha256:")
config = json.loads(old.read_text())
# The second is a copy of `config` for versions of Docker that nobody runs.
for key in ("container", "container_config"):
    config.pop(key, None)
config["config"].pop("Hostname", None)
text = json.dumps(config, separators=(",", ":"), sort_keys=True).encode()
digest = hashlib.sha256(text).hexdigest()
old.unlink()
(folder / digest).write_bytes(text)
manifest["config"] |= {"digest": f"sha256:{digest}", "size": len(text)}
(folder / "manifest.json").write_text(json.dumps(manifest, separators=(",", ":")))
