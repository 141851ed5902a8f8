// Starts Redoc on this server's OpenAPI document, without its telemetry.
const { href } = document.querySelector("link[rel=modulepreload]");
const { init } = await import(href);
init("/docs/api-docs.json", { disableTelemetry: true }, document.getElementById("redoc"));
