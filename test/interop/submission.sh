#!/bin/bash
# Dovecot's submission service: submission.sh install | start DIR PORT RELAY | stop DIR
# It speaks STARTTLS on PORT, knows clients by password, token or certificate (alice's; mallory's is as good, but nobody
# knows her), and passes on what it accepts to the SMTP server on the port RELAY.
. "$(dirname "$0")/lib.sh"

do_install() {
  [ "$(id -u)" = 0 ] || give_up 'Dovecot can be started by root only'
  if ! type dovecot openssl &>/dev/null || [ ! -e /usr/lib/dovecot/submission ]; then
    apt_install dovecot-core dovecot-submissiond openssl ||
      give_up 'Dovecot with its submission service is missing and cannot be installed'
  fi
  [[ $(dovecot --version) == 2.3.* ]] || give_up "Dovecot 2.3 is needed, found $(dovecot --version)"
}

do_start() {
  local dir=$1 port=$2 relay=$3
  new_dir "$dir" alice mallory
  "$HERE/certs.sh" "$dir/strangers" alice
  echo 'alice:::::::nopassword' >"$dir/certified"
  chmod 644 "$dir/certified"
  {
    dovecot_logins "$dir" 'plain login cram-md5 scram-sha-1 scram-sha-256 oauthbearer xoauth2 external'
    cat <<END
protocols = submission
listen = $HOST
hostname = dovecot.$DOMAIN
disable_plaintext_auth = yes
ssl = required
ssl_cert = <$dir/certs/server.crt
ssl_key = <$dir/certs/server.key
ssl_ca = <$dir/certs/ca.crt
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
mail_location = maildir:$dir/mail/%n
first_valid_uid = 1
passdb {
  driver = passwd-file
  mechanisms = external
  args = username_format=%u $dir/certified
}
userdb {
  driver = static
  args = uid=$(id -u nobody) gid=$(id -g nobody) home=$dir/mail/%n allow_all_users=yes
}
service submission-login {
  inet_listener submission {
    port = $port
  }
}
submission_max_mail_size = $LIMIT
submission_relay_host = $HOST
submission_relay_port = $relay
END
  } >"$dir/conf"
  # It fails where another program has taken the port.
  dovecot -c "$dir/conf" || { cat "$dir/log"; return 1; }
  wait_ports "$port"
  echo "submission smtp starttls $port" >"$dir/endpoints"
}

do_stop() { stop_pid "$1/run/master.pid"; }

main "$@"
