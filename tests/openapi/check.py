#!/usr/bin/env python3
"""Refuses changes of openapi.json that break callers of the last release.

    check.py              compares with the newest tag v*, or before the first of them
                          with the commit that tests/release-before names
    check.py --self-test  shows that the comparison sees what it must

What breaks is decided by oasdiff (pinned in go.mod and go.sum), with the exceptions of
severities.txt. openapi/breaking.md lists what is broken on purpose. Needs Go and git.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = "openapi/openapi.json"
LISTED = ROOT / "openapi/breaking.md"


def git(*arguments):
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=60)


def last_release():
    """The name of what to compare with, or None outside a repository."""
    if git("rev-parse", "--git-dir").returncode != 0:
        return None
    tags = git("tag", "--list", "v[0-9]*", "--merged", "HEAD", "--sort=-v:refname").stdout.split()
    released = [tag for tag in tags if "-" not in tag]
    return released[0] if released else (ROOT / "tests/release-before").read_text().strip()


def breaking(base, new):
    """What breaks callers of base, each as `METHOD path: what`, without doubles."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, document in (("base", base), ("new", new)):
            files.append(os.path.join(folder, name + ".json"))
            Path(files[-1]).write_text(json.dumps(document))
        command = ["go", "tool", "oasdiff", "breaking", "--format", "json", "--allow-external-refs=false",
                   "--severity-levels", "severities.txt", *files]
        run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=600,
                             env={**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off"})
    if run.returncode != 0:
        raise SystemExit(f"oasdiff failed:\n{run.stdout}{run.stderr}")
    found = json.loads(run.stdout or "[]")
    return sorted({f"{one.get('operation', '')} {one.get('path', '')}: {one['text']}".strip() for one in found})


def entries(text):
    """The entries of breaking.md: title, reason, words of the changelog, changes."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        title, _, body = part.partition("\n")
        field = lambda name: " ".join(re.findall(rf"^{name}:(.*)$", body, flags=re.M)).strip()
        yield title.strip(), field("Why"), field("Changelog"), re.findall(r"^- (.*\S)", body, flags=re.M)


def newest_section(changelog):
    """The newest section, on one line: what is not released yet."""
    return " ".join(re.split(r"^## ", changelog, flags=re.M)[1].split())


def version(document):
    return tuple(int(part) for part in re.match(r"(\d+)\.(\d+)\.(\d+)", document["info"]["version"]).groups())


def judge(changes, listed, changelog, old, new):
    """All that is wrong with the changes, in words; nothing when they may be released."""
    wrong, allowed = [], set()
    for title, reason, words, lines in entries(listed):
        if not reason or not words or not lines:
            wrong.append(f"breaking.md, {title}: it needs `Why:`, `Changelog:` and the changes")
        elif " ".join(words.split()) not in newest_section(changelog):
            wrong.append(f"breaking.md, {title}: the newest section of CHANGELOG.md does not say: {words}")
        for line in lines:
            if line not in changes:
                wrong.append(f"breaking.md, {title}: this does not break anything any more: {line}")
        allowed.update(lines)
    wrong += [f"this breaks callers of the last release: {line}" for line in changes if line not in allowed]
    if changes and new[0] == old[0] and new[0] >= 1:
        wrong.append("within a major version nothing may break, whatever breaking.md says")
    elif changes and new > old and new[:2] == old[:2]:
        wrong.append("what breaks needs a new minor version before 1.0, and a new major version later")
    return wrong


def main():
    release = last_release()
    if release is None:
        if os.environ.get("CI") == "true":
            raise SystemExit("This is no git repository: there is no release to compare with.")
        print("This is no git repository: openapi.json was not compared with the last release.")
        return
    shown = git("show", f"{release}:{DOCUMENT}")
    if shown.returncode != 0:
        raise SystemExit(f"{release} is not here. Get it: git fetch --tags --unshallow")
    base, new = json.loads(shown.stdout), json.loads((ROOT / DOCUMENT).read_text())
    changes = breaking(base, new)
    wrong = judge(changes, LISTED.read_text(), (ROOT / "CHANGELOG.md").read_text(), version(base), version(new))
    if wrong:
        print(*wrong, "docs/versioning.md says what may change, openapi/breaking.md how to break on purpose.", sep="\n")
        raise SystemExit(1)
    print(f"Nothing breaks callers of {release}" + (f" but the {len(changes)} changes that breaking.md lists." if changes else "."))


class SelfTest(unittest.TestCase):
    """The document with one change each."""

    def setUp(self):
        self.base, self.new = (json.loads((ROOT / DOCUMENT).read_text()) for _ in range(2))
        self.schemas = self.new["components"]["schemas"]

    def found(self):
        return "\n".join(breaking(self.base, self.new))

    def test_nothing(self):
        self.assertEqual(self.found(), "")

    def test_removed_operation(self):
        del self.new["paths"]["/v1/verifications/{id}/cancel"]["post"]
        self.assertIn("POST /v1/verifications/{id}/cancel: api removed", self.found())

    def test_operation_of_another_name(self):
        self.new["paths"]["/v1/tenant"]["get"]["operationId"] = "show_tenant"
        self.assertIn("GET /v1/tenant: ", self.found())

    def test_new_required_request_field(self):
        self.schemas["StartVerification"]["properties"]["reason"] = {"type": "string"}
        self.schemas["StartVerification"]["required"].append("reason")
        self.assertIn("POST /v1/verifications: added the new required request property `reason`", self.found())

    def test_removed_request_field(self):
        del self.schemas["StartVerification"]["properties"]["origin"]
        self.assertIn("POST /v1/verifications: removed the request property `origin`", self.found())

    def test_removed_enum_value_of_a_request(self):
        self.schemas["Resend"]["enum"].remove("new")
        self.assertIn("PUT /v1/profiles/{name}: removed the enum value `new`", self.found())

    def test_narrower_bounds(self):
        self.schemas["StartVerification"]["properties"]["code_length"]["maximum"] = 6
        self.assertIn("POST /v1/verifications: the `code_length` request property's max was decreased", self.found())

    def test_removed_answer_field(self):
        self.schemas["Verification"]["properties"].pop("livemode")
        self.schemas["Verification"]["required"].remove("livemode")
        self.assertIn("GET /v1/verifications/{id}: removed the required property `livemode`", self.found())

    def test_removed_answer_field_that_may_be_absent(self):
        del self.schemas["CheckAnswer"]["properties"]["reason"]
        self.assertIn("POST /v1/checks: removed the optional property `reason`", self.found())

    def test_answer_field_that_became_null(self):
        self.schemas["Verification"]["properties"]["profile"]["type"] = ["string", "null"]
        self.assertIn("GET /v1/verifications/{id}: the response property `profile` became nullable", self.found())

    def test_another_scope(self):
        self.new["paths"]["/v1/tenant"]["get"]["security"] = [{"key": ["keys:write"]}]
        self.assertIn("GET /v1/tenant: the security scope `keys:write` was added", self.found())

    def test_what_breaks_nobody(self):
        self.schemas["StartVerification"]["properties"]["reason"] = {"type": ["string", "null"]}
        self.schemas["Verification"]["properties"]["channel"] = {"type": "string"}
        self.schemas["Verification"]["required"].append("channel")
        self.schemas["Delivery"]["enum"].append("read")
        self.schemas["ProblemCode"]["enum"].append("brand_new")
        self.schemas["Resend"]["enum"].append("never")
        self.new["paths"]["/v1/later"] = {"get": {"operationId": "read_later", "responses": {"200": {"description": "x"}}}}
        self.new["paths"]["/v1/tenant"]["get"]["deprecated"] = True
        self.new["paths"]["/v1/tenant"]["get"]["x-sunset"] = "2099-01-01"
        self.assertEqual(self.found(), "")


class SelfTestOfTheList(unittest.TestCase):
    LINE = "GET /v1/x: removed the `y|z`"
    ENTRY = f"# Title\n```\n## Example\n- not read\n```\n## One\nWhy: because\nChangelog: `y` is gone\n- {LINE}\n"
    LOG = "# Changelog\n\n## Unreleased\n- `y` is\n  gone from x.\n\n## 0.1.0\n- `z` is gone\n"

    def judge(self, changes, listed=ENTRY, log=LOG, old=(0, 1, 0), new=(0, 1, 0)):
        return judge(changes, listed, log, old, new)

    def test_listed(self):
        self.assertEqual(self.judge([self.LINE]), [])
        self.assertEqual(self.judge([], listed="# Title\n"), [])
        self.assertEqual(self.judge([self.LINE], new=(0, 2, 0)), [])
        self.assertEqual(self.judge([self.LINE], old=(1, 4, 2), new=(2, 0, 0)), [])

    def test_not_listed(self):
        self.assertEqual(len(self.judge([self.LINE, "GET /v1/y: gone"])), 1)
        self.assertEqual(len(self.judge([self.LINE], listed="# Title\n")), 1)

    def test_out_of_date(self):
        self.assertEqual(len(self.judge([])), 1)

    def test_incomplete(self):
        for missing in ("Why: because", "Changelog: `y` is gone"):
            self.assertEqual(len(self.judge([self.LINE], listed=self.ENTRY.replace(missing, ""))), 1)
        self.assertEqual(len(self.judge([self.LINE], listed=self.ENTRY.replace("`y` is gone", "`z` is gone"))), 1)

    def test_versions(self):
        self.assertEqual(len(self.judge([self.LINE], new=(0, 1, 1))), 1)
        self.assertEqual(len(self.judge([self.LINE], old=(1, 0, 0), new=(1, 1, 0))), 1)
        self.assertEqual(self.judge([], listed="# Title\n", new=(0, 1, 1)), [])


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        unittest.main(argv=sys.argv[:1])
    elif sys.argv[1:]:
        raise SystemExit(__doc__)
    else:
        main()
