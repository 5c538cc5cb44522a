"""Results that are tables, under the name by which pandas' users and xarray's look for them."""

from abc import abstractmethod

import pandas as pd

from interp.support.public import public


@public
class Tabular:
    """A result with a `table`."""

    @abstractmethod
    def table(self) -> pd.DataFrame:
        """The result as a DataFrame."""

    def to_dataframe(self) -> pd.DataFrame:
        """The same as `table()`, by the name that xarray gives it."""
        return self.table()
