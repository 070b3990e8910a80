"""Metabolic power and high metabolic load distance (design/metrics.md 2.9)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values
from core.sport.metrics.track import has_distance, no_speed

EDGES = (0.0, 10.0, 20.0, 35.0, 55.0)  # W/kg
HIGH_POWER = 20.0
FAST, HARD = 5.5, 2.0  # m/s, m/s2

STATE = np.dtype(
    [
        ("terrain", "<f8"),
        ("energy_ms", "<f8"),  # sum of W/kg times ms
        ("high_metres", "<f8"),
        ("load_metres", "<f8"),
        ("band_ms", "<i8", (len(EDGES),)),
        ("band_metres", "<f8", (len(EDGES),)),
    ]
)


def terrain_defaults(surface: str) -> Mapping[str, Any]:
    """The factor 1.29 was measured on grass; elsewhere it is 1."""
    return {} if surface == "grass" else {"terrain_factor": 1.0}


def init(values: Values, start: int, state: Any) -> None:
    state["terrain"] = values["terrain_factor"]


METABOLIC = Kernel(
    name="metabolic",
    function="core.sport.kernels.metabolic:fold",
    version=1,
    state=STATE,
    init=init,
    params=("terrain_factor",),
)


def metabolic(reading: Reading) -> dict[str, Any] | None:
    if no_speed(reading):
        return None
    state, total = reading.state, float(reading.track["total"])
    energy = float(state["energy_ms"]) / 1000.0
    equivalent = energy / (3.6 * reading.values["terrain_factor"])
    highs = [*EDGES[1:], None]
    return {
        "energy": energy,
        "equivalent_distance": equivalent,
        "equivalent_distance_index": equivalent / total if total else None,
        "high_power_distance": float(state["high_metres"]),
        "bands": [
            {
                "threshold_low": low,
                "threshold_high": high,
                "duration": int(state["band_ms"][i]) / 1000.0,
                "distance": float(state["band_metres"][i]),
            }
            for i, (low, high) in enumerate(zip(EDGES, highs, strict=True))
        ],
    }


def hmld(reading: Reading) -> float | None:
    if not has_distance(reading):
        return reading.absent("no distance")
    return float(reading.state["load_metres"])


METABOLIC_METRICS = (
    Fold(
        key="hmld",
        version=1,
        unit="m",
        title="High metabolic load distance",
        definition=(
            "Distance of steps with speed above 5.5 m/s or |acceleration| of at least 2 m/s2, "
            "both from the research smoothing (three samples)."
        ),
        boundary="speed > 5.5; |acceleration| >= 2",
        citation="STATSports glossary",
        grade="B",
        kernel=METABOLIC,
        output=hmld,
    ),
    Fold(
        key="metabolic",
        version=1,
        unit="J/kg, m, W/kg",
        title="Metabolic power",
        definition=(
            "ES = acceleration/g clamped to +-0.45, EM = sqrt(ES^2 + 1), EC = (155.4 ES^5 - 30.4 "
            "ES^4 - 43.3 ES^3 + 46.3 ES^2 + "
            "19.5 ES + 3.6) EM KT, power = EC speed, with research smoothing and KT = "
            "terrain_factor (1.29 on grass, 1.0 "
            "elsewhere). energy = sum of power times time (J/kg); equivalent_distance = energy / "
            "(3.6 KT); "
            "equivalent_distance_index = its ratio to total_distance; high_power_distance: steps "
            "above 20 W/kg; bands of "
            "power 0, 10, 20, 35, 55 W/kg."
        ),
        boundary="power > 20 W/kg; bands [low, high), power below 0 in the first",
        citation="Osgnach 2010, MSSE 42:170; di Prampero 2005, J Exp Biol 208:2809",
        grade="B",
        kernel=METABOLIC,
        output=metabolic,
    ),
)
