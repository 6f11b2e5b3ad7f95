"use strict";
// Opens our own document in the vendored Swagger UI. Nothing is sent from it: a DPoP-bound call needs a key that no
// page of ours should ever hold.
const place = document.getElementById("explorer");
if (place !== null) {
  window.SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    validatorUrl: null,
    supportedSubmitMethods: [],
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    deepLinking: false,
    queryConfigEnabled: false,
  });
}
