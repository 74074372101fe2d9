#!/bin/bash
# GNU SASL as the server's half of a login: gsasl.sh install | build FILE : the program gsasl-server.c
. "$(dirname "$0")/lib.sh"

case ${1-} in
  install)
    if ! type gcc openssl &>/dev/null || [ ! -e /usr/include/gsasl.h ]; then
      apt_install gcc libc6-dev libgsasl-dev openssl || give_up 'gcc and libgsasl-dev are missing and cannot be installed'
    fi
    grep -q GSASL_CB_TLS_EXPORTER /usr/include/gsasl.h || give_up 'GNU SASL 2.2 is needed, for tls-exporter'
    ;;
  build) exec gcc -O1 -Wall -Wextra -Werror -o "${2:?usage: $0 build FILE}" "$HERE/gsasl-server.c" -lgsasl ;;
  *) echo "usage: $0 install | build FILE" >&2; exit 2 ;;
esac
