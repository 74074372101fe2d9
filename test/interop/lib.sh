# Shared by the server scripts. Each script is: NAME.sh install | start DIR PORT... | stop DIR
# Every server listens on 127.0.0.1 only, takes mail for anyone@example.test, and answers reject@example.test with 5yz
# and defer@example.test with 4yz. "start" returns when all ports answer, and writes DIR/endpoints, a line for each
# listener: name, smtp or lmtp, none, starttls or implicit, port or path.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HOST=127.0.0.1
DOMAIN=example.test
USERNAME=alice
PASSWORD='s3cret pass'
# somebody whose password is not ASCII
OTHER_USERNAME=zoe
OTHER_PASSWORD='pässwörd 密码'
LIMIT=1048576

# give_up REASON : ends with the exit status that means "cannot be run here"
give_up() {
  echo "$1" >&2
  exit 77
}

# apt_install PACKAGE... : at most five minutes; nothing is removed for it, and no daemon is started by it
apt_install() {
  local policy=/usr/sbin/policy-rc.d rc=0
  command -v apt-get >/dev/null || return 1
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap "rm -f $policy" EXIT
  fi
  apt_get update && apt_get --no-remove --no-install-recommends install "$@"
}
apt_get() {
  DEBIAN_FRONTEND=noninteractive timeout --kill-after=20 150 \
    apt-get -y -qq -o DPkg::Lock::Timeout=60 -o Acquire::Retries=2 "$@" </dev/null >/dev/null 2>&1
}

# new_dir DIR [CLIENT...] : certificates and an empty Maildir, which the servers' users can reach
new_dir() {
  mkdir -p "$1"/mail/{new,cur,tmp}
  chmod 755 "$1" "$1/mail"
  chown -R nobody: "$1/mail"
  "$HERE/certs.sh" "$1/certs" "${@:2}"
}

# wait_ports PORT... : until something listens on each, ten seconds at most
wait_ports() {
  local port n
  for port; do
    for n in {1..200}; do
      (exec 3<>"/dev/tcp/$HOST/$port") 2>/dev/null && continue 2
      sleep 0.05
    done
    echo "nothing listens on port $port" >&2
    return 1
  done
}

# alive FILE : the process whose id the file holds is there. A zombie is not: in a container nobody may collect it.
alive() {
  local pid
  [ -s "$1" ] && pid=$(tr -dc 0-9 <"$1") && kill -0 "$pid" 2>/dev/null &&
    ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

# stop_pid FILE : ends the process whose id the file holds, and waits until it is gone, ten seconds at most
stop_pid() {
  local n
  ! alive "$1" || kill "$(tr -dc 0-9 <"$1")"
  for n in {1..200}; do
    alive "$1" || { rm -f "$1"; return 0; }
    sleep 0.05
  done
  echo "the process of $1 does not end" >&2
  return 1
}

# dovecot_auth DIR : Dovecot as a SASL server, on the socket DIR/auth, which any user may open
dovecot_auth() {
  local dir=$1/dovecot
  mkdir -p "$dir"
  {
    dovecot_logins "$dir" 'plain login cram-md5 scram-sha-1 scram-sha-256 oauthbearer xoauth2'
    cat <<END
protocols =
ssl = no
disable_plaintext_auth = no
service auth {
  unix_listener $1/auth {
    mode = 0666
  }
}
END
  } >"$dir/conf"
  dovecot -c "$dir/conf"
}

# dovecot_logins DIR MECHANISMS : that part of a configuration that says who may sign in, by what. A token is a JWT that
# is signed by HS256 with the key "jwt-secret", and names the user as "email".
dovecot_logins() {
  local dir=$1
  mkdir -p "$dir/jwt/default/HS256"
  printf '%s:{PLAIN}%s\n' "$USERNAME" "$PASSWORD" "$OTHER_USERNAME" "$OTHER_PASSWORD" >"$dir/users"
  printf jwt-secret | base64 >"$dir/jwt/default/HS256/default"
  cat >"$dir/oauth2" <<END
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=$dir/jwt/
username_attribute = email
END
  chmod 755 "$dir"
  chmod -R u=rwX,go=rX "$dir"/{jwt,users,oauth2}
  cat <<END
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/log
auth_mechanisms = $2
auth_failure_delay = 0 secs
passdb {
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
  args = scheme=PLAIN username_format=%u $dir/users
}
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = $dir/oauth2
}
service anvil {
  # without this, each failed login makes the next one wait
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
END
}

# main install | start DIR PORT... | stop DIR : calls do_install, do_start or do_stop. What a daemon keeps open is a
# file, not our caller's pipes, or a caller that reads them to the end would wait for as long as the daemon lives.
main() {
  local action=${1-} dir=
  [ "$action" = install ] || dir=$(realpath -m "${2:?usage: $0 install | start DIR PORT... | stop DIR}")
  shift; [ -z "$dir" ] || shift
  case $action in
    install) do_install ;;
    start)
      [ ! -e "$dir/endpoints" ] || { echo "$dir: already started" >&2; return 1; }
      mkdir -p "$dir"
      do_start "$dir" "$@" </dev/null >"$dir/start.log" 2>&1 &
      wait $! || { cat "$dir/start.log" >&2; do_stop "$dir"; return 1; }
      ;;
    stop) do_stop "$dir" && rm -f "$dir/endpoints" ;;
    *) echo "usage: $0 install | start DIR PORT... | stop DIR" >&2; return 2 ;;
  esac
}
