// As much of the runtime's module as is used here. It has no types of its own but for Workers alone.

declare module "cloudflare:sockets" {
  export const connect: import("./cloudflare.ts").CloudflareSockets["connect"];
}
