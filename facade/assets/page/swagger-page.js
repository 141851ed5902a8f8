// Starts Swagger UI on this server's OpenAPI document.
"use strict";

// The key is accepted with and without the word Bearer before it.
function addBearer(request) {
  const name = Object.keys(request.headers ?? {}).find((name) => name.toLowerCase() === "authorization");
  if (name && !/bearer /i.test(request.headers[name])) {
    request.headers[name] = `Bearer ${request.headers[name].trim()}`;
  }
  return request;
}

window.ui = SwaggerUIBundle({
  url: "/docs/api-docs.json?api-docs.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  requestInterceptor: addBearer,
  tryItOutEnabled: true,
  validatorUrl: null,
});
