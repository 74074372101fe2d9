#!/bin/bash
# A verifier of DKIM signatures that is not ours: dkim.sh install | verify
. "$(dirname "$0")/lib.sh"
# Debian's own Python: another one, earlier in the path, does not see Debian's packages.
PYTHON=/usr/bin/python3

case ${1-} in
  install)
    if ! "$PYTHON" -c 'import dkim, nacl' 2>/dev/null; then
      [ "$(id -u)" = 0 ] && apt_install python3-dkim python3-nacl ||
        give_up 'python3-dkim and python3-nacl are missing and cannot be installed'
    fi
    ;;
  verify) exec "$PYTHON" "$HERE/dkim-verify.py" ;;
  *) echo "usage: $0 install | verify" >&2; exit 2 ;;
esac
