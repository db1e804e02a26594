"""Text -> unit vectors; here with the fake, which tests and the test profile use."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vectorstores import EmbeddingsConfig, build_embeddings
from vectorstores.embeddings import E5Embedder, EmbedderPair, FakeEmbedder, ShishenEmbeddings, UseEmbedder


def test_the_defaults_are_real_models_of_which_nothing_is_loaded_yet():
    pair = build_embeddings(EmbeddingsConfig())
    assert isinstance(pair.main, E5Embedder)
    assert isinstance(pair.latin, UseEmbedder)
    assert "_model" not in vars(pair.main) | vars(pair.latin)


@pytest.mark.parametrize(
    ("kind", "latin", "main", "second"),
    [("use", "none", UseEmbedder, type(None)), ("fake", "fake", FakeEmbedder, FakeEmbedder)],
)
def test_the_config_names_the_models(kind, latin, main, second):
    pair = build_embeddings(EmbeddingsConfig(kind=kind, latin=latin))
    assert (type(pair.main), type(pair.latin)) == (main, second)


@pytest.mark.parametrize("wrong", [{"kind": "bert"}, {"latin": "e5"}, {"model": "x"}])
def test_an_unknown_model_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        EmbeddingsConfig(**wrong)


def test_every_model_has_a_name_and_revision_of_its_own():
    models = [E5Embedder(), UseEmbedder(), FakeEmbedder()]
    assert len({model.name for model in models}) == len({model.revision() for model in models}) == 3
    # Of the weights: the same in each object, and the registry's hashes are all it takes.
    assert E5Embedder().revision() == models[0].revision()


def test_the_revision_follows_the_weights(monkeypatch):
    before = UseEmbedder().revision()
    monkeypatch.setattr(UseEmbedder, "weights", E5Embedder.weights)
    assert UseEmbedder().revision() == E5Embedder().revision() != before


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_fake_vectors_are_unit_rows_that_depend_on_their_text_alone(texts):
    rows = FakeEmbedder().encode(texts)
    assert rows.shape == (len(texts), 64)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
    assert all((FakeEmbedder().encode([text])[0] == row).all() for text, row in zip(texts, rows, strict=True))


def test_fake_vectors_of_similar_texts_are_similar():
    asked, near, far = FakeEmbedder().encode(["红烧肉的做法", "红烧鱼的做法", "mapo tofu"])
    assert asked @ near > 0.5 > asked @ far


def test_as_langchain_sees_it():
    embeddings = ShishenEmbeddings(FakeEmbedder())
    vector = embeddings.embed_query("红烧肉")
    assert embeddings.embed_documents(["麻婆豆腐", "红烧肉"])[1] == vector
    assert type(vector[0]) is float
    assert embeddings.embed_documents([]) == []


@pytest.mark.parametrize("second", [True, False])
def test_warming_up_uses_every_model(second):
    class Counting(FakeEmbedder):
        calls = 0

        def encode(self, texts):
            self.calls += 1
            return super().encode(texts)

    pair = EmbedderPair(Counting(), Counting() if second else None)
    pair.warm_up()
    assert [model.calls for model in (pair.main, pair.latin) if model] == [1] * (1 + second)
