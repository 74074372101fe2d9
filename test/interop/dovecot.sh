#!/bin/bash
# Dovecot as a delivery agent, over LMTP: dovecot.sh install | start DIR PORT | stop DIR
# It listens on the port and on the socket DIR/lmtp, and takes STARTTLS on both. Unlike with the other servers, each
# user has a Maildir, DIR/mail/NAME: LMTP says who got a message, and who did not, one by one. full@ and packed@ are
# over their quota, which is found out when the message is there.
. "$(dirname "$0")/lib.sh"

do_install() {
  [ "$(id -u)" = 0 ] || give_up 'Dovecot can be started by root only'
  if ! type dovecot openssl &>/dev/null || [ ! -e /usr/lib/dovecot/lmtp ]; then
    apt_install dovecot-core dovecot-lmtpd openssl || give_up 'Dovecot with LMTP is missing and cannot be installed'
  fi
  [[ $(dovecot --version) == 2.3.* ]] || give_up "Dovecot 2.3 is needed, found $(dovecot --version)"
}

do_start() {
  local dir=$1 port=$2 ids
  new_dir "$dir"
  ids=$(id -u nobody):$(id -g nobody)
  echo "reject@$DOMAIN:::::::" >"$dir/refused"
  cat >"$dir/users" <<END
defer@$DOMAIN::$ids::$dir/mail/defer::userdb_tempfail=yes
full@$DOMAIN::$ids::$dir/mail/full::userdb_quota_rule=*:bytes=1
packed@$DOMAIN::$ids::$dir/mail/packed::userdb_quota_rule=*:bytes=1
END
  chmod 644 "$dir/refused" "$dir/users"
  cat >"$dir/conf" <<END
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/log
protocols = lmtp
listen = $HOST
hostname = dovecot.$DOMAIN
ssl = yes
ssl_cert = <$dir/certs/server.crt
ssl_key = <$dir/certs/server.key
mail_location = maildir:$dir/mail/%n
first_valid_uid = 1
protocol lmtp {
  mail_plugins = quota
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
}
# nobody signs in here, but without a passdb it does not start
passdb {
  driver = static
  args = nopassword=y
}
# everybody is known but reject@
userdb {
  driver = passwd-file
  args = username_format=%u $dir/refused
  result_success = return-fail
  result_failure = continue
}
userdb {
  driver = passwd-file
  args = username_format=%u $dir/users
}
userdb {
  driver = static
  args = uid=${ids%:*} gid=${ids#*:} home=$dir/mail/%n allow_all_users=yes
}
service lmtp {
  inet_listener lmtp {
    port = $port
  }
  unix_listener $dir/lmtp {
    mode = 0666
  }
}
END
  # It fails where another program has taken the port.
  dovecot -c "$dir/conf" || { cat "$dir/log"; return 1; }
  wait_ports "$port"
  cat >"$dir/endpoints" <<END
lmtp lmtp starttls $port
lmtp-unix lmtp starttls $dir/lmtp
END
}

do_stop() { stop_pid "$1/run/master.pid"; }

main "$@"
