export { send } from "./send/upyo.mjs";

/** What turns a message into octets is inside its transport. */
export function compose() {
  return { notYet: "composing alone is not public" };
}

export function dkim() {
  return { notYet: "signing alone is not public" };
}
