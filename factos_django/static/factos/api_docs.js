"use strict";

// The page says where the description is, and what a request of a logged-in browser has to carry.
const page = document.getElementById("api");
const headers = JSON.parse(page.dataset.headers);

SwaggerUIBundle({
  url: page.dataset.schema,
  domNode: page,
  deepLinking: true,
  validatorUrl: null, // nothing is told to anybody else
  requestInterceptor: (request) => {
    const isOurs = new URL(request.url, document.baseURI).origin === location.origin;
    if (isOurs && request.method && request.method.toUpperCase() !== "GET") {
      Object.assign(request.headers, headers);
    }
    return request;
  },
});
