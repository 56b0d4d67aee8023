"""Names and words of English as Faker makes them, drawn from its lists for many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.errors import UsageError

_SEXES = ("male", "female")
_SLUG, _SLUG_WORDS = 20, 11  # a slug has fewer letters, so it has fewer words
_SENTENCES = (0, 0, 0.09, 0.27, 0.29, 0.28, 0.07)  # the share of texts that have 0, 1, 2, … sentences
_SENTENCE = (3, 9)  # words at least, and fewer than
_NEWLINES = 0.31  # the share of sentences that end a line, of those that do not end a text
_START, _END, _END_OF_LINE, _END_OF_TEXT = 1, 2, 3, 4  # forms of a word; 0: within a sentence


class Words:
    """Faker's words, each as likely as the others."""

    def __init__(self) -> None:
        words = _provider("lorem").word_list
        self._count = len(words)
        self._letters = np.array([len(word) for word in words], np.int8)
        self._of_slugs = pa.array([word.lower() for word in words])
        ends = [word + end for end in (". ", ".\n", ".") for word in words]
        self._of_texts = pa.array([*(f"{word} " for word in words), *(f"{word.title()} " for word in words), *ends])

    def slugs(self, dice: np.random.Generator, rows: int) -> pa.Array:
        """Words in lower case with hyphens between them."""
        drawn = dice.integers(self._count, size=(rows, _SLUG_WORDS), dtype=np.int16)
        fits = np.cumsum(self._letters[drawn] + 1, axis=1) <= _SLUG
        return _joined(self._of_slugs, drawn[fits], fits.sum(axis=1), "-")

    def texts(self, dice: np.random.Generator, rows: int) -> tuple[pa.Array, np.ndarray]:
        """Sentences, some of them at the end of a line; and which texts are of several lines."""
        sentences = dice.choice(len(_SENTENCES), size=rows, p=_SENTENCES)
        words = dice.integers(*_SENTENCE, size=sentences.sum())
        drawn = dice.integers(self._count, size=words.sum(), dtype=np.int32)
        ends, last = np.cumsum(words), np.cumsum(sentences) - 1
        ends_line = dice.random(len(words)) < _NEWLINES
        form = np.where(ends_line, _END_OF_LINE, _END)
        form[last], ends_line[last] = _END_OF_TEXT, False
        drawn[ends - words] += _START * self._count
        drawn[ends - 1] += form * self._count
        return (
            _joined(self._of_texts, drawn, np.add.reduceat(words, last - sentences + 1), ""),
            np.logical_or.reduceat(ends_line, last - sentences + 1),
        )


class Names:
    """Faker's names of people, each as frequent as it is in the United States."""

    def __init__(self) -> None:
        person = _provider("person")
        men, women = (list(_titles(person, sex)) for sex in _SEXES)
        before, behind, weights = zip(*men, *women, strict=True)
        self._men = len(men)
        self._before, self._behind, self._titles = pa.array(before), pa.array(behind), _Weights(weights)
        firsts = [item for sex in _SEXES for item in _shares(getattr(person, f"first_names_{sex}"))]
        self._first, self._firsts = pa.array([name for name, _ in firsts]), _Weights(weight for _, weight in firsts)
        self._last, self._lasts = pa.array(list(person.last_names)), _Weights(person.last_names.values())

    def drawn(self, dice: np.random.Generator, rows: int) -> pa.Array:
        """First and last names, some with a title before or behind them."""
        title = self._titles.drawn(dice.random(rows))
        is_woman = title >= self._men
        first = self._firsts.drawn((dice.random(rows) + is_woman) / 2)
        last = self._lasts.drawn(dice.random(rows))
        return pc.binary_join_element_wise(
            self._before.take(pa.array(title)),
            self._first.take(pa.array(first)),
            " ",
            self._last.take(pa.array(last)),
            self._behind.take(pa.array(title)),
            "",
        )


class _Weights:
    """How likely each of several things is; the weights need not add up to 1."""

    def __init__(self, weights: Iterable[float]) -> None:
        sums = np.cumsum(list(weights))
        self._bounds = sums / sums[-1]

    def drawn(self, at: np.ndarray) -> np.ndarray:
        """The numbers of the things at random places between 0 and 1."""
        return np.searchsorted(self._bounds, at, side="right")


def _provider(name: str) -> Any:
    """Faker's lists of a kind. Raises UsageError if Faker is not installed."""
    try:
        return import_module(f"faker.providers.{name}.en_US").Provider
    except ImportError:
        raise UsageError("sample products need Faker: install sluice[samples]") from None


def _shares(weights: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """The weights, changed so that they add up to 1."""
    in_all = sum(weights.values())
    return ((name, weight / in_all) for name, weight in weights.items())


def _titles(person: Any, sex: str) -> Iterator[tuple[str, str, float]]:
    """What stands before and behind a name of that sex, both mostly nothing, and how likely that is."""
    for form, weight in _shares(getattr(person, f"formats_{sex}")):
        before = _shares(getattr(person, f"prefixes_{sex}")) if "prefix" in form else [("", 1.0)]
        behind = _shares(getattr(person, f"suffixes_{sex}")) if "suffix" in form else [("", 1.0)]
        for (first, a), (last, b) in product(before, behind):
            yield f"{first} ".lstrip(), f" {last}".rstrip(), weight * a * b


def _joined(words: pa.Array, drawn: np.ndarray, counts: np.ndarray, separator: str) -> pa.Array:
    """Strings of so many of the drawn words each."""
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), words.take(pa.array(drawn))), separator)
