#!/bin/bash
# SpamAssassin with the rules that come with it, and nothing from the network: spamassassin.sh install |
# score DIR FILE... : a line for each message: its score, and the rules that fired
. "$(dirname "$0")/lib.sh"

case ${1-} in
  install)
    command -v spamassassin >/dev/null || apt_install spamassassin || give_up 'SpamAssassin is missing and cannot be installed'
    ;;
  score)
    HOME=$(realpath "${2:?usage: $0 score DIR FILE...}")
    export HOME
    shift 2
    # -L: no tests that ask the network; -t: messages are tested, nothing is learnt; -x: no file of preferences.
    spamassassin -L -t -x --cf='use_bayes 0' --cf='clear_headers' --cf='report_safe 0' --cf='fold_headers 0' \
      --cf='add_header all Result score=_SCORE_ tests=_TESTS(,)_ end' "$@" </dev/null |
      grep --text '^X-Spam-Result: ' | tr -d '\r'
    ;;
  *) echo "usage: $0 install | score DIR FILE..." >&2; exit 2 ;;
esac
