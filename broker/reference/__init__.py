"""The reference of the API: one OpenAPI document, made from the routes, schemas, policies and tables of errors."""
