"""What is said to the user: sentences that can be said in another language, and the exception for what the user can put right."""


def printable(text):
    """A text as one line that can be printed: names of files may hold line ends, and bytes that are no UTF-8.

    >>> printable("roll\\n1")
    'roll\\\\n1'
    """
    text = str(text).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Sentence(str):
    """A printable text that knows what it was made of, so that it can be said in another language.

    Parameters
    ----------
    template : the text, with the names of its words in braces; without words it is taken as it is.
    words : name -> what to put there; an exception counts as its reason.

    >>> sentence = Sentence("{path}: cannot be read ({error})", path="a.jpg", error=OSError(13, "Permission denied"))
    >>> sentence
    'a.jpg: cannot be read (Permission denied)'
    >>> sentence.translated({"{path}: cannot be read ({error})": "{path}: nicht lesbar ({error})"}.get)
    'a.jpg: nicht lesbar (Permission denied)'
    """

    def __new__(cls, template, **words):
        words = {
            name: _reason(word) if isinstance(word, BaseException) else word
            for name, word in words.items()
        }
        sentence = super().__new__(cls, printable(template.format(**words) if words else template))
        sentence.template, sentence.words = template, words
        return sentence

    def __getnewargs_ex__(self):
        return (self.template,), self.words

    def translated(self, translate):
        """The sentence with its template, and those of the sentences in it, as `translate(template)` gives them."""
        words = {
            name: word.translated(translate) if isinstance(word, Sentence) else word
            for name, word in self.words.items()
        }
        return printable(
            translate(self.template).format(**words) if words else translate(self.template)
        )


def _reason(error):
    """What an exception says: if it is the system's, without the number and the file."""
    said = error.args[0] if error.args and isinstance(error.args[0], Sentence) else str(error)
    return getattr(error, "strerror", None) or said or type(error).__name__


class DustbustError(Exception):
    """Something the user can put right: the message says what is wrong, with which file, and what to do.

    `args[0]` is the message as a `Sentence`, made of what the exception is made of.
    Wrong arguments of a call are a `TypeError` or a `ValueError`, as everywhere in Python.
    """

    def __init__(self, message, **words):
        super().__init__(message if isinstance(message, Sentence) else Sentence(message, **words))
