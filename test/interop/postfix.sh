#!/bin/bash
# Postfix, with Dovecot for SASL: postfix.sh install | start DIR PORT... | stop DIR, with eight ports
# A plain listener, a submission listener (STARTTLS, then AUTH), an smtps listener (implicit TLS, AUTH), and plain ones
# that bear little: "crowded" two connections of a client, "busy" and "paced" ten messages of a client in one or two
# seconds, "strict" three mistakes, "hasty" two seconds of silence. What is accepted for gone@example.test cannot be
# delivered, and no message may be larger than 1 MiB. All mail goes into the Maildir DIR/mail; configuration and queue
# are DIR's too, /etc/postfix is neither read nor written.
. "$(dirname "$0")/lib.sh"

do_install() {
  [ "$(id -u)" = 0 ] || give_up 'Postfix can be started by root only'
  if ! type postfix dovecot openssl &>/dev/null; then
    # Without a main.cf in /etc/postfix, Debian's service has nothing to start at the next boot.
    ! command -v debconf-set-selections >/dev/null ||
      echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    apt_install postfix dovecot-core openssl || give_up 'Postfix and Dovecot are missing and cannot be installed'
  fi
  [[ $(dovecot --version) == 2.3.* ]] || give_up "Dovecot 2.3 is needed, found $(dovecot --version)"
}

do_start() {
  local dir=$1 plain=$2 submission=$3 smtps=$4 crowded=$5 busy=$6 paced=$7 strict=$8 hasty=$9
  new_dir "$dir"
  dovecot_auth "$dir"
  mkdir -p "$dir"/{etc,queue,data}
  chown postfix: "$dir/data"
  cat >"$dir/etc/main.cf" <<END
compatibility_level = 3.6
myhostname = postfix.$DOMAIN
mydestination =
mynetworks =
alias_maps =
alias_database =
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/log
maillog_file_prefixes = $dir
inet_interfaces = $HOST
inet_protocols = ipv4
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
message_size_limit = $LIMIT
# what is delivered is what was sent, with trace fields before it
local_header_rewrite_clients =

# everything accepted goes to one Maildir; nothing leaves this machine
virtual_mailbox_domains = $DOMAIN
virtual_mailbox_base = $dir
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
virtual_minimum_uid = 1
default_transport = virtual
transport_maps = inline:{ {gone@$DOMAIN=error:5.1.6 Moved away} }
smtpd_reject_unlisted_recipient = no
smtpd_recipient_restrictions =
  check_recipient_access inline:{ {reject@$DOMAIN=550 5.1.1 No such mailbox}, {defer@$DOMAIN=451 4.2.1 Mailbox busy} }
  permit_sasl_authenticated, reject_unauth_destination

smtpd_sasl_type = dovecot
smtpd_sasl_path = $dir/auth
smtpd_sasl_authenticated_header = yes
smtpd_tls_chain_files = $dir/certs/server.key, $dir/certs/server.crt
smtpd_tls_received_header = yes
smtpd_tls_auth_only = yes

# no punishments: the tests make mistakes on purpose, and many connections
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
smtpd_client_connection_count_limit = 0
anvil_rate_time_unit = 1s
END
  cat >"$dir/etc/master.cf" <<END
$HOST:$plain      inet n - n - - smtpd
$HOST:$submission inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_tls_security_level=may
$HOST:$smtps      inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_tls_wrappermode=yes
$HOST:$crowded    inet n - n - - smtpd -o smtpd_client_connection_count_limit=2
$HOST:$busy       inet n - n - - smtpd -o smtpd_client_message_rate_limit=10
$HOST:$paced      inet n - n - - smtpd -o smtpd_client_message_rate_limit=10
$HOST:$strict     inet n - n - - smtpd -o smtpd_hard_error_limit=3
$HOST:$hasty      inet n - n - - smtpd -o smtpd_timeout=2s
cleanup  unix  n - n - 0 cleanup
qmgr     unix  n - n 300 1 qmgr
rewrite  unix  - - n - - trivial-rewrite
tlsmgr   unix  - - n 1000? 1 tlsmgr
bounce   unix  - - n - 0 bounce
defer    unix  - - n - 0 bounce
trace    unix  - - n - 0 bounce
proxymap unix  - - n - - proxymap
error    unix  - - n - - error
retry    unix  - - n - - error
virtual  unix  - n n - - virtual
anvil    unix  - - n - 1 anvil
postlog  unix-dgram n - n - 1 postlogd
END
  touch -d '1 minute ago' "$dir"/etc/* # Postfix waits until a fresh main.cf is some seconds old
  # It fails where another program has taken a port, and says so in its log only.
  postfix -c "$dir/etc" start || { cat "$dir/log"; return 1; }
  shift
  wait_ports "$@"
  cat >"$dir/endpoints" <<END
plain smtp none $plain
submission smtp starttls $submission
smtps smtp implicit $smtps
crowded smtp none $crowded
busy smtp none $busy
paced smtp none $paced
strict smtp none $strict
hasty smtp none $hasty
END
}

do_stop() {
  local rc=0
  stop_pid "$1/queue/pid/master.pid" || rc=1
  stop_pid "$1/dovecot/run/master.pid" || rc=1
  return $rc
}

main "$@"
