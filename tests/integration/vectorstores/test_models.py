"""The real embedding models: unit rows, the same in every thread, and apart what is apart."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vectorstores.embeddings import ShishenEmbeddings

pytestmark = pytest.mark.integration

TEXTS = [
    "红烧肉的做法",
    "番茄炒蛋的做法",
    "how to make mapo tofu",
    "",
    " ",
    "🍅",
    "\x00",
    "红\x00肉",
    "红" * 600,
    "\u202e\x1b[31m",
]


@pytest.fixture(params=["main", "latin"])
def model(request, embedders):
    return getattr(embedders, request.param)


def test_unit_rows_for_any_text(model):
    rows = model.encode(TEXTS)
    assert rows.shape == (len(TEXTS), model.dimension)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-4)


def test_one_text_alone_has_the_vector_that_it_has_among_others(model):
    rows = model.encode(TEXTS)
    for text, row in zip(TEXTS, rows, strict=True):
        assert model.encode([text])[0] == pytest.approx(row, abs=1e-4)


def test_threads_do_not_mix_their_vectors(model):
    alone = {text: model.encode([text])[0] for text in TEXTS[:3]}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: (TEXTS[n % 3], model.encode([TEXTS[n % 3]])[0]), range(48)))
    assert all((alone[text] == vector).all() for text, vector in found)


def test_no_text_no_row(model):
    assert ShishenEmbeddings(model).embed_documents([]) == []


def test_the_revision_names_the_weights(model):
    assert re.fullmatch(r"[0-9a-f]{16}", model.revision())


def test_what_means_the_same_is_nearer_than_what_does_not(model):
    asked, same, other = model.encode(["西红柿炒鸡蛋的做法", "番茄炒蛋的做法", "提拉米苏的做法"])
    assert asked @ same > asked @ other + 0.05


def test_the_second_model_reaches_over_languages(embedders):
    asked, same, other = embedders.latin.encode(
        ["how to make scrambled eggs with tomatoes", "番茄炒蛋的做法", "提拉米苏的做法"]
    )
    assert asked @ same > asked @ other + 0.1


def test_warming_up_loads_both(embedders):
    embedders.warm_up()
    assert "_model" in vars(embedders.main)
    assert "_model" in vars(embedders.latin)
