"""sweat's numbers. Runs in an environment of its own and imports nothing of ours.

``theirs_sweat.py DIRECTORY``: reads cases.json and its arrays, writes the answers to stdout.
``corrected`` is theirs once the known difference in definition is taken out.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sweat.metrics.core import mean_max, rolling_mean, weighted_average_power
from sweat.pdm.w_prime_balance import w_prime_balance


def power(arrays, settings):
    watts = arrays["power"]
    # It never tries the window that begins at the first second: a second of 0 before it makes it.
    curve, corrected = mean_max(watts), mean_max(np.concatenate([[0.0], watts]))
    for seconds in (5, 60, 300, 1200):
        yield f"mean-maximal power, {seconds} s", curve[seconds - 1], corrected[seconds - 1]
    at = np.array(settings["durations"]) - 1
    yield "mean-maximal power, all durations", curve[at].mean(), corrected[at].mean()
    full = rolling_mean(watts, 30)[29:]
    yield "normalized power", weighted_average_power(watts), np.mean(full**4) ** 0.25
    of = (settings["cp"], settings["w_prime"])
    differential = w_prime_balance(watts, *of, algorithm="froncioni-skiba-clarke")
    integral = w_prime_balance(watts, *of, algorithm="waterworth")
    for name, balance in (("W' balance", differential), ("W' balance, integral", integral)):
        yield f"{name}, least", min(balance.min(), settings["w_prime"]), None
        yield f"{name}, end", balance.iloc[-1], None


def main(directory):
    answers = []
    for case in json.loads((directory / "cases.json").read_text()):
        if case["kind"] != "power":
            continue
        arrays = np.load(directory / case["arrays"])
        for quantity, value, corrected in power(arrays, case["settings"]):
            answer = {"recording": case["recording"], "quantity": quantity, "value": float(value)}
            answers.append(
                answer if corrected is None else answer | {"corrected": float(corrected)}
            )
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
