"""The conformance suite fails on spaces that break their promises, and says which and where.

Each faulty space differs from a correct one in a single verb. The tests of the suite are run as
pytest would; the first part of the message is that of the verb at fault.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import faulty_spaces as faulty
import numpy as np
import pytest

from optunas.errors import InvalidSpaceError
from optunas.space import Space
from optunas.testing import SpaceConformance


def failures(
    space: Space[Any], start: str = "test_", suite: type = SpaceConformance
) -> dict[str, str]:
    """The message of each test of the suite that fails, by its name, begun with ``start``."""
    found = {}
    tests = suite()
    tests.space = space
    for name in dir(suite):
        if not name.startswith(start):
            continue
        for arguments in _arguments(getattr(suite, name)):
            try:
                getattr(tests, name)(**arguments)
            except AssertionError as error:
                found[name] = str(error)
            except pytest.skip.Exception:
                pass
    return found


def _arguments(test: Any) -> list[dict[str, Any]]:
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    return [{marks[0].args[0]: value} for value in marks[0].args[1]] if marks else [{}]


@pytest.mark.parametrize(
    "space", [faulty.PlanSpace(), faulty.StepSpace()], ids=["continuous", "in steps"]
)
def test_a_correct_space_passes(space: Space[Any]) -> None:
    assert failures(space) == {}


FAULTS: list[tuple[Any, str, str]] = [
    (
        faulty.DigestByIdentity,
        "test_equal_members_have_equal_digests",
        "digest of its deep copy is",
    ),
    (
        faulty.DigestByHash,
        "test_digests_are_the_same_in_another_process",
        "digest is .* in another proc",
    ),
    (
        faulty.DigestOfOneParameter,
        "test_digests_tell_members_apart",
        "digest is one and the same for 100",
    ),
    (
        faulty.DigestOfOneParameter,
        "test_digests_round_numbers_to",
        "digest is the same whatever the va",
    ),
    (
        faulty.DigestForgetsRounding,
        "test_digests_round_numbers_to",
        "digest differs for lr = .* and 1e-15",
    ),
    (
        faulty.DecodeForgets,
        "test_encode_undoes_decode",
        "decode gives what encodes to .*'depth': 1",
    ),
    (faulty.DecodeKeepsItsArgument, "test_decode_undoes_encode", "decode keeps the dictionary"),
    (
        faulty.DecodeChangesItsArgument,
        "test_decode_undoes_encode",
        "decode changes the values that it",
    ),
    (
        faulty.EncodeInAnotherOrder,
        "test_encode_gives_every_",
        "encode gives another order.*wanted .'opt",
    ),
    (
        faulty.EncodeLeavesOut,
        "test_encode_gives_every_",
        "encode raised InvalidArchitectureError: .*'mom",
    ),
    (
        faulty.LeakIntoTheValue,
        "test_encode_gives_every_",
        r"encode gives {'momentum': .*} for parameters",
    ),
    (
        faulty.LeakIntoTheDigest,
        "test_parameters_that_do_not_count",
        "canonical of .*'momentum'.*, wanted",
    ),
    (
        faulty.JsonLosesAField,
        "test_json_gives_the_member_back",
        "from_json of .* gives .*not equal",
    ),
    (
        faulty.JsonWithoutKind,
        "test_json_gives_the_member_back",
        r"to_json lacks \['kind', 'version'\]",
    ),
    (faulty.JsonWithoutKind, "test_json_of_something_else", "from_json raised JSONDecodeError"),
    (
        faulty.JsonReadsAnything,
        "test_json_of_another_kind",
        "from_json takes .* wanted an InvalidArchi",
    ),
    (faulty.JsonReadsAnything, "test_damaged_json_is_refused", "from_json raised "),
    (
        faulty.Unhashable,
        "test_decode_undoes_encode",
        "decode of .* cannot be hashed .*unhashable type",
    ),
    (
        faulty.DefinitionWithoutArgument,
        "test_the_definition",
        "space_from_definition raised InvalidSpaceE",
    ),
    (faulty.MutateInPlace, "test_mutate_changes_exactly_one", "mutate changes the member itself"),
    (
        faulty.MutateInPlace,
        "test_no_verb_changes_its_arguments",
        "mutate changed the member into OpenPl",
    ),
    (
        faulty.MutateTwo,
        "test_mutate_changes_exactly_one",
        "mutate changes .* and .*, wanted exactly one",
    ),
    (
        faulty.MutateOnlyDepth,
        "test_mutation_reaches_every",
        "mutate never changed to optimizer = 'sgd'",
    ),
    (
        faulty.MutateOutside,
        "test_mutate_changes_exactly",
        "mutate raised InvalidArchitectureError: .*7",
    ),
    (
        faulty.CrossoverInvents,
        "test_crossover_takes_every_gene",
        "crossover gives the child .*in its par",
    ),
    (
        faulty.CrossoverTheOtherWay,
        "test_crossover_takes_every_gene",
        "crossover with rate=0.0 gives Plan",
    ),
    (
        faulty.CrossoverIgnoresOne,
        "test_crossover_takes_every",
        "crossover never took a gene of the sec",
    ),
    (
        faulty.SampleNeverLast,
        "test_sampling_reaches_every",
        "sample never reached depth = 6 in 6000 dra",
    ),
    (
        faulty.SampleWithoutItsGenerator,
        "test_samples_are_members_and",
        "sample gives .* when repeated",
    ),
    (
        faulty.SampleOutside,
        "test_samples_are_members",
        "validate raised InvalidArchitectureError: .*'dep",
    ),
    (
        faulty.SizeCountsWhatDoesNotCount,
        "test_size_is_the_number",
        "size is 270, but there are 126",
    ),
    (faulty.SizeInfinite, "test_size_is_the_number", "size is 10, but a parameter is continuous"),
    (
        faulty.EnumerateTwice,
        "test_enumerate_gives_distinct",
        "enumerate gives 63 different members of",
    ),
    (
        faulty.EnumerateBackwards,
        "test_enumerate_gives_distinct",
        "enumerate leaves the lexicographic or",
    ),
    (
        faulty.FeaturesOfVaryingLength,
        "test_features_are",
        r"features have shape \(6,\), others had \(5,",
    ),
    (faulty.FeaturesWithNan, "test_features_are_finite", "features are not all finite"),
    (
        faulty.FeaturesForgetDepth,
        "test_features_are_finite",
        "features are those of a different member",
    ),
    (
        faulty.CheckStopsAtTheFirst,
        "test_every_wrong_value_is_named",
        "check does not name .*no such par",
    ),
    (
        faulty.CheckRaisesKeyErrors,
        "test_every_wrong_value_is_named",
        "check raised KeyError: 'optimizer'",
    ),
    (
        faulty.ValidateTakesAnything,
        "test_what_is_no_member_is",
        "validate raised AttributeError: 'int'",
    ),
    (
        faulty.ConnectedIsANumber,
        "test_is_connected_is_a_verdict",
        "is_connected is .*, wanted True or Fa",
    ),
    (
        faulty.PartsWithUnknownSettings,
        "test_parts_are",
        r"parts have \['lr'\], which hyperparameter_name",
    ),
    (
        faulty.OwnParameter,
        "test_parameters_are_named_and_stay",
        "parameters are others when asked again",
    ),
]


@pytest.mark.parametrize(
    ("space", "test", "message"), FAULTS, ids=[f"{f.__name__}-{t[5:30]}" for f, t, _ in FAULTS]
)
def test_the_suite_fails_on_a_faulty_space(space: type, test: str, message: str) -> None:
    told = list(failures(space(), test).values())
    assert len(told) == 1
    assert re.match(message, told[0], re.DOTALL), told[0]


def test_a_failure_tells_the_verb_the_member_and_how_to_draw_it_again() -> None:
    (told,) = failures(faulty.SampleOutside(), "test_samples_are_members").values()
    first, *_, last = told.splitlines()
    assert first.startswith("validate raised InvalidArchitectureError: Parameter 'depth' is 7, but")
    assert "on Plan(optimizer=" in told
    where = re.search(r"space.sample\(numpy.random.default_rng\((\[0, \d+\])\)\)", last)
    assert where is not None
    again = faulty.SampleOutside().sample(np.random.default_rng(json.loads(where[1])))
    assert f"on {again!r}" in told


@pytest.mark.parametrize("given", [faulty.PlanSpace, 17, "nb201"])
def test_a_class_with_something_else_than_a_space_is_refused(given: Any) -> None:
    with pytest.raises(InvalidSpaceError, match=r"TestMine: space must be a space, such as space"):
        type("TestMine", (SpaceConformance,), {"space": given})


USES = """
import pytest
from optunas.space import NB201, DARTS
from optunas.testing import SpaceConformance

class TestAttribute(SpaceConformance):
    space = NB201
    num_samples = 3

class TestProperty(SpaceConformance):
    num_samples = 3

    @property
    def space(self):
        return NB201

class TestFixture(SpaceConformance):
    num_samples = 3

    @pytest.fixture(params=[NB201, DARTS])
    def space(self, request):
        return request.param

class TestNothing(SpaceConformance):
    pass

class TestAnotherThing(SpaceConformance):
    @pytest.fixture
    def space(self):
        return 17
"""


def test_a_space_is_an_attribute_a_property_or_a_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_uses.py").write_text(USES)
    command = [sys.executable, "-m", "pytest", "-q", "-k", "json", "test_uses.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    tests = [name for name in dir(SpaceConformance) if name.startswith("test_") and "json" in name]
    assert len(tests) >= 4
    count = re.search(r"(\d+) passed, .* (\d+) errors", done.stdout)
    assert count is not None, done.stdout
    assert [int(each) for each in count.groups()] == [4 * len(tests), 2 * len(tests)]
    assert "TestNothing has no space: write space = MySpace() into the class, or a" in done.stdout
    assert "The fixture space must give an optunas.Space, got 17." in done.stdout
