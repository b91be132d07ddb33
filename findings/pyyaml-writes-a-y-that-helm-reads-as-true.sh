#!/usr/bin/env bash
# PyYAML 6.0.4 (PyPI); Helm 3.17.2 and 4.1.4.
#
# Behaviour: yaml.safe_dump writes the text "y" without quotes. Helm reads a plain y as the boolean true.
# Likely guess: what one YAML 1.1 library writes as a text, another reads as that text.
# Seen: a value "y" of a values file that Python wrote arrives in the template as true (bool).
# Way out: write values with json.dumps; JSON is YAML, and its texts are always quoted.
#
# HELM names the program; without it, `helm` on the path.
set -euo pipefail
helm=${HELM:-helm}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check PyYAML==6.0.4
mkdir -p "$temp/chart/templates"
printf 'apiVersion: v2\nname: x\nversion: 1.0.0\n' >"$temp/chart/Chart.yaml"
echo 'seen: {{ kindOf .Values.name }} {{ .Values.name }}' >"$temp/chart/templates/x.yaml"
"$temp/venv/bin/python" -c 'import yaml; print(yaml.safe_dump({"name": "y"}), end="")' | tee "$temp/values.yaml"
"$helm" template r "$temp/chart" --values "$temp/values.yaml" | tee "$temp/out"
grep -q '^seen: bool true$' "$temp/out"
