"""Exact cosines, and a file that says when it is broken."""

from pathlib import Path

import numpy as np
import pytest

from vectorstores import IndexMismatchError
from vectorstores.dense import DenseIndex

ROWS = np.array([[1, 0, 0], [0, 1, 0], [0.6, 0.8, 0], [0, 1, 0], [0, 0, -1]], dtype=np.float32)
QUERY = np.array([0, 1, 0], dtype=np.float32)


@pytest.fixture
def file(tmp_path):
    DenseIndex.build(tmp_path / "dense.faiss", ROWS)
    return tmp_path / "dense.faiss"


def test_shape(file):
    assert (DenseIndex(file).count, DenseIndex(file).dimension) == (5, 3)


def test_best_first_and_equal_scores_by_question_id(file):
    assert DenseIndex(file).search(QUERY, 3) == [(1, 1.0), (3, 1.0), (2, pytest.approx(0.8))]


def test_opposite_is_worst(file):
    assert DenseIndex(file).search(-ROWS[4], 5)[-1][1] <= 0
    assert DenseIndex(file).search(ROWS[4], 1) == [(4, 1.0)]


def test_no_more_than_there_are(file):
    assert len(DenseIndex(file).search(QUERY, 50)) == 5


def test_scores_of_named_questions_in_the_order_asked(file):
    assert DenseIndex(file).scores(QUERY, [2, 0, 1]) == [pytest.approx(0.8), 0.0, 1.0]
    assert DenseIndex(file).scores(QUERY, []) == []


def test_search_and_scores_agree_with_plain_numpy(tmp_path):
    rows = np.random.default_rng(7).normal(size=(200, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    DenseIndex.build(tmp_path / "d", rows)
    index = DenseIndex(tmp_path / "d")
    wanted = rows @ rows[17]
    hits = index.search(rows[17], 200)
    assert [qid for qid, _ in hits][:20] == list(np.argsort(-wanted, kind="stable")[:20])
    assert dict(hits) == pytest.approx(dict(enumerate(wanted)), abs=1e-6)
    assert index.scores(rows[17], list(range(200))) == pytest.approx(list(wanted), abs=1e-6)
    assert index.mean_score(rows[17]) == pytest.approx(wanted.mean(), abs=1e-6)


def test_the_average_question(file):
    assert DenseIndex(file).mean_score(QUERY) == pytest.approx((0 + 1 + 0.8 + 1 + 0) / 5)


@pytest.mark.parametrize("keep", [0, 10, 40, -1])
def test_a_truncated_file_is_refused(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(IndexMismatchError) as caught:
        DenseIndex(file)
    assert str(caught.value) == "the dense part dense.faiss is cut short or damaged; rebuild the index"


@pytest.mark.parametrize("content", [b"\xff" * 500, b"SQLite format 3\x00" * 20])
def test_another_file_is_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(IndexMismatchError, match="rebuild the index"):
        DenseIndex(file)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_an_oserror():
    with pytest.raises(OSError, match="No space left"):
        DenseIndex.build(Path("/dev/full"), ROWS)
