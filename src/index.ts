// The door for Node, Bun and Deno: the list of what the package exports, and nothing else.
export { AuthenticationError } from "./errors.ts";
