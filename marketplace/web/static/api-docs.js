// Starts Swagger UI on /api/docs: an external file, so that the content policy needs no exception.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("swagger-ui");
  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.url,
    deepLinking: true,
    docExpansion: "none",
    validatorUrl: null,
    persistAuthorization: false,
    requestInterceptor: (request) => {
      const token = document.querySelector('meta[name="csrf-token"]');
      if (token && request.method && request.method !== "GET") request.headers["X-CSRFToken"] = token.content;
      return request;
    },
  });
});
