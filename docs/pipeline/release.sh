#!/bin/sh
# From a checkout to a canary rollout: builds, signs and verifies a release, pushes it, starts a rollout whose first wave
# is the canaries', and waits until that wave is past its soak time and its gates. The rollout goes on by itself then.
#
# Exit status: 0 the canary wave is past its gates; 5 the rollout was paused, cancelled or rolled back; 6 it was not there
# in time; anything else is of the command that failed (docs/command-line.md).
#
# usage: release.sh VERSION SEQUENCE
#   FLIPSIDE_SERVER    the server's address
#   FLIPSIDE_TOKEN     an API token; not set: somebody has signed in by `flipside login`
#   RELEASE_KEY        the release key, a private JWK or PEM: from the pipeline's secrets
#   FLIPSIDE_CANARIES  filter of the devices that come first (tag = canary)
#   FLIPSIDE_FLEET     filter of all devices that are meant (product = flipside-demo)
#   FLIPSIDE_SOAK      how long each wave is watched (1h)
#   FLIPSIDE_PATIENCE  how long the canary wave may take in all (6h)
#   BUILD_OPTIONS      more for the build: --virtual-only, --app apps/agent/src/my-app/main.ts
#   TRUST_CHAIN        the trust chain that names the release key (var/keys/trust-chain.bin)
set -eu

if [ $# -ne 2 ]; then
  echo "usage: release.sh VERSION SEQUENCE, such as 2.1.0 21" >&2
  exit 2
fi
version=$1
sequence=$2
file="build-output/release-$version.release"

# Only the step that signs has the key: no compiler, and nothing that it loads, ever sees it.
key=${RELEASE_KEY:?the release key is missing: a private JWK or PEM}
unset RELEASE_KEY
# shellcheck disable=SC2086 # several options
flipside build --version "$version" --sequence "$sequence" ${BUILD_OPTIONS:-} --unsigned --out "$file"
RELEASE_KEY=$key flipside sign "$file" --key-env RELEASE_KEY
unset key
flipside verify "$file" --trust-chain "${TRUST_CHAIN:-var/keys/trust-chain.bin}"

# Run again for the same release, the pipeline goes on with what the server has.
release=$(flipside push "$file" --exist-ok --print id)

rollout=$(flipside rollout create --release "$release" --name "release $version" \
  --target "${FLIPSIDE_FLEET:-product = flipside-demo}" \
  --wave "${FLIPSIDE_CANARIES:-tag = canary}" --wave 25% --wave 100% \
  --soak "${FLIPSIDE_SOAK:-1h}" --threshold 10% --minimum-sample 1 --health crashes \
  --print id)
echo "rollout $rollout"

# Ends with 5 as soon as the rollout is paused: by its failure threshold, its health gate, or a person.
flipside rollout watch "$rollout" --until wave:1 --timeout "${FLIPSIDE_PATIENCE:-6h}" || {
  status=$?
  flipside rollout why "$rollout" >&2 || true
  exit $status
}
