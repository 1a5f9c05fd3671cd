# What .ci/run and .ci/nightly begin with: where they work, what they leave behind
# (nothing), how they say what they do, and what they install and start. It is
# sourced, from the root of the repository, with -euo pipefail.
#
# DRYDOCK_SHARED is the folder of real test data, ../shared unless set.
# DRYDOCK_DOCKER_CLI, DRYDOCK_SCALIBR and DRYDOCK_DEBIAN_ROOTFS are used where
# set, and made otherwise.
# shellcheck shell=bash
export CI=true CGO_ENABLED=0
export DRYDOCK_SHARED="${DRYDOCK_SHARED:-$(cd .. && pwd)/shared}"
root=() # what must be done as root
[ "$(id -u)" = 0 ] || root=(sudo)

work=$(mktemp -d)
jobs=()
cleanup() {
  local code=$?
  trap - EXIT
  for job in "${jobs[@]}"; do kill -- "-$job" 2>/dev/null || true; done
  if [ -n "${stand_ins+set}" ]; then comm -13 <(echo "$stand_ins") <(made) | xargs -r "$docker" rmi -f >/dev/null || true; fi
  for kind in classic current podman; do
    [ ! -e "$work/$kind/range" ] || .ci/engine/engine stop "$work/$kind" || true
  done
  [ ! -e "$work/postgres/data/postmaster.pid" ] || as_postgres "$pg/pg_ctl" -D "$work/postgres/data" -m fast stop >/dev/null || true
  awk -v under="$work/" 'index($2, under) == 1 {print $2}' /proc/mounts | sort -r |
    while read -r mount; do "${root[@]}" umount -l "$mount" || true; done
  "${root[@]}" rm -rf "$work"
  if [ "$code" = 0 ]; then echo "== all well (${SECONDS}s)"; else echo "== failed with exit code $code (${SECONDS}s)" >&2; fi
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '\n== %s (%ss)\n' "$*" "$SECONDS"; }
have() { command -v "$1" >/dev/null 2>&1; }

# aside runs a command beside everything else, in a process group of its own, so
# that it can be ended as a whole; ready waits for it and shows what went wrong.
aside() {
  local name=$1
  shift
  set -m
  "$@" >"$work/$name.log" 2>&1 &
  set +m
  jobs+=($!)
  declare -g "job_$name=$!"
}
ready() {
  local name=$1 job=job_$1
  [ -n "${!job:-}" ] || return 0
  wait "${!job}" || { echo "$name:"; tail -n 30 "$work/$name.log"; exit 1; } >&2
}

step "what Debian has"
export PATH="$PATH:/usr/sbin:/sbin"
need=()
for tool in dockerd:docker.io docker:docker.io iptables:iptables ip:iproute2 debootstrap:debootstrap skopeo:skopeo \
  docker-registry:docker-registry notary:notary notary-server:notary openssl:openssl apparmor_parser:apparmor secilc:secilc crun:crun podman:podman npm:npm pg_createcluster:postgresql nats-server:nats-server chromium:chromium cargo:cargo bundle:bundler composer:composer poetry:python3-poetry patch:patch script:bsdutils nvim:neovim curl:curl make:make /usr/bin/time:time gcc:gcc pkg-config:pkg-config; do
  have "${tool%%:*}" || need+=("${tool#*:}")
done
[ -e /usr/include/seccomp.h ] || need+=(libseccomp-dev libc6-dev)
if [ ${#need[@]} -gt 0 ]; then
  echo "installs ${need[*]}"
  {
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}"
  } >"$work/apt.log" 2>&1 || { tail -n 30 "$work/apt.log" >&2; exit 1; }
fi

step "beside the rest: a Debian root file system, a current Docker Engine and command line, scalibr, axe-core"
if [ -z "${DRYDOCK_DEBIAN_ROOTFS:-}" ]; then
  export DRYDOCK_DEBIAN_ROOTFS="$work/bookworm"
  aside rootfs "${root[@]}" debootstrap --variant=minbase bookworm "$DRYDOCK_DEBIAN_ROOTFS"
fi
tools() {
  ln -s "$(.ci/engine/engine build)" "$work/current-programs"
  if [ -z "$1" ]; then GOBIN="$work" go install github.com/google/osv-scalibr/binary/scalibr@v0.5.3; fi
  if [ -z "$2" ]; then npm install --prefix "$work/axe" --ignore-scripts --no-audit --no-fund axe-core@4.14.1; fi
}
aside tools tools "${DRYDOCK_SCALIBR:-}" "${DRYDOCK_AXE:-}"
export DRYDOCK_AXE="${DRYDOCK_AXE:-$work/axe/node_modules/axe-core/axe.min.js}"
export DRYDOCK_DOCKER_CLI="${DRYDOCK_DOCKER_CLI:-$work/current-programs/docker}" DRYDOCK_SCALIBR="${DRYDOCK_SCALIBR:-$work/scalibr}"

step "PostgreSQL"
if [ -z "${DRYDOCK_POSTGRES:-}" ]; then
  pg=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
  as_postgres() { "${root[@]}" runuser -u postgres -- "$@"; }
  "${root[@]}" install -d -o postgres "$work/postgres"
  chmod 0711 "$work" # for its user; what is inside keeps its modes
  as_postgres "$pg/initdb" -D "$work/postgres/data" -A trust -U postgres >"$work/initdb.log"
  as_postgres "$pg/pg_ctl" -D "$work/postgres/data" -l "$work/postgres/log" -w \
    -o "-p 54321 -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work/postgres -c fsync=off" start >/dev/null
  export DRYDOCK_POSTGRES="postgres://postgres@127.0.0.1:54321/postgres?sslmode=disable"
fi

step "Docker Engine"
# Debian's own client matches Debian's Engine, BuildKit included.
docker=/usr/bin/docker
[ -x $docker ] || docker=docker
export DRYDOCK_DOCKER=$docker
if $docker info >/dev/null 2>&1; then
  echo "one answers"
else
  # shellcheck disable=SC1091
  .ci/engine/engine start classic "$work/classic" >/dev/null && . "$work/classic/env"
  echo "started one"
fi
# What stands in for the images of the proofs goes away with what made it.
made() { $docker images -q 'drydock-prove/*' | sort -u; }
stand_ins=$(made)
$docker version --format 'client {{.Client.Version}}, Engine {{.Server.Version}}'

# What fails is said at once and again at the end: one run tells of everything.
failed=()
must() {
  local what=$1
  shift
  "$@" || { failed+=("$what"); echo "== failed: $what" >&2; }
}

# verdict ends a run: with what failed, if anything did.
verdict() {
  [ ${#failed[@]} -gt 0 ] || exit 0
  echo "== failed: ${failed[*]}" >&2
  exit 1
}
