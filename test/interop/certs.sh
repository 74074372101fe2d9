#!/bin/bash
# certs.sh DIR : a throw-away CA (ca.crt) and a server certificate for localhost and 127.0.0.1 (server.crt, server.key).
# Made anew for each run; never trust it.
set -euo pipefail
mkdir -p "$1" && cd "$1"
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
key ca
openssl req -x509 -new -key ca.key -days 2 -subj '/CN=pennypost test CA' -addext keyUsage=keyCertSign,cRLSign -out ca.crt
key server
openssl req -new -key server.key -subj '/CN=localhost' -out server.csr
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt -extfile - <<'END'
basicConstraints = CA:FALSE
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
END
