"""Parameters of athletes over time: what thresholds, heart rates and weight were when."""

from typing import Any

from marshmallow import fields

from core.api.filters import Filter, Listing, exact
from core.api.guard import authenticated
from core.api.paging import page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, Moment, Real, Shape, Start, Text
from core.models import AthleteParameter
from core.policy import Actor
from core.services import parameters

blueprint = Blueprint(
    "athlete-parameters",
    __name__,
    url_prefix="/api/v1/athletes/<int:athlete>/parameters",
    description="Each value holds from its beginning on until the next of the same name. A time "
    "frame uses what was valid at its start, unless its own params say something else.",
)

LISTING = Listing(
    "AthleteParameter",
    key=AthleteParameter.id,
    filters={
        "name": exact(AthleteParameter.name),
        "at": Filter(Moment(), parameters.valid, "Only those that are valid at this moment."),
    },
    ordering={"name": AthleteParameter.name, "valid_from": AthleteParameter.valid_from},
)


class AthleteParameterChangeShape(Shape):
    """``value`` null: unset from then on. ``valid_until``: where the next value of the name begins,
    null for the newest.
    """

    id = Id(dump_only=True)
    athlete = Id(attribute="athlete_id", dump_only=True)
    name = fields.String(dump_only=True)
    value = Real(required=True, allow_none=True)
    valid_from = Start(required=True)
    valid_until = Moment(dump_only=True, allow_none=True)
    created = Moment(dump_only=True)


class AthleteParameterShape(AthleteParameterChangeShape):
    """``name``: that of a parameter of a time frame which is a property of a person."""

    name = Text(50, shortest=1, required=True)


@blueprint.route("/")
@authenticated()
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(AthleteParameterShape))
def list_parameters(actor: Actor, query: dict[str, Any], athlete: int) -> dict[str, Any]:
    """What is known of an athlete over time: with READ now, or yourself."""
    return read_page(query, lambda s: LISTING.apply(parameters.listing(s, actor, athlete), query))


@blueprint.route("/", methods=["POST"])
@authenticated()
@blueprint.arguments(AthleteParameterShape)
@blueprint.response(201, AthleteParameterShape)
def create_parameter(actor: Actor, body: dict[str, Any], athlete: int) -> AthleteParameter:
    """Say what a parameter is worth from a moment on. For the athlete, and for managers who hold
    WRITE now and over the past for which it is valid. Results that use it are computed anew.
    """
    app = platform()
    return app.db.write(lambda s: parameters.create(s, actor, app.registry, athlete, **body))


@blueprint.route("/<int:parameter>/")
@authenticated()
@blueprint.response(200, AthleteParameterShape)
def get_parameter(actor: Actor, athlete: int, parameter: int) -> AthleteParameter:
    """Read one value."""
    return platform().db.read(lambda session: parameters.get(session, actor, athlete, parameter))


@blueprint.route("/<int:parameter>/", methods=["PUT"])
@authenticated()
@blueprint.arguments(AthleteParameterChangeShape)
@blueprint.response(200, AthleteParameterShape)
def change_parameter(
    actor: Actor, body: dict[str, Any], athlete: int, parameter: int
) -> AthleteParameter:
    """Set a value and from when on it holds; its name stays."""
    app = platform()
    return app.db.write(
        lambda s: parameters.change(s, actor, app.registry, athlete, parameter, **body)
    )


@blueprint.route("/<int:parameter>/", methods=["DELETE"])
@authenticated()
@blueprint.response(204)
def remove_parameter(actor: Actor, athlete: int, parameter: int) -> None:
    """Delete a value as if it had never been: the one before it holds on."""
    app = platform()
    app.db.write(lambda s: parameters.remove(s, actor, app.registry, athlete, parameter))
