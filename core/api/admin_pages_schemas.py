"""JSON schemas of the sports, version by version, as pages for administrators."""

import json
from typing import Any

from flask import request

from core.api.admin_pages import administrator, listed, page, section
from core.api.json_schemas import LISTING
from core.api.platform import platform
from core.services import json_schemas

blueprint = section("schemas", __name__)


@blueprint.get("/schemas/")
def show_all() -> Any:
    actor = administrator()
    given = {"ordering": "name", **request.args}
    shown = platform().db.read(
        lambda session: listed(session, LISTING, json_schemas.listing(actor), given)
    )
    kinds = (json_schemas.ACTIVITY, json_schemas.TIMEFRAME)
    return page("schemas.html", 400 if shown["failed"] else 200, kinds=kinds, **shown)


@blueprint.get("/schemas/<int:schema>/")
def show(schema: int) -> Any:
    actor = administrator()
    row = platform().db.read(lambda session: json_schemas.get(session, actor, schema))
    text = json.dumps(row.schema, indent=2, ensure_ascii=False)
    return page("schema.html", row=row, text=text)
