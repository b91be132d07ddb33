#!/usr/bin/env bash
# npm 11.6.2 (npm registry), Node 18 or newer.
#
# Behaviour: `npm ci --prefix DIR` also takes the global configuration from DIR/etc/npmrc. What an
#   administrator wrote into the global npmrc (a mirror, a certificate) is not read.
# Likely guess: --prefix is like `git -C`: it names the folder that npm works in, and nothing else.
# Seen: in the folder the registry is the mirror of the global npmrc, with --prefix it is npm's own default.
# Way out: (cd DIR && npm ci).
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --prefix "$temp/tool" npm@11.6.2
npm="$temp/tool/node_modules/npm/bin/npm-cli.js"

# A machine whose administrator names a mirror: a prefix with etc/npmrc, found by where node is.
mkdir -p machine/bin machine/etc project
ln -s "$(command -v node)" machine/bin/node
echo 'registry=https://mirror.example/' >machine/etc/npmrc
echo '{"name":"project","version":"1.0.0"}' >project/package.json
unset "${!npm_config_@}" NPM_CONFIG_PREFIX NPM_CONFIG_GLOBALCONFIG NPM_CONFIG_REGISTRY
export HOME="$temp" PREFIX="$temp/machine"
in_folder=$(cd project && node "$npm" config get registry)
by_prefix=$(node "$npm" config get registry --prefix project)
config=$(node "$npm" config get globalconfig --prefix project)
echo "in the folder: $in_folder"
echo "by --prefix:   $([ "$by_prefix" = https://mirror.example/ ] && echo the mirror || echo "npm's default") ($config)"
[ "$in_folder" = https://mirror.example/ ] && [ "$by_prefix" != https://mirror.example/ ] &&
    [ "$config" = "$temp/project/etc/npmrc" ]
