"""``/docs/``: the OpenAPI document as a page to read and try, served from here. The files are
Swagger UI's, which the package flask-swagger-ui carries; nothing comes from another host.
"""

from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, send_from_directory

blueprint = Blueprint("docs", __name__, url_prefix="/docs")

ASSETS = {"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"}
FOLDER = Path(str(files("flask_swagger_ui"))) / "dist"

# Swagger UI sets style attributes; its icons are data: URLs. Scripts are files of ours only.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Touchline API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="document">The document is <a href="/api/v1/openapi.json">openapi.json</a>; to read it as a
page, this needs JavaScript.</main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "/api/v1/openapi.json", dom_id: "#document", deepLinking: true, docExpansion: "none",
  validatorUrl: null
});
"""


@blueprint.after_request
def secure(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/")
def page() -> Response:
    return Response(PAGE, mimetype="text/html")


@blueprint.get("/start.js")
def start() -> Response:
    return Response(START, mimetype="text/javascript")


@blueprint.get("/<any(" + ", ".join(f'"{name}"' for name in sorted(ASSETS)) + "):name>")
def asset(name: str) -> Response:
    return send_from_directory(FOLDER, name, max_age=86_400)
