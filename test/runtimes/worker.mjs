// The suite in a Worker: the orders are the body of a request, what was told is that of the response.
import * as pennypost from "pennypost";
import * as compose from "pennypost/compose";
import * as connector from "pennypost/connector";
import * as dkim from "pennypost/dkim";
import * as oauth2 from "pennypost/oauth2";
import { run } from "./suite.mjs";

const modules = { pennypost, connector, compose, dkim, oauth2 };

// biome-ignore lint/style/noDefaultExport: what a Worker exports by default is the Worker.
export default {
  fetch: async (request) => Response.json(await run(modules, await request.json())),
};
