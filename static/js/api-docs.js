// Shows the OpenAPI description with the reader of the package; requests go to this server only.
const place = document.getElementById("api-docs");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  presets: [window.SwaggerUIBundle.presets.apis],
});
