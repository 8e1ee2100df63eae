# Sourced by tools/with-node and bin/coldpatch, which set `root`: sets `node` to a Node >= 24, or to nothing.

# shellcheck shell=sh disable=SC2034,SC2154
node_pinned=24.21.0
node_home=$root/.tools/node-$node_pinned

# The pinned one comes first: it needs no question about its version, which costs 20 ms.
node=$node_home/node_modules/.bin/node
if [ ! -x "$node" ]; then
  node=$(command -v node) || node=
  case $("${node:-false}" --version 2>/dev/null) in
    v2[4-9].* | v[3-9][0-9].*) ;;
    *) node= ;;
  esac
fi
