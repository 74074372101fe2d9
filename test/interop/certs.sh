#!/bin/bash
# certs.sh DIR [CLIENT...] : a throw-away CA (ca.crt), a server certificate for localhost and 127.0.0.1 (server.crt,
# server.key), and one for each client (CLIENT.crt, CLIENT.key). Made anew for each run; never trust it.
set -euo pipefail
mkdir -p "$1" && cd "$1"
shift
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
# leaf NAME COMMON_NAME EXTENSION...
leaf() {
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out "$1.crt" \
    -extfile <(printf '%s\n' 'basicConstraints = CA:FALSE' 'authorityKeyIdentifier = keyid' "${@:3}")
}
key ca
openssl req -x509 -new -key ca.key -days 2 -subj '/CN=pennypost test CA' -addext keyUsage=keyCertSign,cRLSign -out ca.crt
leaf server localhost 'subjectAltName = DNS:localhost, IP:127.0.0.1' 'extendedKeyUsage = serverAuth'
for client; do leaf "$client" "$client" 'extendedKeyUsage = clientAuth'; done
