// Each client in its turn, against one demo shop. A warning of any of them is a failure.
import { warnings } from "./warnings";

import { tryApollo } from "./apollo";
import { tryTypedClient } from "./client";
import { startDemo } from "./demo";
import { tryRelay } from "./relay";
import { tryUrql } from "./urql";

async function main(): Promise<void> {
  const demo = await startDemo(process.env.GUICHET_BINARY ?? "target/debug/guichet");
  try {
    for (const tryClient of [tryTypedClient, tryApollo, tryUrql, tryRelay]) {
      console.log(await tryClient(demo));
      if (warnings.length > 0) throw new Error("there are warnings");
    }
  } finally {
    demo.stop();
  }
}

main().catch((error: unknown) => {
  console.log(error, warnings.join("\n"));
  process.exitCode = 1;
});
