"""Any text as LaTeX that prints it and does nothing else, in pure ASCII.

Accents become LaTeX accents, Greek and Cyrillic letters are transliterated, what is left is named
by its code point (U+4E2D).
"""

import itertools
import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",  # \textquotedbl does not exist in the default font encoding
    "`": r"\textasciigrave{}",
}  # fmt: skip
_SYMBOLS = {
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{MINUS SIGN}": "$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\le$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\ge$",
    "\N{RIGHTWARDS ARROW}": r"$\to$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{LEFT SINGLE QUOTATION MARK}": "`{}",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'{}",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``{}",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''{}",
    "\N{DAGGER}": r"$\dagger$",
    "\N{BULLET}": r"\textbullet{}",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{MICRO SIGN}": r"$\mu$",
    "\N{LATIN SMALL LETTER SHARP S}": r"{\ss}",
    "\N{LATIN SMALL LETTER AE}": r"{\ae}",
    "\N{LATIN CAPITAL LETTER AE}": r"{\AE}",
    "\N{LATIN SMALL LETTER O WITH STROKE}": r"{\o}",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": r"{\O}",
    "\N{LATIN SMALL LIGATURE OE}": r"{\oe}",
    "\N{LATIN CAPITAL LIGATURE OE}": r"{\OE}",
    "\N{LATIN SMALL LETTER L WITH STROKE}": r"{\l}",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": r"{\L}",
    "\N{LATIN SMALL LETTER DOTLESS I}": r"{\i}",
}
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING BREVE}": "u ",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r ",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H ",
    "\N{COMBINING CARON}": "v ",
    "\N{COMBINING CEDILLA}": "c ",
    "\N{COMBINING DOT BELOW}": "d ",
}
_ALPHABETS = """
    αa βb γg δd εe ζz ηe θth ιi κk λl μm νn ξx οo πp ρr σs ςs τt υy φf χch ψps ωo
    аa бb вv гg дd еe жzh зz иi кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch
    ыy эe юyu яya
"""
_LETTERS = {pair[0]: pair[1:] for pair in _ALPHABETS.split()}


def escape(text: str) -> str:
    """Write any text so that LaTeX prints it and does nothing else.

    Args:
        text: any Unicode text, control characters and lone surrogates included.

    Returns:
        ASCII on one line. Doubled hyphens, commas and quotes are kept apart; a bracket or star in
        front is shielded, since after the end of a row LaTeX would read it as an option.
    """
    text = re.sub(r"\s+", " ", text)
    joined = "".join(
        ("{}" if one == before and one in "-,'" else "") + _character(one)
        for before, one in itertools.pairwise(f" {text}")
    )
    return f"{{}}{joined}" if joined.lstrip().startswith(("[", "*")) else joined


def _character(one: str) -> str:
    if one in _SPECIAL:
        return _SPECIAL[one]
    if " " <= one <= "~":
        return one
    if one in _SYMBOLS:
        return _SYMBOLS[one]
    parts = list(unicodedata.normalize("NFD", one))
    base, marks = parts[0], parts[1:]
    if base.lower() in _LETTERS:
        latin = _LETTERS[base.lower()]
        return latin if base.islower() else latin.capitalize()
    if base.isascii() and base.isalpha() and marks and marks[0] in _ACCENTS:
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    plain = unicodedata.normalize("NFKD", one)
    if plain != one and plain.isascii() and plain.isalnum():
        return plain
    return f"\\texttt{{U+{ord(one):04X}}}"
