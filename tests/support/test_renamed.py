"""Old names: what they give, and that the warning names the user's own line and what to write instead."""

import importlib.util
import inspect
import sys
import types
import warnings

import pytest

import interp.support.axes

# As users run it: what checks the types of the tests' calls stands between a function and its caller.
SPEC = importlib.util.spec_from_file_location("renamed", importlib.util.find_spec("interp.support.renamed").origin)
PLAIN = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(PLAIN)
renamed = PLAIN.renamed


def here() -> int:
    """The line that calls this."""
    return inspect.currentframe().f_back.f_lineno


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("interp.old_home")
    module.__getattr__ = renamed(
        "interp.old_home", {"stand": "interp.support.axes.places", "some": "interp.support.axes.some"}
    )
    monkeypatch.setitem(sys.modules, "interp.old_home", module)
    return module


def test_the_old_name_gives_the_new_object_and_says_so(old):
    with pytest.warns(FutureWarning) as said:
        line = here() + 1
        assert old.stand is interp.support.axes.places
    (one,) = said
    assert str(one.message) == (
        "interp.old_home.stand is now interp.support.axes.places; the old name goes with the next release"
    )
    assert (one.filename, one.lineno) == (__file__, line)


def test_an_import_by_the_old_name_is_served_too(old):
    with pytest.warns(FutureWarning, match="old_home.some is now interp.support.axes.some") as said:
        from interp.old_home import some
    assert some is interp.support.axes.some and said[0].message


def test_depth_counts_the_calls_to_the_users_line():
    serve = renamed("old", {"places": "interp.support.axes.places"}, depth=3)

    def between(name: str) -> object:
        return serve(name)

    with pytest.warns(FutureWarning) as said:
        line = here() + 1
        between("places")
    assert (said[0].filename, said[0].lineno) == (__file__, line)


def test_what_was_never_there_is_an_attribute_error_without_a_warning(old):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AttributeError, match="^module 'interp.old_home' has no attribute 'nothing'$"):
            _ = old.nothing
        assert not hasattr(old, "nothing") and getattr(old, "nothing", 3) == 3
