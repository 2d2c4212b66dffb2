"""One notation of polarity: a word outside, a member inside, a sign in the kernels."""

import json

import pytest

from dustbust.dust.polarity import POLARITIES, SIGNS, Polarity, check_polarity


@pytest.mark.parametrize(("word", "sign"), [("light", 1), ("dark", -1), ("both", 0)])
def test_a_word_its_member_and_its_sign_are_one(word, sign):
    member = Polarity(word)
    assert member == word
    assert f"{member} {member!s}" == f"{word} {word}"
    assert json.loads(json.dumps({"polarity": member})) == {"polarity": word}
    assert member.sign == SIGNS[word] == sign
    assert Polarity.of_sign(sign) is member


def test_both_is_light_and_dark():
    assert Polarity.BOTH.sides == (Polarity.LIGHT, Polarity.DARK)
    assert Polarity.DARK.sides == (Polarity.DARK,)


def test_an_unknown_word_is_named_with_the_allowed_ones():
    assert POLARITIES == ("light", "dark", "both")
    with pytest.raises(ValueError, match="one of light, dark, both, not 'white'"):
        check_polarity("white")
