"""Recognises Vietnamese in the encodings of fonts from before Unicode (TCVN3 "ABC", VNI), pasted as text.

Such text is Latin letters and signs: "B¸o c¸o" and "Baùo caùo" for "Báo cáo". It is recognised by what it becomes: a
line is old where at least two of its words are no Vietnamese syllables as they stand and are some once decoded, and
fewer of its words are Vietnamese with diacritics as they stand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice, product

LEAST_WORDS = 2
MOST_WORDS = 1_000
"""So many words with other letters than those of ASCII are looked at: time must not grow with a text."""

_TCVN3: dict[str, str] = dict(
    zip(
        "¡¢£¤¥¦§¨©ª«¬\xad®µ¶·¸¹»¼½¾ÆÇÈÉÊËÌÎÏÐÑÒÓÔÕÖ×ØÜÝÞßáâãäåæçèéêëìíîïñòóôõö÷øùúûüýþ",
        "ĂÂÊÔƠƯĐăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
        strict=True,
    )
)
"""TCVN 5712:1993, VN3: one sign for each letter; its capitals with tones are these letters in another font."""

_TONES = {"\u0300": "øØ", "\u0301": "ùÙ", "\u0309": "ûÛ", "\u0303": "õÕ", "\u0323": "ïÏ"}
_CIRCUMFLEX = {"": "âÂ", "\u0300": "àÀ", "\u0301": "áÁ", "\u0309": "åÅ", "\u0303": "ãÃ", "\u0323": "äÄ"}
_BREVE = {"": "êÊ", "\u0300": "èÈ", "\u0301": "éÉ", "\u0309": "úÚ", "\u0303": "üÜ", "\u0323": "ëË"}


def _vni() -> Iterator[tuple[str, str]]:
    """Each letter as VNI fonts write it: the letter, and behind it a sign for tone and hook."""
    marked = [("aeouy", "", _TONES)]
    marked += [("aeo", "\u0302", _CIRCUMFLEX), ("a", "\u0306", _BREVE)]
    for letters, hat, marks in marked:
        for letter, (tone, signs) in product(letters, marks.items()):
            for sign, base in product(signs, (letter, letter.upper())):
                yield base + sign, unicodedata.normalize("NFC", base + hat + tone)
    for old, new in (("ô", "ơ"), ("ö", "ư")):
        for letter, hooked in ((old, new), (old.upper(), new.upper())):
            yield letter, hooked
            for tone, signs in _TONES.items():
                for sign in signs:
                    yield letter + sign, unicodedata.normalize("NFC", hooked + tone)
    single = {"ñ": "đ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
    for old, new in single.items():
        yield from ((old, new), (old.upper(), new.upper()))


def _decoder(table: Mapping[str, str]) -> tuple[re.Pattern[str], Mapping[str, str]]:
    return re.compile("|".join(map(re.escape, sorted(table, key=len, reverse=True)))), table


_RHYMES = frozenset(
    [
        "a",
        "ac",
        "ach",
        "ai",
        "am",
        "an",
        "ang",
        "anh",
        "ao",
        "ap",
        "at",
        "au",
        "ay",
        "ă",
        "ăc",
        "ăm",
        "ăn",
        "ăng",
        "ăp",
        "ăt",
        "â",
        "âc",
        "âm",
        "ân",
        "âng",
        "âp",
        "ât",
        "âu",
        "ây",
        "e",
        "ec",
        "em",
        "en",
        "eng",
        "eo",
        "ep",
        "et",
        "ê",
        "êch",
        "êm",
        "ên",
        "ênh",
        "êp",
        "êt",
        "êu",
        "i",
        "ia",
        "ich",
        "im",
        "in",
        "inh",
        "ip",
        "it",
        "iu",
        "iêc",
        "iêm",
        "iên",
        "iêng",
        "iêp",
        "iêt",
        "iêu",
        "o",
        "oa",
        "oac",
        "oach",
        "oai",
        "oam",
        "oan",
        "oang",
        "oanh",
        "oao",
        "oap",
        "oat",
        "oay",
        "oc",
        "oe",
        "oen",
        "oeo",
        "oet",
        "oi",
        "om",
        "on",
        "ong",
        "ooc",
        "oong",
        "op",
        "ot",
        "oăc",
        "oăm",
        "oăn",
        "oăng",
        "oăt",
        "ô",
        "ôc",
        "ôi",
        "ôm",
        "ôn",
        "ông",
        "ôp",
        "ôt",
        "ơ",
        "ơi",
        "ơm",
        "ơn",
        "ơp",
        "ơt",
        "u",
        "ua",
        "uc",
        "ui",
        "um",
        "un",
        "ung",
        "up",
        "ut",
        "uy",
        "uya",
        "uych",
        "uynh",
        "uyt",
        "uyu",
        "uyên",
        "uyêt",
        "uân",
        "uâng",
        "uât",
        "uây",
        "uê",
        "uêch",
        "uênh",
        "uôc",
        "uôi",
        "uôm",
        "uôn",
        "uông",
        "uôt",
        "uơ",
        "ư",
        "ưa",
        "ưc",
        "ưi",
        "ưng",
        "ưt",
        "ưu",
        "ươc",
        "ươi",
        "ươm",
        "ươn",
        "ương",
        "ươp",
        "ươt",
        "ươu",
        "y",
        "yêm",
        "yên",
        "yêng",
        "yêt",
        "yêu",
    ]
)
_ONSETS = "b|ch|c|d|đ|gh|gi|g|h|kh|k|l|m|ngh|ng|nh|n|ph|p|qu|q|r|s|th|tr|t|v|x|"
_SYLLABLE = re.compile(rf"({_ONSETS})([aăâeêioôơuưy].*)")
_TONE = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_STOPS, _TONES_OF_STOPS = ("c", "ch", "p", "t"), "\u0301\u0323"
_TONED_VOWEL = re.compile("[aeiouy\u0302\u0306\u031b][\u0300\u0301\u0303\u0309\u0323]")
_WORD = re.compile("[\\w\xa1-\xff]+")
_PLAIN, _LETTERS = re.compile("[A-Za-z]"), re.compile(r"[^\W0-9_]+")
_LONGEST = 14
"""A syllable has seven letters at most, in VNI nine."""


@lru_cache(maxsize=4096)
def _is_syllable(word: str) -> bool:
    """Whether a word is a Vietnamese syllable, by its spelling."""
    parts = unicodedata.normalize("NFD", word.lower())
    tones = _TONE.findall(parts)
    plain = unicodedata.normalize("NFC", _TONE.sub("", parts))
    found = _SYLLABLE.fullmatch(plain)
    if found is None or len(tones) > len(_TONED_VOWEL.findall(parts)) or len(tones) > 1:
        return False
    onset, rhyme = found.groups()
    if rhyme not in _RHYMES and not (onset == "gi" and f"i{rhyme}" in _RHYMES):
        return False
    if not tones:
        return True
    if rhyme.endswith(_STOPS) and tones[0] not in _TONES_OF_STOPS:
        return False
    # A glide at the end bears no tone: "aù" is a letter of VNI, not "au" with a tone.
    glides = len(rhyme) > 1 and rhyme[-1] in "iouy" and rhyme != "uy"
    return not (glides and parts.endswith(tones[0]))


def old_line(text: str) -> tuple[int, str, str] | None:
    """Return the first line in an old encoding: its number, the line, and the encoding's name; None without one.

    A text is looked through until `MOST_WORDS` words were: one in an old encoding shows it in its first lines.
    """
    left = MOST_WORDS
    for number, line in enumerate(text.split("\n"), 1):
        if line.isascii():
            continue
        words = list(islice(_words(line), left))
        if (name := _font_of(words)) is not None:
            return number, line, name
        left -= len(words)
        if left <= 0:
            break
    return None


def spelled_in_vietnamese(text: str) -> bool:
    """Whether most words of a text that have other letters than ASCII are Vietnamese syllables, and there are some."""
    words = {part.lower() for word in islice(_words(text), MOST_WORDS) for part in _LETTERS.findall(word)}
    marked = [word for word in words if not word.isascii()]
    return sum(map(_is_syllable, marked)) * 3 > len(marked) * 2


def _words(line: str) -> Iterator[str]:
    """Yield the words of a line that have other letters or signs than ASCII, and are no longer than a syllable."""
    for found in _WORD.finditer(line):
        if found.end() - found.start() <= _LONGEST and not found[0].isascii():
            yield found[0]


def _font_of(words: Sequence[str]) -> str | None:
    different = set(words)
    strange = [word for word in different if max(word) < "\u0100" and _PLAIN.search(word) and not _is_syllable(word)]
    if len(strange) < LEAST_WORDS:
        return None
    letters = {part for word in different for part in _LETTERS.findall(word)}
    current = sum(_is_syllable(part) for part in letters if not part.isascii())
    decoded = {
        name: sum(_decodes(word, pattern, table) for word in strange) for name, (pattern, table) in _DECODERS.items()
    }
    name = max(decoded, key=lambda one: decoded[one])
    return name if decoded[name] >= LEAST_WORDS and decoded[name] > current else None


def _decodes(word: str, pattern: re.Pattern[str], table: Mapping[str, str]) -> bool:
    return _is_syllable(pattern.sub(lambda found: table[found.group()], word))


_DECODERS = {"TCVN3 (ABC)": _decoder(_TCVN3), "VNI": _decoder(dict(_vni()))}
